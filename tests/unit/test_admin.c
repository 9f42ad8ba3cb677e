/* The admin port over a real socket: pages, methods, readiness, and the bound of connections. */
#include "inbound/admin.h"

#include "base/metrics.h"
#include "base/readiness.h"
#include "support/unit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct admin *admin;
static uint16_t port;
static int refreshed;
static struct error error;

static void count_refresh(void *arg)
{
    (void)arg;
    refreshed++;
}

static int open_socket(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The whole answer to a request with "Connection: close". */
static const char *ask(const char *method, const char *path)
{
    static char answer[65536];
    char request[256];
    size_t len = 0;
    int fd = open_socket();

    answer[0] = '\0';
    if (fd < 0) {
        return answer;
    }
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
             method, path);
    if (write(fd, request, strlen(request)) > 0) {
        ssize_t count = 0;
        while ((count = read(fd, answer + len, sizeof answer - 1 - len)) > 0) {
            len += (size_t)count;
        }
    }
    answer[len] = '\0';
    close(fd);
    return answer;
}

static void test_port_opens(void)
{
    struct admin_options options = {"127.0.0.1", 0, 16, 4, 8192, 2000, 5000, count_refresh, NULL};

    CU_ASSERT_EQUAL_FATAL(admin_start(&options, &admin, &port, &error), ATLAS_OK);
    CU_ASSERT_NOT_EQUAL(port, 0);
}

static void test_port_that_is_taken_is_refused(void)
{
    struct admin_options options = {"127.0.0.1", port, 16, 4, 8192, 2000, 5000, NULL, NULL};
    struct admin *other = NULL;

    CU_ASSERT_EQUAL(admin_start(&options, &other, NULL, &error), ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "another process listens there"));
    options.host = "not an address";
    CU_ASSERT_EQUAL(admin_start(&options, &other, NULL, &error), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NULL(other);
}

static void test_health(void)
{
    const char *answer = ask("GET", "/healthz");

    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "HTTP/1.1 200 OK\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "\r\n\r\n{\"status\":\"ok\"}"));
}

static void test_head_has_no_body(void)
{
    const char *answer = ask("HEAD", "/healthz");

    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "HTTP/1.1 200 OK\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "Content-Length: 15\r\n"));
    CU_ASSERT_PTR_NULL(strstr(answer, "status"));
}

static void test_what_evhttp_refuses_is_json(void)
{
    CU_ASSERT_PTR_NOT_NULL(
        strstr(ask("BREW", "/healthz"), "\r\n\r\n{\"message\":\"Not Implemented\"}"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(ask("GET", "/\r\nnonsense"), "\r\n\r\n{\"message\":\"Bad Request\"}"));
}

static void test_readiness_follows_the_checks(void)
{
    struct readiness_check *redis = readiness_add("redis");

    readiness_set_failed(redis, "refused \"x\"");
    const char *answer = ask("GET", "/readyz");
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "HTTP/1.1 503 "));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(answer, "{\"ready\":false,\"checks\":[{\"name\":\"redis\",\"ready\":false,"
                       "\"message\":\"refused \\\"x\\\"\"}]}"));
    readiness_set_ready(redis);
    answer = ask("GET", "/readyz?x=1");
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "HTTP/1.1 200 "));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(answer, "{\"ready\":true,\"checks\":[{\"name\":\"redis\",\"ready\":true}]}"));
    readiness_remove(redis);
}

static void test_metrics_are_refreshed_and_shown(void)
{
    struct metrics_cell *cell =
        metrics_cell(metrics_family("t_admin_total", "x", METRICS_COUNTER, NULL), NULL);
    int before = refreshed;

    metrics_add(cell, 5);
    const char *answer = ask("GET", "/metrics");
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "Content-Type: text/plain; version=0.0.4"));
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "\nt_admin_total 5\n"));
    CU_ASSERT_EQUAL(refreshed, before + 1);
    metrics_cell_release(cell);
}

static void test_other_pages_and_methods_are_refused(void)
{
    CU_ASSERT_PTR_NOT_NULL(strstr(ask("GET", "/"), "HTTP/1.1 404 "));
    CU_ASSERT_PTR_NOT_NULL(strstr(ask("GET", "/metrics/"), "HTTP/1.1 404 "));
    const char *answer = ask("POST", "/metrics");
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "HTTP/1.1 405 "));
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "\r\nAllow: GET, HEAD\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(ask("HEAD", "/healthz"), "HTTP/1.1 200 "));
}

/* Four idle connections take all room; a fifth request is answered once they are gone. */
static void test_connections_are_bounded(void)
{
    int idle[4];

    for (int i = 0; i < 4; i++) {
        idle[i] = open_socket();
        CU_ASSERT_TRUE_FATAL(idle[i] >= 0);
    }
    int late = open_socket(); /* the kernel's queue takes it */
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    CU_ASSERT_EQUAL(write(late, request, sizeof request - 1), (ssize_t)sizeof request - 1);
    struct pollfd poll_late = {.fd = late, .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&poll_late, 1, 150), 0);
    for (int i = 0; i < 4; i++) {
        close(idle[i]);
    }
    CU_ASSERT_EQUAL(poll(&poll_late, 1, 5000), 1);
    close(late);
}

static void test_port_closes(void)
{
    admin_stop(admin);
    CU_ASSERT_EQUAL(open_socket(), -1);
    admin_stop(NULL);
    metrics_reset();
}

UNIT_MAIN("admin", UNIT_TEST(test_port_opens), UNIT_TEST(test_port_that_is_taken_is_refused),
          UNIT_TEST(test_health), UNIT_TEST(test_head_has_no_body),
          UNIT_TEST(test_what_evhttp_refuses_is_json), UNIT_TEST(test_readiness_follows_the_checks),
          UNIT_TEST(test_metrics_are_refreshed_and_shown),
          UNIT_TEST(test_other_pages_and_methods_are_refused),
          UNIT_TEST(test_connections_are_bounded), UNIT_TEST(test_port_closes))
