/* What a call does beside its function: tasks, sleeps, offloaded work, cleanup sections. */
#include <event2/event.h>
#include <string.h>

#include "atlas/client.h"
#include "base/clock.h"
#include "host.h"
#include "runtime/wait.h"
#include "support/unit.h"

static struct test_host host;

static const struct atlas_bytes sleep_little = {"\x08\x0a", 2}; /* SleepRequest{ms: 10} */

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
    test_host_run(&host, compute_then_sleep, &slept_ns, ATLAS_OK);
    CU_ASSERT(slept_ns >= 50 * NS_PER_MS); /* libevent's clock ticks every few milliseconds */
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
    test_host_run(&host, spawn_three, NULL, ATLAS_OK);
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
    test_host_run(&host, leave_task, &task, ATLAS_OK);
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
    test_host_run(&host, lend_call, NULL, ATLAS_FAILED_PRECONDITION);
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
    test_host_run(&host, offload_once, &count, ATLAS_OK);
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
    test_host_run(&host, sleep_after_a_failure, NULL, ATLAS_OK);
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
    test_host_run(&host, sleep_in_cleanup, NULL, ATLAS_OK);
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
    test_host_run(&host, heed_nothing, NULL, ATLAS_OK);
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
    test_host_run(&host, call_in_cleanup, NULL, ATLAS_OK);
}

static void test_host_starts(void)
{
    test_host_start(&host);
}

static void test_host_ends_clean(void)
{
    test_host_stop(&host);
}

UNIT_MAIN("tasks", UNIT_TEST(test_host_starts), UNIT_TEST(test_computing_does_not_shorten_a_wait),
          UNIT_TEST(test_tasks_are_joined_with_their_results),
          UNIT_TEST(test_task_that_was_left_is_not_touched),
          UNIT_TEST(test_call_waits_on_its_own_fiber_only),
          UNIT_TEST(test_waits_of_an_ended_call_let_others_run),
          UNIT_TEST(test_sleep_keeps_the_message_of_a_failure),
          UNIT_TEST(test_offload_runs_elsewhere_and_is_waited_for),
          UNIT_TEST(test_cleanup_section_has_time_of_its_own),
          UNIT_TEST(test_calls_in_a_cleanup_section_outlive_the_cancel),
          UNIT_TEST(test_host_ends_clean))
