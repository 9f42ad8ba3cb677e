/* Calls through routes, fibers and a real plugin: unary, nested, deadlines, cancellation, options,
 * limits. */
#include <string.h>

#include "atlas/client.h"
#include "base/clock.h"
#include "host.h"
#include "support/unit.h"

static struct test_host host;

static const struct atlas_bytes echo_hi = {"\x0a\x02hi", 4}; /* EchoRequest{text: "hi"} */
static const struct atlas_bytes sleep_minute = {"\x08\xe0\xd4\x03",
                                                4}; /* SleepRequest{ms: 60000} */

static void check_echo(const char *path, unsigned loop)
{
    struct test_call test = {
        .worker = runtime_worker(host.runtime, loop), .path = path, .request = echo_hi};
    test_call_start(&test);
    test_call_wait(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_OK);
    CU_ASSERT_EQUAL(test.reply_len, 4);
    CU_ASSERT(memcmp(test.reply, echo_hi.data, 4) == 0);
}

static void test_call_reaches_the_plugin_on_every_loop(void)
{
    check_echo("/atlas.test.v1.Echo/Echo", 0);
    check_echo("/atlas.test.v1.Echo/Echo", 1);
}

static void test_call_nests_in_another(void)
{
    check_echo("/atlas.test.v1.Echo/Relay", 1);
}

static void test_deadline_ends_a_wait(void)
{
    struct test_call test = {.worker = runtime_worker(host.runtime, 0),
                             .path = "/atlas.test.v1.Echo/Sleep",
                             .request = sleep_minute,
                             .timeout_ms = 30};
    int64_t start_ns = clock_monotonic_ns();
    test_call_start(&test);
    test_call_wait(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_DEADLINE_EXCEEDED);
    CU_ASSERT(clock_monotonic_ns() - start_ns >= 30 * NS_PER_MS);
    CU_ASSERT(strlen(test.message) > 0);
}

/* SleepRequest{ms: INT64_MAX} */
static void test_a_wait_may_be_for_ever(void)
{
    struct test_call test = {.worker = runtime_worker(host.runtime, 0),
                             .path = "/atlas.test.v1.Echo/Sleep",
                             .request = {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10},
                             .timeout_ms = 30};
    test_call_start(&test);
    test_call_wait(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_DEADLINE_EXCEEDED);
}

static void test_cancel_ends_a_wait(void)
{
    struct test_call test = {.worker = runtime_worker(host.runtime, 1),
                             .path = "/atlas.test.v1.Echo/Sleep",
                             .request = sleep_minute};
    test_call_start(&test);
    test_call_cancel(&test);
    test_call_wait(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_CANCELLED);
}

static void test_malformed_request_is_refused(void)
{
    struct test_call test = {.worker = runtime_worker(host.runtime, 0),
                             .path = "/atlas.test.v1.Echo/Echo",
                             .request = {"\x0a\x7f", 2}};
    test_call_start(&test);
    test_call_wait(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_INVALID_ARGUMENT);
}

static atlas_status_t echo_with(struct call *call, struct atlas_call_options options)
{
    struct atlas_bytes reply;
    return call->public.interfaces->client->unary(&call->public, "/atlas.test.v1.Echo/Echo",
                                                  echo_hi, &options, &reply);
}

static atlas_status_t call_with_options(struct call *call, void *arg)
{
    (void)arg;
    struct atlas_metadata entry = {{"x-note", 6}, {"yes", 3}};
    struct atlas_call_options options = {
        .size = sizeof options, .timeout_ms = INT64_MAX, .metadata = &entry, .metadata_count = 1};
    CU_ASSERT_EQUAL(echo_with(call, options), ATLAS_OK);
    options.timeout_ms = 1000;
    CU_ASSERT_EQUAL(echo_with(call, options), ATLAS_OK);
    entry.value = (struct atlas_bytes){"a\r\nb", 4};
    CU_ASSERT_EQUAL(echo_with(call, options), ATLAS_INVALID_ARGUMENT);
    entry = (struct atlas_metadata){{"atlas-identity", 14}, {"root", 4}};
    CU_ASSERT_EQUAL(echo_with(call, options), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(call->public.interfaces->call->set_metadata(&call->public, false, &entry),
                    ATLAS_INVALID_ARGUMENT);
    options.size = 0;
    CU_ASSERT_EQUAL(echo_with(call, options), ATLAS_INVALID_ARGUMENT);
    return ATLAS_OK;
}

static void test_options_are_checked_before_the_call(void)
{
    test_host_run(&host, call_with_options, NULL, ATLAS_OK);
}

static atlas_status_t call_without_limit(struct call *call, void *arg)
{
    (void)arg;
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_call_options options = {.size = sizeof options, .timeout_ms = INT64_MAX};
    struct atlas_bytes reply;
    return client->unary(&call->public, "/atlas.test.v1.Echo/Echo", echo_hi, &options, &reply);
}

static void test_a_timeout_may_be_for_ever(void)
{
    test_host_run(&host, call_without_limit, NULL, ATLAS_OK);
}

static atlas_status_t call_nowhere(struct call *call, void *arg)
{
    (void)arg;
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_bytes reply;
    CU_ASSERT_EQUAL(client->unary(&call->public, "/no.Such/Method", echo_hi, NULL, &reply),
                    ATLAS_UNAVAILABLE);
    CU_ASSERT_EQUAL(client->unary(&call->public, "/atlas.test.v1.Echo/No", echo_hi, NULL, &reply),
                    ATLAS_UNIMPLEMENTED);
    CU_ASSERT_EQUAL(client->unary(&call->public, "nonsense", echo_hi, NULL, &reply),
                    ATLAS_INVALID_ARGUMENT);
    return ATLAS_OK;
}

static void test_calls_without_a_way_say_so(void)
{
    test_host_run(&host, call_nowhere, NULL, ATLAS_OK);
}

/* The same as over the wire, whatever the placement. */
static atlas_status_t call_with_too_much(struct call *call, void *arg)
{
    (void)arg;
    static const char zeros[512 * 1024 + 1];
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_bytes message = {zeros, sizeof zeros};
    struct atlas_bytes reply;
    struct atlas_handle stream;
    CU_ASSERT_EQUAL(client->unary(&call->public, "/atlas.test.v1.Echo/Echo", message, NULL, &reply),
                    ATLAS_RESOURCE_EXHAUSTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(call->message, "calls.message_limit"));
    CU_ASSERT_EQUAL(client->open(&call->public, "/atlas.test.v1.Echo/EchoChat", NULL, &stream),
                    ATLAS_OK);
    CU_ASSERT_EQUAL(client->send(&call->public, stream, message), ATLAS_RESOURCE_EXHAUSTED);
    return ATLAS_OK;
}

static void test_local_calls_have_the_limits_of_remote_ones(void)
{
    test_host_run(&host, call_with_too_much, NULL, ATLAS_OK);
}

static void test_host_starts(void)
{
    test_host_start(&host);
}

static void test_host_ends_clean(void)
{
    test_host_stop(&host);
}

UNIT_MAIN("calls", UNIT_TEST(test_host_starts),
          UNIT_TEST(test_call_reaches_the_plugin_on_every_loop),
          UNIT_TEST(test_call_nests_in_another), UNIT_TEST(test_deadline_ends_a_wait),
          UNIT_TEST(test_a_wait_may_be_for_ever), UNIT_TEST(test_cancel_ends_a_wait),
          UNIT_TEST(test_malformed_request_is_refused),
          UNIT_TEST(test_options_are_checked_before_the_call),
          UNIT_TEST(test_a_timeout_may_be_for_ever), UNIT_TEST(test_calls_without_a_way_say_so),
          UNIT_TEST(test_local_calls_have_the_limits_of_remote_ones),
          UNIT_TEST(test_host_ends_clean))
