/* Consumers of plugins that are stopped and replaced, against librdkafka's mock cluster: reloads,
 * batches in flight, cancelled ones and stuck ones. */
#include "base/clock.h"
#include "kafka_scene.h"
#include "runtime/runtime.h"
#include "runtime/wait.h"
#include "support/unit.h"

static void test_reload_goes_on_at_the_next_record(void)
{
    scene_begin();
    struct generation *old = scene_load(&scene_consumer, false);
    fixture_activate(old);
    scene_publish_numbers(3, 0, 5);
    CU_ASSERT_TRUE(handler_sees(5));
    struct generation *fresh = scene_load(&scene_consumer, true);
    fixture_deactivate(old);
    CU_ASSERT_EQUAL(scene_committed(3), 5);
    scene_publish_numbers(3, 5, 10);
    CU_ASSERT_EQUAL(handler_count(), 5); /* nobody handles records between the two */
    int64_t start_ns = clock_monotonic_ns();
    fixture_activate(fresh);
    CU_ASSERT_TRUE(handler_sees(10));
    CU_ASSERT_TRUE(clock_monotonic_ns() - start_ns < NS_PER_S); /* no rebalance */
    fixture_unload(old);
    CU_ASSERT_TRUE(scene_is_in_order(3, 10));
    CU_ASSERT_NOT_EQUAL(handler.seen[4].generation, handler.seen[5].generation);
    scene_unload(fresh);
}

static void test_deactivate_waits_for_the_batch_in_flight(void)
{
    scene_begin();
    struct generation *plugin = scene_load(&scene_consumer, false);
    fixture_activate(plugin);
    scene_publish(0, "first");
    CU_ASSERT_TRUE(handler_sees(1));
    handler.mood = HANDLER_SLOW;
    handler.begun = 0;
    scene_publish(0, "second");
    CU_ASSERT_TRUE(fixture_eventually(handler_has_begun, NULL));
    fixture_deactivate(plugin);
    CU_ASSERT_EQUAL(handler_count(), 2);
    CU_ASSERT_EQUAL(scene_committed(0), 2);
    fixture_unload(plugin);
}

/* Told to stop, a batch that would take long is cancelled when the time is over: nothing of it is
 * stored or buried, and the next generation gets all of it. */
static void test_deactivate_cancels_a_batch_that_takes_too_long(void)
{
    scene_begin();
    struct generation *old = scene_load(&scene_consumer, false);
    fixture_activate(old);
    handler.mood = HANDLER_ASLEEP;
    scene_publish_numbers(0, 0, 3);
    CU_ASSERT_TRUE(fixture_eventually(handler_has_begun, NULL));
    int64_t start_ns = clock_monotonic_ns();
    CU_ASSERT_TRUE(fixture_deactivate_within(old, 200));
    CU_ASSERT_TRUE(clock_monotonic_ns() - start_ns < 2 * NS_PER_S);
    fixture_unload(old);
    CU_ASSERT_EQUAL(handler_count(), 0);
    CU_ASSERT_EQUAL(scene_committed(0), 0);
    CU_ASSERT_EQUAL(scene_dead_count(), 0);
    handler.mood = HANDLER_BRISK;
    struct generation *fresh = scene_load(&scene_consumer, false);
    fixture_activate(fresh);
    CU_ASSERT_TRUE(handler_sees(3));
    CU_ASSERT_TRUE(scene_is_in_order(0, 3));
    scene_unload(fresh);
    CU_ASSERT_EQUAL(scene_committed(0), 3);
}

/* One that cannot be cancelled is said to run still, and the generation must stay; what it did in
 * the end counts. */
static void test_deactivate_tells_of_a_batch_that_does_not_end(void)
{
    scene_begin();
    struct generation *plugin = scene_load(&scene_consumer, false);
    fixture_activate(plugin);
    handler.mood = HANDLER_STUCK;
    scene_publish(0, "a");
    CU_ASSERT_TRUE(fixture_eventually(handler_has_begun, NULL));
    CU_ASSERT_FALSE(fixture_deactivate_within(plugin, 100));
    CU_ASSERT_EQUAL(handler_count(), 0);
    handler.mood = HANDLER_BRISK;
    sem_post(&handler.stuck_release);
    CU_ASSERT_TRUE(handler_sees(1));
    CU_ASSERT_TRUE(fixture_deactivate_within(plugin, 10000));
    CU_ASSERT_EQUAL(scene_committed(0), 1);
    fixture_unload(plugin);
}

static void cancel_nested(struct worker *worker, void *arg)
{
    (void)worker;
    call_cancel(arg, ATLAS_UNAVAILABLE);
}

static bool has_nested(void *arg)
{
    (void)arg;
    return handler.nested != NULL;
}

/* A drain cancels what a batch calls in an old generation of another plugin: the batch comes again.
 */
static void test_batch_whose_nested_call_is_cancelled_comes_again(void)
{
    scene_begin();
    struct generation *plugin = scene_load(&scene_consumer, false);
    fixture_activate(plugin);
    handler.mood = HANDLER_NESTED;
    scene_publish_numbers(1, 0, 3);
    CU_ASSERT_TRUE(fixture_eventually(has_nested, NULL));
    CU_ASSERT_EQUAL(scene_committed(1), 0);
    handler.mood = HANDLER_BRISK;
    runtime_run_on(handler.nested_worker, cancel_nested, handler.nested);
    CU_ASSERT_TRUE(handler_sees(3));
    scene_unload(plugin);
    CU_ASSERT_TRUE(handler.begun >= 2);
    CU_ASSERT_TRUE(scene_is_in_order(1, 3));
    CU_ASSERT_EQUAL(scene_committed(1), 3);
    CU_ASSERT_EQUAL(scene_dead_count(), 0);
}

static void test_weak_record_does_not_hold_up_a_reload(void)
{
    scene_begin();
    struct generation *old = scene_load(&scene_consumer, false);
    fixture_activate(old);
    scene_publish(0, "first");
    CU_ASSERT_TRUE(handler_sees(1));
    handler.failures_left = 1000000;
    scene_publish(0, "weak");
    struct generation *fresh = scene_load(&scene_consumer, true);
    fixture_deactivate(old);
    handler.failures_left = 0;
    fixture_activate(fresh);
    fixture_unload(old);
    CU_ASSERT_TRUE(handler_sees(2));
    CU_ASSERT_TRUE(scene_is_in_order(0, 2));
    scene_unload(fresh);
}

static const struct unit_test tests[] = {
    UNIT_TEST(test_reload_goes_on_at_the_next_record),
    UNIT_TEST(test_deactivate_waits_for_the_batch_in_flight),
    UNIT_TEST(test_deactivate_cancels_a_batch_that_takes_too_long),
    UNIT_TEST(test_deactivate_tells_of_a_batch_that_does_not_end),
    UNIT_TEST(test_batch_whose_nested_call_is_cancelled_comes_again),
    UNIT_TEST(test_weak_record_does_not_hold_up_a_reload),
};

int main(void)
{
    scene_create();
    int code = unit_run("kafka_stopping", tests, sizeof tests / sizeof tests[0]);
    scene_destroy();
    return code;
}
