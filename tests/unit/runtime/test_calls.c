/* Calls through routes, fibers and a real plugin: unary, nested, deadlines, cancellation, streams,
 * tasks. */
#include <event2/event.h>
#include <string.h>

#include "atlas/client.h"
#include "base/clock.h"
#include "host.h"
#include "runtime/generation.h"
#include "runtime/reload/deployment.h"
#include "runtime/wait.h"
#include "support/run_on.h"
#include "support/unit.h"

static struct test_host host;

/* EchoRequest{text: "hi"} and SleepRequest{ms: 60000} */
static const struct atlas_bytes echo_hi = {"\x0a\x02hi", 4};
static const struct atlas_bytes sleep_little = {"\x08\x0a", 2}; /* 10 ms */
static const struct atlas_bytes sleep_minute = {"\x08\xe0\xd4\x03", 4};

static struct generation *active_generation(void)
{
    struct generation *const *generations;
    CU_ASSERT_EQUAL_FATAL(deployment_active(host.deployment, &generations), 1);
    return generations[0];
}

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

static atlas_status_t stream_twice(struct call *call, void *arg)
{
    (void)arg;
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_handle stream;
    struct atlas_bytes reply;
    CU_ASSERT_EQUAL(client->open(&call->public, "/atlas.test.v1.Echo/EchoChat", NULL, &stream),
                    ATLAS_OK);
    for (int i = 0; i < 100; i++) { /* more than the queues hold */
        CU_ASSERT_EQUAL(client->send(&call->public, stream, echo_hi), ATLAS_OK);
        CU_ASSERT_EQUAL(client->recv(&call->public, stream, &reply), ATLAS_OK);
        CU_ASSERT_EQUAL(reply.len, 4);
    }
    CU_ASSERT_EQUAL(client->half_close(&call->public, stream), ATLAS_OK);
    CU_ASSERT_EQUAL(client->recv(&call->public, stream, &reply), ATLAS_END_OF_STREAM);
    client->close(&call->public, stream);
    CU_ASSERT_EQUAL(client->send(&call->public, stream, echo_hi), ATLAS_FAILED_PRECONDITION);
    return ATLAS_OK;
}

static void run(atlas_status_t (*fn)(struct call *call, void *arg), void *arg,
                atlas_status_t expected)
{
    struct error error = {.text = ""};
    atlas_status_t status = run_on(runtime_worker(host.runtime, 0), active_generation(), "test",
                                   10000, fn, arg, &error);
    CU_ASSERT_EQUAL(status, expected);
    if (status != expected) {
        fprintf(stderr, "%s: %s\n", atlas_status_name(status), error.text);
    }
}

static atlas_status_t sleep_a_little(struct atlas_call *call, void *arg)
{
    (void)arg;
    return call->interfaces->call->sleep(call, 10 * NS_PER_MS);
}

/* The timer of another fiber wakes the loop behind the computation. */
static atlas_status_t compute_then_sleep(struct call *call, void *arg)
{
    const struct atlas_call_interface *api = call->public.interfaces->call;
    int64_t *ret_slept_ns = arg;
    struct atlas_task task = {.run = sleep_a_little};
    CU_ASSERT_EQUAL(api->spawn(&call->public, &task), ATLAS_OK);
    CU_ASSERT_EQUAL(api->sleep(&call->public, NS_PER_MS), ATLAS_OK);
    int64_t start_ns = clock_monotonic_ns();
    while (clock_monotonic_ns() - start_ns < 80 * NS_PER_MS) {
        /* computes */
    }
    start_ns = clock_monotonic_ns();
    CU_ASSERT_EQUAL(api->sleep(&call->public, 60 * NS_PER_MS), ATLAS_OK);
    *ret_slept_ns = clock_monotonic_ns() - start_ns;
    return api->join(&call->public);
}

static void test_computing_does_not_shorten_a_wait(void)
{
    int64_t slept_ns = 0;
    run(compute_then_sleep, &slept_ns, ATLAS_OK);
    CU_ASSERT(slept_ns >= 50 * NS_PER_MS); /* libevent's clock ticks every few milliseconds */
}

static void test_local_stream_goes_both_ways(void)
{
    run(stream_twice, NULL, ATLAS_OK);
}

/* What send says of a stream that has ended is what it says of one over the wire. */
static atlas_status_t send_too_late(struct call *call, void *arg)
{
    (void)arg;
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_call *public = &call->public;
    struct atlas_handle stream;
    struct atlas_bytes reply;
    client->open(public, "/atlas.test.v1.Echo/EchoMetadata", NULL, &stream);
    CU_ASSERT_EQUAL(client->send(public, stream, echo_hi), ATLAS_OK);
    CU_ASSERT_EQUAL(client->recv(public, stream, &reply), ATLAS_NOT_FOUND);
    CU_ASSERT_EQUAL(client->send(public, stream, echo_hi), ATLAS_NOT_FOUND);
    CU_ASSERT_STRING_EQUAL(call->message, "metadata hi did not come");
    client->close(public, stream);
    client->open(public, "/atlas.test.v1.Echo/EchoMany", NULL, &stream);
    CU_ASSERT_EQUAL(client->send(public, stream, echo_hi), ATLAS_OK);
    CU_ASSERT_EQUAL(client->recv(public, stream, &reply), ATLAS_END_OF_STREAM);
    CU_ASSERT_EQUAL(client->send(public, stream, echo_hi), ATLAS_FAILED_PRECONDITION);
    client->close(public, stream);
    client->open(public, "/atlas.test.v1.Echo/EchoChat", NULL, &stream);
    CU_ASSERT_EQUAL(client->half_close(public, stream), ATLAS_OK);
    CU_ASSERT_EQUAL(client->send(public, stream, echo_hi), ATLAS_FAILED_PRECONDITION);
    client->close(public, stream);
    return ATLAS_OK;
}

static void test_send_on_an_ended_stream_says_how_it_ended(void)
{
    run(send_too_late, NULL, ATLAS_OK);
}

/* Its handler would run at once, with a request that is empty. */
static atlas_status_t open_unary(struct call *call, void *arg)
{
    (void)arg;
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_handle stream;
    return client->open(&call->public, "/atlas.test.v1.Echo/Echo", NULL, &stream);
}

static void test_a_stream_to_a_unary_method_is_refused(void)
{
    run(open_unary, NULL, ATLAS_UNIMPLEMENTED);
}

/* 100,000 messages of 4 bytes make more than the 1 MiB arena of this host holds. */
static atlas_status_t stream_long(struct call *call, void *arg)
{
    (void)arg;
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_handle stream;
    struct atlas_bytes reply;
    atlas_status_t status =
        client->open(&call->public, "/atlas.test.v1.Echo/EchoChat", NULL, &stream);
    for (int i = 0; status == ATLAS_OK && i < 100000; i++) {
        status = client->send(&call->public, stream, echo_hi);
        if (status == ATLAS_OK) {
            status = client->recv(&call->public, stream, &reply);
        }
        if (status == ATLAS_OK) {
            CU_ASSERT_PTR_NOT_NULL_FATAL(client->message_alloc(&call->public, stream, 64));
        }
    }
    return status;
}

/* EchoRequest{text} of 130 to 3000 bytes, each a byte longer than the one before. */
static atlas_status_t stream_growing(struct call *call, void *arg)
{
    static char message[3003] = {0x0a};
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_handle stream;
    struct atlas_bytes reply;
    (void)arg;
    memset(message + 3, 'x', sizeof message - 3);
    atlas_status_t status =
        client->open(&call->public, "/atlas.test.v1.Echo/EchoChat", NULL, &stream);
    for (size_t len = 130; status == ATLAS_OK && len <= 3000; len++) {
        message[1] = (char)(0x80 | (len & 0x7f));
        message[2] = (char)(len >> 7);
        status = client->send(&call->public, stream, (struct atlas_bytes){message, len + 3});
        if (status == ATLAS_OK) {
            status = client->recv(&call->public, stream, &reply);
            CU_ASSERT(status != ATLAS_OK || reply.len == len + 3);
        }
    }
    return status;
}

static void test_messages_that_grow_do_not_use_up_the_arena(void)
{
    run(stream_growing, NULL, ATLAS_OK);
}

static void test_stream_may_be_longer_than_the_arena(void)
{
    run(stream_long, NULL, ATLAS_OK);
}

static atlas_status_t abandon_stream(struct call *call, void *arg)
{
    (void)arg;
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_handle stream;
    struct atlas_bytes reply;
    client->open(&call->public, "/atlas.test.v1.Echo/EchoChat", NULL, &stream);
    client->send(&call->public, stream, echo_hi);
    client->recv(&call->public, stream, &reply);
    return ATLAS_OK; /* with the stream open: it ends with the call */
}

static void test_stream_ends_with_its_call(void)
{
    run(abandon_stream, NULL, ATLAS_OK);
    CU_ASSERT_PTR_NULL(runtime_worker(host.runtime, 0)->calls);
}

static atlas_status_t task_body(struct atlas_call *call, void *arg)
{
    char **text = arg;
    *text = call->interfaces->call->alloc(call, 16);
    strcpy(*text, "from a task");
    return call->interfaces->call->sleep(call, NS_PER_MS);
}

static atlas_status_t failing_task(struct atlas_call *call, void *arg)
{
    (void)arg;
    call->interfaces->call->set_message(call, (struct atlas_bytes){"no", 2});
    return ATLAS_NOT_FOUND;
}

static atlas_status_t spawn_three(struct call *call, void *arg)
{
    (void)arg;
    char *texts[2] = {NULL, NULL};
    struct atlas_task tasks[3] = {{.run = task_body, .arg = &texts[0]},
                                  {.run = failing_task},
                                  {.run = task_body, .arg = &texts[1]}};
    const struct atlas_call_interface *api = call->public.interfaces->call;
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(api->spawn(&call->public, &tasks[i]), ATLAS_OK);
    }
    CU_ASSERT_EQUAL(api->join(&call->public), ATLAS_NOT_FOUND);
    CU_ASSERT_STRING_EQUAL(api->message(&call->public).data, "no");
    CU_ASSERT_EQUAL(tasks[0].status, ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(tasks[1].message, "no");
    CU_ASSERT_STRING_EQUAL(texts[0], "from a task"); /* outlives the task */
    CU_ASSERT_STRING_EQUAL(texts[1], "from a task");
    return ATLAS_OK;
}

static void test_tasks_are_joined_with_their_results(void)
{
    run(spawn_three, NULL, ATLAS_OK);
}

/* Returns before its task has begun, as after an error in between; the struct is gone with it. */
static atlas_status_t leave_task(struct call *call, void *arg)
{
    struct atlas_task *task = arg;
    CU_ASSERT_EQUAL(call->public.interfaces->call->spawn(&call->public, task), ATLAS_OK);
    memset(task, 0x5a, sizeof *task);
    return ATLAS_OK;
}

static void test_task_that_was_left_is_not_touched(void)
{
    char *text = NULL;
    struct atlas_task task = {.run = task_body, .arg = &text};
    struct atlas_task gone;
    memset(&gone, 0x5a, sizeof gone);
    run(leave_task, &task, ATLAS_OK);
    CU_ASSERT_PTR_NOT_NULL(text); /* it ran */
    CU_ASSERT_EQUAL(memcmp(&task, &gone, sizeof task), 0);
}

static atlas_status_t sleep_with_another(struct atlas_call *call, void *arg)
{
    (void)call;
    struct atlas_call *other = arg;
    return other->interfaces->call->sleep(other, NS_PER_MS);
}

/* The parent waits in join meanwhile: two waits of one call would mix up what ends which. */
static atlas_status_t lend_call(struct call *call, void *arg)
{
    (void)arg;
    struct atlas_task task = {.run = sleep_with_another, .arg = &call->public};
    call->public.interfaces->call->spawn(&call->public, &task);
    return call->public.interfaces->call->join(&call->public);
}

static void test_call_waits_on_its_own_fiber_only(void)
{
    run(lend_call, NULL, ATLAS_FAILED_PRECONDITION);
}

static void add_one(void *arg)
{
    ++*(int *)arg;
}

static atlas_status_t offload_once(struct call *call, void *arg)
{
    return call->public.interfaces->call->offload(&call->public, add_one, arg);
}

static void test_offload_runs_elsewhere_and_is_waited_for(void)
{
    int count = 0;
    run(offload_once, &count, ATLAS_OK);
    CU_ASSERT_EQUAL(count, 1);
}

static atlas_status_t sleep_after_a_failure(struct call *call, void *arg)
{
    (void)arg;
    const struct atlas_call_interface *api = call->public.interfaces->call;
    api->set_message(&call->public, (struct atlas_bytes){"why", 3});
    CU_ASSERT_EQUAL(api->sleep(&call->public, NS_PER_MS), ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(api->message(&call->public).data, "why");
    return ATLAS_OK;
}

static void test_sleep_keeps_the_message_of_a_failure(void)
{
    run(sleep_after_a_failure, NULL, ATLAS_OK);
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
    run(call_with_options, NULL, ATLAS_OK);
}

static atlas_status_t cancel_parent(struct atlas_call *call, void *arg)
{
    (void)call;
    call_cancel(arg, ATLAS_CANCELLED);
    return ATLAS_OK;
}

static atlas_status_t sleep_in_cleanup(struct call *call, void *arg)
{
    (void)arg;
    const struct atlas_call_interface *api = call->public.interfaces->call;
    call_cancel(call, ATLAS_CANCELLED);
    CU_ASSERT_EQUAL(api->sleep(&call->public, NS_PER_MS), ATLAS_CANCELLED);
    api->cleanup_begin(&call->public, 1000);
    CU_ASSERT_EQUAL(api->sleep(&call->public, NS_PER_MS), ATLAS_OK);
    api->cleanup_end(&call->public);
    api->cleanup_begin(&call->public, 5);
    CU_ASSERT_EQUAL(api->sleep(&call->public, NS_PER_S), ATLAS_DEADLINE_EXCEEDED);
    api->cleanup_end(&call->public);
    return ATLAS_OK;
}

static void test_cleanup_section_has_time_of_its_own(void)
{
    run(sleep_in_cleanup, NULL, ATLAS_OK);
}

static void set_flag(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    *(bool *)arg = true;
}

/* As a handler with while (1) { sleep; poll; } that looks at no status. */
static atlas_status_t heed_nothing(struct call *call, void *arg)
{
    (void)arg;
    bool has_loop_run = false;
    call_cancel(call, ATLAS_CANCELLED);
    event_base_once(loop_base(call->worker->loop), -1, EV_TIMEOUT, set_flag, &has_loop_run,
                    &(struct timeval){0, 5000});
    for (int i = 0; i < 1000000 && !has_loop_run; i++) {
        call->public.interfaces->call->sleep(&call->public, NS_PER_S);
    }
    CU_ASSERT_TRUE(has_loop_run);
    return ATLAS_OK;
}

static void test_waits_of_an_ended_call_let_others_run(void)
{
    run(heed_nothing, NULL, ATLAS_OK);
}

static atlas_status_t call_in_cleanup(struct call *call, void *arg)
{
    (void)arg;
    const struct atlas_call_interface *api = call->public.interfaces->call;
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_bytes reply;
    struct atlas_task task = {.run = cancel_parent, .arg = call};
    api->cleanup_begin(&call->public, 1000);
    CU_ASSERT_EQUAL(api->spawn(&call->public, &task), ATLAS_OK);
    CU_ASSERT_EQUAL(
        client->unary(&call->public, "/atlas.test.v1.Echo/Sleep", sleep_little, NULL, &reply),
        ATLAS_OK);
    CU_ASSERT_EQUAL(api->join(&call->public), ATLAS_OK);
    api->cleanup_end(&call->public);
    CU_ASSERT_EQUAL(api->check(&call->public), ATLAS_CANCELLED);
    return ATLAS_OK;
}

static void test_calls_in_a_cleanup_section_outlive_the_cancel(void)
{
    run(call_in_cleanup, NULL, ATLAS_OK);
}

static atlas_status_t use_foreign_stream(struct atlas_call *call, void *arg)
{
    const struct atlas_handle *stream = arg;
    return call->interfaces->client->send(call, *stream, echo_hi);
}

static atlas_status_t lend_stream(struct call *call, void *arg)
{
    (void)arg;
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_handle stream;
    client->open(&call->public, "/atlas.test.v1.Echo/EchoChat", NULL, &stream);
    struct atlas_task task = {.run = use_foreign_stream, .arg = &stream};
    call->public.interfaces->call->spawn(&call->public, &task);
    return call->public.interfaces->call->join(&call->public);
}

static void test_stream_belongs_to_the_call_that_opened_it(void)
{
    run(lend_stream, NULL, ATLAS_FAILED_PRECONDITION);
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
    run(call_without_limit, NULL, ATLAS_OK);
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
    run(call_nowhere, NULL, ATLAS_OK);
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
    run(call_with_too_much, NULL, ATLAS_OK);
}

static void test_host_ends_clean(void)
{
    test_host_stop(&host);
}

static void test_host_starts(void)
{
    test_host_start(&host);
}

UNIT_MAIN("calls", UNIT_TEST(test_host_starts),
          UNIT_TEST(test_call_reaches_the_plugin_on_every_loop),
          UNIT_TEST(test_call_nests_in_another), UNIT_TEST(test_deadline_ends_a_wait),
          UNIT_TEST(test_computing_does_not_shorten_a_wait), UNIT_TEST(test_a_wait_may_be_for_ever),
          UNIT_TEST(test_cancel_ends_a_wait), UNIT_TEST(test_malformed_request_is_refused),
          UNIT_TEST(test_local_stream_goes_both_ways), UNIT_TEST(test_stream_ends_with_its_call),
          UNIT_TEST(test_send_on_an_ended_stream_says_how_it_ended),
          UNIT_TEST(test_a_stream_to_a_unary_method_is_refused),
          UNIT_TEST(test_stream_may_be_longer_than_the_arena),
          UNIT_TEST(test_messages_that_grow_do_not_use_up_the_arena),
          UNIT_TEST(test_tasks_are_joined_with_their_results),
          UNIT_TEST(test_task_that_was_left_is_not_touched),
          UNIT_TEST(test_call_waits_on_its_own_fiber_only),
          UNIT_TEST(test_waits_of_an_ended_call_let_others_run),
          UNIT_TEST(test_options_are_checked_before_the_call),
          UNIT_TEST(test_sleep_keeps_the_message_of_a_failure),
          UNIT_TEST(test_offload_runs_elsewhere_and_is_waited_for),
          UNIT_TEST(test_cleanup_section_has_time_of_its_own),
          UNIT_TEST(test_calls_in_a_cleanup_section_outlive_the_cancel),
          UNIT_TEST(test_stream_belongs_to_the_call_that_opened_it),
          UNIT_TEST(test_a_timeout_may_be_for_ever), UNIT_TEST(test_calls_without_a_way_say_so),
          UNIT_TEST(test_local_calls_have_the_limits_of_remote_ones),
          UNIT_TEST(test_host_ends_clean))
