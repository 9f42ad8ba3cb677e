/* Reload as a transaction: new files are routed to, old calls end on the old copy, failures change
 * nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "host.h"
#include "runtime/generation.h"
#include "runtime/reload/control.h"
#include "runtime/reload/deployment.h"
#include "support/unit.h"

static const struct atlas_bytes echo_hi = {"\x0a\x02hi", 4};
static const struct atlas_bytes sleep_some = {"\x08\xc8\x01", 3}; /* 200 ms */

static unsigned echo_generation(struct test_host *host)
{
    struct test_call test = {.worker = runtime_worker(host->runtime, 0),
                             .path = "/atlas.test.v1.Echo/Echo",
                             .request = echo_hi};
    test_call_start(&test);
    test_call_wait(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_OK);
    return test.generation;
}

static void test_reload_of_nothing_changes_nothing(void)
{
    struct test_host host;
    struct report report;
    test_host_start(&host);
    unsigned before = echo_generation(&host);
    CU_ASSERT(test_host_reload(&host, &report));
    CU_ASSERT_EQUAL(echo_generation(&host), before);
    report_finish(&report);
    test_host_stop(&host);
}

static void test_changed_file_serves_and_old_calls_end_on_the_old_copy(void)
{
    struct test_host host;
    struct report report;
    test_host_start(&host);
    unsigned before = echo_generation(&host);
    struct test_call slow = {.worker = runtime_worker(host.runtime, 1),
                             .path = "/atlas.test.v1.Echo/Sleep",
                             .request = sleep_some};
    test_call_start(&slow);
    test_host_touch_plugin(&host);
    CU_ASSERT(test_host_reload(&host, &report)); /* returns when the old generation is gone */
    CU_ASSERT(slow.has_ended);
    CU_ASSERT_EQUAL(slow.status, ATLAS_OK);
    CU_ASSERT_EQUAL(slow.generation, before);
    CU_ASSERT_NOT_EQUAL(echo_generation(&host), before);
    report_finish(&report);
    test_host_stop(&host);
}

static void test_broken_file_is_refused_and_the_old_copy_goes_on(void)
{
    struct test_host host;
    struct report report;
    test_host_start(&host);
    unsigned before = echo_generation(&host);
    test_host_break_plugin(&host);
    CU_ASSERT(!test_host_reload(&host, &report));
    CU_ASSERT_FATAL(report.count > 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(report_line(&report, 0), "echo.so"));
    CU_ASSERT_EQUAL(echo_generation(&host), before);
    report_finish(&report);
    test_host_touch_plugin(&host);
    CU_ASSERT(test_host_reload(&host, &report));
    CU_ASSERT_NOT_EQUAL(echo_generation(&host), before);
    report_finish(&report);
    test_host_stop(&host);
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

/* Counts belong to a generation, not to a route table: they outlive a reload of something else. */
static void test_counts_go_on_when_another_plugin_is_loaded(void)
{
    struct test_host host;
    struct report report;
    size_t len = 0;
    char line[160];
    test_host_start(&host);
    echo_generation(&host);
    unsigned generation = echo_generation(&host);
    host.has_second = true;
    CU_ASSERT(test_host_reload(&host, &report));
    control_wait(host.control, 50, never, NULL); /* older tables come back */
    snprintf(line, sizeof line,
             "atlas_calls_total{plugin=\"echo\",generation=\"%u\","
             "method=\"atlas.test.v1.Echo/Echo\",status=\"OK\"} 2\n",
             generation);
    char *text = metrics_render(&len);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
    free(text);
    report_finish(&report);
    test_host_stop(&host);
    text = metrics_render(&len);
    CU_ASSERT_PTR_NULL(strstr(text, "echo")); /* nor do they outlive the generation */
    free(text);
}

static void test_many_reloads_leave_one_generation(void)
{
    struct test_host host;
    struct report report;
    test_host_start(&host);
    for (int i = 0; i < 20; i++) {
        test_host_touch_plugin(&host);
        CU_ASSERT(test_host_reload(&host, &report));
        report_finish(&report);
    }
    struct generation *const *generations;
    CU_ASSERT_EQUAL(deployment_active(host.deployment, &generations), 1);
    CU_ASSERT_EQUAL(generations[0]->table_references, runtime_worker_count(host.runtime));
    test_host_stop(&host);
}

UNIT_MAIN("deployment", UNIT_TEST(test_reload_of_nothing_changes_nothing),
          UNIT_TEST(test_changed_file_serves_and_old_calls_end_on_the_old_copy),
          UNIT_TEST(test_broken_file_is_refused_and_the_old_copy_goes_on),
          UNIT_TEST(test_counts_go_on_when_another_plugin_is_loaded),
          UNIT_TEST(test_many_reloads_leave_one_generation))
