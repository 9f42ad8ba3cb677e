/* The gRPC client on its way to a server: addresses, names that move, name servers that are silent.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "client_fixture.h"
#include "support/names.h"

static void test_nobody_listens(void)
{
    struct client_fixture fixture;
    struct client_call first = {0};
    struct client_call unknown = {.path = "/no.Service/Method"};
    struct client_call malformed = {.path = "Echo"};
    client_start(&fixture, NULL);
    close(fixture.listener);
    fixture.listener = -1;
    client_begin(&fixture, &first);
    client_begin(&fixture, &unknown);
    client_begin(&fixture, &malformed);
    client_finish(&first);
    client_finish(&unknown);
    client_finish(&malformed);
    CU_ASSERT_EQUAL(first.status, ATLAS_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(first.message, "Connection refused"));
    CU_ASSERT_EQUAL(unknown.status, ATLAS_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(unknown.message, "placement"));
    CU_ASSERT_EQUAL(malformed.status, ATLAS_INVALID_ARGUMENT);
    client_stop(&fixture);
}

static void answer_once(struct client_fixture *fixture, struct client_call *test)
{
    client_begin(fixture, test);
    client_accept(fixture);
    client_answer(fixture, client_await_request(fixture, 1), ok_trailers, REPLY);
    client_finish(test);
    CU_ASSERT_EQUAL(test->status, ATLAS_OK);
}

static void test_all_addresses_of_a_name_are_tried(void)
{
    struct client_fixture fixture;
    struct client_call test = {.timeout_ms = 5000};
    client_start(&fixture, NULL);
    names_set("two.test", "::1,127.0.0.1"); /* the server listens on the second */
    fixture.address.host = "two.test";
    answer_once(&fixture, &test);
    client_stop(&fixture);
}

/* Accepts connections and says nothing. */
static int listen_silently(const char *numeric, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET, numeric, &address.sin_addr), 1);
    CU_ASSERT_EQUAL_FATAL(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    CU_ASSERT_EQUAL_FATAL(listen(fd, 8), 0);
    return fd;
}

static void test_an_address_that_is_silent_leaves_time_for_the_next(void)
{
    struct client_fixture fixture;
    struct client_call test = {.timeout_ms = 5000};
    struct grpc_limits limits = LIMITS_WIDE;
    limits.connect_timeout_ms = 400;
    client_start(&fixture, &limits);
    int silent = listen_silently("127.0.0.2", fixture.address.port);
    names_set("silent.test", "127.0.0.2,127.0.0.1");
    fixture.address.host = "silent.test";
    answer_once(&fixture, &test);
    CU_ASSERT_EQUAL(names_lookups("silent.test"), 1);
    close(silent);
    client_stop(&fixture);
}

static void test_a_name_that_moves_is_followed(void)
{
    struct client_fixture fixture;
    struct client_call tests[2] = {{.timeout_ms = 5000}, {.timeout_ms = 5000}};
    client_start(&fixture, NULL);
    names_set("moving.test", "127.0.0.1");
    fixture.address.host = "moving.test";
    answer_once(&fixture, &tests[0]);
    int former = fixture.listener;
    fixture.listener = listen_silently("127.0.0.2", fixture.address.port);
    names_set("moving.test", "127.0.0.2");
    close(former);
    h2_peer_close(&fixture.peer);
    answer_once(&fixture, &tests[1]);
    CU_ASSERT_TRUE(names_lookups("moving.test") >= 2);
    client_stop(&fixture);
}

/* Other calls of the loop go on while a name server is silent; those that wait for it end. */
static void test_a_silent_name_server_ends_the_attempt(void)
{
    struct client_fixture fixture;
    struct client_call test = {.timeout_ms = 5000};
    struct grpc_limits limits = LIMITS_WIDE;
    limits.connect_timeout_ms = 100;
    client_start(&fixture, &limits);
    names_set("held.test", "127.0.0.1");
    names_hold("held.test", true);
    fixture.address.host = "held.test";
    client_begin(&fixture, &test);
    client_finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(test.message, "not looked up in time"));
    names_hold("held.test", false);
    client_stop(&fixture);
}

/* What a proxy says whose servers are away. */
static void say_goodbye(int listener)
{
    static const char settings_and_goaway[] = "\0\0\0\4\0\0\0\0\0"   /* SETTINGS */
                                              "\0\0\x08\7\0\0\0\0\0" /* GOAWAY */
                                              "\0\0\0\0\0\0\0\0";
    int fd = accept(listener, NULL, NULL);
    CU_ASSERT(write(fd, settings_and_goaway, sizeof settings_and_goaway - 1) > 0);
    close(fd);
}

/* It is connected to again at once, but not as often as it can be. */
static void test_a_server_that_only_says_goodbye_is_not_pestered(void)
{
    struct client_fixture fixture;
    struct client_call test = {.timeout_ms = 5000};
    int connections = 0;
    client_start(&fixture, NULL);
    client_begin(&fixture, &test);
    int64_t end_ns = clock_monotonic_ns() + NS_PER_S;
    while (clock_monotonic_ns() < end_ns) {
        if (poll(&(struct pollfd){.fd = fixture.listener, .events = POLLIN}, 1, 50) > 0) {
            say_goodbye(fixture.listener);
            connections++;
        }
    }
    CU_ASSERT(connections >= 2 && connections < 10); /* the first pause is 250 ms */
    client_finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_UNAVAILABLE);
    client_stop(&fixture);
}

static void test_a_name_without_addresses_is_told(void)
{
    struct client_fixture fixture;
    struct client_call test = {.timeout_ms = 5000};
    client_start(&fixture, NULL);
    names_set("none.test", "");
    fixture.address.host = "none.test";
    client_begin(&fixture, &test);
    client_finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(test.message, "none.test: "));
    client_stop(&fixture);
}

static void test_refresh_moves_to_the_new_address_and_back(void)
{
    struct client_fixture fixture;
    struct client_call tests[3] = {
        {.timeout_ms = 5000}, {.timeout_ms = 5000}, {.timeout_ms = 5000}};
    client_start(&fixture, NULL);
    struct config_address first = fixture.address;
    int first_listener = fixture.listener;
    answer_once(&fixture, &tests[0]);
    fixture.listener = h2_peer_listen(&fixture.address.port);
    grpc_client_refresh(fixture.client);
    h2_peer_close(&fixture.peer); /* the former server goes, and is not looked for again */
    answer_once(&fixture, &tests[1]);
    h2_peer_close(&fixture.peer);
    close(fixture.listener);
    fixture.address = first;
    fixture.listener = first_listener;
    grpc_client_refresh(fixture.client);
    answer_once(&fixture, &tests[2]);
    client_stop(&fixture);
}

CLIENT_MAIN("grpc client addresses", UNIT_TEST(test_nobody_listens),
            UNIT_TEST(test_all_addresses_of_a_name_are_tried),
            UNIT_TEST(test_an_address_that_is_silent_leaves_time_for_the_next),
            UNIT_TEST(test_a_name_that_moves_is_followed),
            UNIT_TEST(test_a_silent_name_server_ends_the_attempt),
            UNIT_TEST(test_a_server_that_only_says_goodbye_is_not_pestered),
            UNIT_TEST(test_a_name_without_addresses_is_told),
            UNIT_TEST(test_refresh_moves_to_the_new_address_and_back))
