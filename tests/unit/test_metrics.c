/* Metrics: cells add up, series come and go, and the text is what Prometheus reads. */
#include "base/metrics.h"

#include "base/readiness.h"
#include "support/unit.h"

#include <pthread.h>
#include <string.h>

static const char *const labels[] = {"plugin", "status", NULL};
static const char *const order_ok[] = {"order", "OK"};

static char *text;

static bool shows(const char *line)
{
    size_t len = 0;

    free(text);
    text = metrics_render(&len);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_EQUAL(strlen(text), len);
    return strstr(text, line) != NULL;
}

static void test_cells_of_a_series_are_summed(void)
{
    struct metrics_family *family =
        metrics_family("t_calls_total", "Calls.", METRICS_COUNTER, labels);
    struct metrics_cell *one = metrics_cell(family, order_ok);
    struct metrics_cell *two = metrics_cell(family, order_ok);

    metrics_add(one, 3);
    metrics_add(two, 4);
    CU_ASSERT_TRUE(shows("# HELP t_calls_total Calls.\n# TYPE t_calls_total counter\n"
                         "t_calls_total{plugin=\"order\",status=\"OK\"} 7\n"));
    CU_ASSERT_PTR_EQUAL(metrics_family("t_calls_total", "Calls.", METRICS_COUNTER, labels), family);
    metrics_cell_release(one);
    CU_ASSERT_TRUE(shows("t_calls_total{plugin=\"order\",status=\"OK\"} 7\n"));
    metrics_cell_release(two);
    CU_ASSERT_FALSE(shows("t_calls_total"));
}

static void test_level_of_a_gauge_goes_with_its_writer(void)
{
    struct metrics_family *family = metrics_family("t_open", "Open.", METRICS_GAUGE, NULL);
    struct metrics_cell *one = metrics_cell(family, NULL);
    struct metrics_cell *two = metrics_cell(family, NULL);

    metrics_set(one, 5);
    metrics_add(two, -2);
    CU_ASSERT_TRUE(shows("# TYPE t_open gauge\nt_open 3\n"));
    metrics_cell_release(one);
    CU_ASSERT_TRUE(shows("\nt_open -2\n"));
    metrics_cell_release(two);
}

static void test_histogram_is_cumulative_in_seconds(void)
{
    struct metrics_family *family = metrics_family("t_seconds", "Time.", METRICS_HISTOGRAM, NULL);
    struct metrics_cell *cell = metrics_cell(family, NULL);

    metrics_observe_ns(cell, -5);
    metrics_observe_ns(cell, 50000);
    metrics_observe_ns(cell, 50001);
    metrics_observe_ns(cell, INT64_C(60000000000));
    CU_ASSERT_TRUE(shows("t_seconds_bucket{le=\"5e-05\"} 2\n"));
    CU_ASSERT_TRUE(shows("t_seconds_bucket{le=\"0.0001\"} 3\n"));
    CU_ASSERT_TRUE(shows("t_seconds_bucket{le=\"10\"} 3\n"));
    CU_ASSERT_TRUE(
        shows("t_seconds_bucket{le=\"+Inf\"} 4\nt_seconds_sum 60.0001\nt_seconds_count 4\n"));
    metrics_cell_release(cell);
}

static void test_values_and_help_are_escaped(void)
{
    const char *value[] = {"a\"b\\c\nd", "x"};
    struct metrics_family *family = metrics_family("t_escaped", "a\\b\nc\"", METRICS_GAUGE, labels);
    struct metrics_cell *cell = metrics_cell(family, value);

    CU_ASSERT_TRUE(shows("# HELP t_escaped a\\\\b\\nc\"\n"));
    CU_ASSERT_TRUE(shows("t_escaped{plugin=\"a\\\"b\\\\c\\nd\",status=\"x\"} 0\n"));
    metrics_cell_release(cell);
}

static void test_what_does_not_fit_is_refused(void)
{
    CU_ASSERT_PTR_NULL(metrics_family("Bad", "x", METRICS_COUNTER, NULL));
    CU_ASSERT_PTR_NULL(metrics_family("1bad", "x", METRICS_COUNTER, NULL));
    CU_ASSERT_PTR_NULL(metrics_family("", "x", METRICS_COUNTER, NULL));
    CU_ASSERT_PTR_NOT_NULL(metrics_family("t_once", "x", METRICS_COUNTER, NULL));
    CU_ASSERT_PTR_NULL(metrics_family("t_once", "x", METRICS_GAUGE, NULL));
    CU_ASSERT_PTR_NULL(metrics_family("t_once", "x", METRICS_COUNTER, labels));
    CU_ASSERT_PTR_NULL(metrics_cell(NULL, NULL));
    metrics_add(NULL, 1);
    metrics_observe_ns(NULL, 1);
    metrics_cell_release(NULL);
}

static void test_number_of_series_is_bounded(void)
{
    enum { LIMIT = 50 };
    struct metrics_cell *cells[LIMIT + 2];
    struct metrics_family *family = metrics_family("t_many", "x", METRICS_COUNTER, labels);

    metrics_limit_series(LIMIT);
    for (int i = 0; i < LIMIT + 2; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        const char *values[] = {name, "OK"};
        cells[i] = metrics_cell(family, values);
        metrics_add(cells[i], 1);
    }
    CU_ASSERT_TRUE(shows("t_many{plugin=\"other\",status=\"other\"} 2\n"));
    for (int i = 0; i < LIMIT + 2; i++) {
        metrics_cell_release(cells[i]);
    }
    CU_ASSERT_FALSE(shows("t_many"));
}

static void *write_much(void *arg)
{
    struct metrics_family *family = arg;

    for (int round = 0; round < 20; round++) {
        struct metrics_cell *cell = metrics_cell(family, order_ok);
        for (int i = 0; i < 1000; i++) {
            metrics_add(cell, 1);
        }
        metrics_cell_release(cell);
    }
    return NULL;
}

/* Under ThreadSanitizer this shows that writing and rendering at the same time is no race. */
static void test_threads_write_while_another_renders(void)
{
    struct metrics_family *family = metrics_family("t_threads", "x", METRICS_COUNTER, labels);
    struct metrics_cell *anchor = metrics_cell(family, order_ok);
    pthread_t threads[3];

    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, write_much, family), 0);
    }
    for (int i = 0; i < 20; i++) {
        CU_ASSERT_TRUE(shows("t_threads{"));
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    CU_ASSERT_TRUE(shows("t_threads{plugin=\"order\",status=\"OK\"} 60000\n"));
    metrics_cell_release(anchor);
}

static char seen[512];

static void note(void *arg, const char *name, bool is_ready, const char *reason)
{
    size_t len = strlen(seen);

    (void)arg;
    snprintf(seen + len, sizeof seen - len, "%s=%d %s;", name, is_ready, reason);
}

static void test_process_is_ready_when_all_checks_are(void)
{
    struct readiness_check *redis = readiness_add("redis");
    struct readiness_check *order = readiness_add("plugin order");

    CU_ASSERT_FALSE(readiness_is_ready());
    readiness_set_ready(redis);
    CU_ASSERT_FALSE(readiness_is_ready());
    readiness_set_failed(order, "schema %d is newer", 7);
    CU_ASSERT_FALSE(readiness_visit(note, NULL));
    CU_ASSERT_STRING_EQUAL(seen, "redis=1 ;plugin order=0 schema 7 is newer;");
    readiness_set_ready(order);
    CU_ASSERT_TRUE(readiness_is_ready());
    readiness_remove(order);
    readiness_remove(redis);
    CU_ASSERT_TRUE(readiness_is_ready());
    readiness_remove(NULL);
    readiness_set_ready(NULL);
    metrics_reset();
    free(text);
}

UNIT_MAIN("metrics", UNIT_TEST(test_cells_of_a_series_are_summed),
          UNIT_TEST(test_level_of_a_gauge_goes_with_its_writer),
          UNIT_TEST(test_histogram_is_cumulative_in_seconds),
          UNIT_TEST(test_values_and_help_are_escaped), UNIT_TEST(test_what_does_not_fit_is_refused),
          UNIT_TEST(test_number_of_series_is_bounded),
          UNIT_TEST(test_threads_write_while_another_renders),
          UNIT_TEST(test_process_is_ready_when_all_checks_are))
