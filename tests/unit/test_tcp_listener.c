/* Listening sockets: what a port that cannot be had is said to be taken by. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/tcp_listener.h"
#include "support/free_port.h"
#include "support/unit.h"

static int listen_on(uint16_t port, uint16_t *ret_port, struct error *error)
{
    int fd = -1;
    return tcp_listener_open("test", "127.0.0.1", port, 4, &fd, ret_port, error) == ATLAS_OK ? fd
                                                                                             : -1;
}

/* A connection to the listener; the kernel gives it its port. */
static int connect_to(uint16_t port, uint16_t *ret_own_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CU_ASSERT_EQUAL(connect(fd, (const struct sockaddr *)&address, len), 0);
    CU_ASSERT_EQUAL(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_own_port = ntohs(address.sin_port);
    return fd;
}

static void test_port_of_a_listener_names_a_process(void)
{
    struct error error;
    uint16_t port = free_port();
    int listener = listen_on(port, NULL, &error);

    CU_ASSERT_TRUE(listener >= 0);
    CU_ASSERT_EQUAL(listen_on(port, NULL, &error), -1);
    CU_ASSERT_EQUAL(error.status, ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "another process listens there"));
    close(listener);
}

static void test_ephemeral_port_of_a_listener_names_a_process(void)
{
    struct error error;
    uint16_t port = 0;
    int listener = listen_on(0, &port, &error); /* the system takes it from its range */

    CU_ASSERT_TRUE(listener >= 0);
    CU_ASSERT_EQUAL(listen_on(port, NULL, &error), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "another process listens there"));
    close(listener);
}

static void test_port_of_a_connection_names_the_remedy(void)
{
    char port_text[32];
    struct error error;
    uint16_t port = free_port();
    uint16_t own_port = 0;
    int listener = listen_on(port, NULL, &error);
    int connection = connect_to(port, &own_port);

    snprintf(port_text, sizeof port_text, "test 127.0.0.1:%u: ", own_port);
    CU_ASSERT_EQUAL(listen_on(own_port, NULL, &error), -1);
    CU_ASSERT_EQUAL(error.status, ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_EQUAL(strncmp(error.text, port_text, strlen(port_text)), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "an outgoing connection has this port"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "net.ipv4.ip_local_reserved_ports"));
    close(connection);
    close(listener);
}

/* The system keeps a connection incomplete on which the client, for whom it is complete, has sent
 * nothing yet (TCP_DEFER_ACCEPT): so it is while the last packet of a handshake is on its way. */
static void test_connection_that_has_begun_is_not_lost(void)
{
    static const int seconds = 5;
    struct error error;
    uint16_t port = 0;
    uint16_t own_port = 0;
    int listener = listen_on(0, &port, &error);

    setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
    int connection = connect_to(port, &own_port);
    CU_ASSERT_FALSE(tcp_listener_has_waiting(listener));
    tcp_listener_stop_arrivals(listener);
    CU_ASSERT_EQUAL(send(connection, "x", 1, MSG_NOSIGNAL), 1);
    CU_ASSERT_EQUAL(poll(&(struct pollfd){.fd = listener, .events = POLLIN}, 1, 3000), 1);
    CU_ASSERT_TRUE(tcp_listener_has_waiting(listener));
    close(connection);
    close(listener);
}

static void test_no_connection_begins_after_the_stop(void)
{
    struct error error;
    struct sockaddr_in address = {.sin_family = AF_INET};
    uint16_t port = 0;
    int listener = listen_on(0, &port, &error);
    int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    tcp_listener_stop_arrivals(listener);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    CU_ASSERT_EQUAL(connect(late, (const struct sockaddr *)&address, sizeof address), -1);
    CU_ASSERT_EQUAL(errno, EINPROGRESS);
    CU_ASSERT_EQUAL(poll(&(struct pollfd){.fd = late, .events = POLLOUT}, 1, 200), 0);
    CU_ASSERT_FALSE(tcp_listener_has_waiting(listener));
    close(late);
    close(listener);
}

static void test_address_must_be_numeric(void)
{
    struct error error;
    int fd = -1;

    CU_ASSERT_EQUAL(tcp_listener_open("test", "localhost", 0, 4, &fd, NULL, &error),
                    ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "localhost"));
    CU_ASSERT_EQUAL(fd, -1);
}

/* 203.0.113.0/24 is for documentation: no machine has it. */
static void test_address_of_another_machine_names_the_remedy(void)
{
    struct error error;
    int fd = -1;

    CU_ASSERT_EQUAL(tcp_listener_open("test", "203.0.113.5", free_port(), 4, &fd, NULL, &error),
                    ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "no address of this machine"));
    CU_ASSERT_EQUAL(fd, -1);
}

/* In a child, which gives up what lets root bind any port. */
static void test_privileged_port_names_the_remedy(void)
{
    struct error error;
    int fd = -1;
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        if (setuid(65534) != 0) {
            _exit(geteuid() == 0 ? 2 : 0); /* no root: it is refused as it is */
        }
        bool is_privileged = /* not in all containers */
            tcp_listener_open("test", "127.0.0.1", 1, 4, &fd, NULL, &error) != ATLAS_OK;
        _exit(is_privileged && strstr(error.text, "ports below 1024") == NULL ? 1 : 0);
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
}

UNIT_MAIN("tcp_listener", UNIT_TEST(test_port_of_a_listener_names_a_process),
          UNIT_TEST(test_ephemeral_port_of_a_listener_names_a_process),
          UNIT_TEST(test_port_of_a_connection_names_the_remedy),
          UNIT_TEST(test_connection_that_has_begun_is_not_lost),
          UNIT_TEST(test_no_connection_begins_after_the_stop),
          UNIT_TEST(test_address_must_be_numeric),
          UNIT_TEST(test_address_of_another_machine_names_the_remedy),
          UNIT_TEST(test_privileged_port_names_the_remedy))
