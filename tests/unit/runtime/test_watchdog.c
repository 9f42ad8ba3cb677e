/* The watchdog: a fiber that computes is named with its operation, one that waits is not. */
#include "runtime/watchdog.h"

#include <semaphore.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "host.h"
#include "support/run_on.h"
#include "support/unit.h"

struct findings {
    sem_t one;
    _Atomic int count;
    unsigned loop;
    int64_t held_ms;
    char operation[128];
    char backtrace[1024];
};

static void note(void *arg, const struct watchdog_finding *finding)
{
    struct findings *findings = arg;
    findings->loop = finding->loop;
    findings->held_ms = finding->held_ms;
    snprintf(findings->operation, sizeof findings->operation, "%s", finding->operation);
    snprintf(findings->backtrace, sizeof findings->backtrace, "%s", finding->backtrace);
    findings->count++;
    sem_post(&findings->one);
}

/* Keeps the loop until the watchdog has spoken, 5 s at most. */
static atlas_status_t hold(struct call *call, void *arg)
{
    struct findings *findings = arg;
    int64_t end_ns = clock_monotonic_ns() + 5 * NS_PER_S;
    (void)call;
    while (findings->count == 0 && clock_monotonic_ns() < end_ns) {
        /* computes */
    }
    return ATLAS_OK;
}

static atlas_status_t rest(struct call *call, void *arg)
{
    (void)arg;
    return call->public.interfaces->call->sleep(&call->public, 150 * NS_PER_MS);
}

static void start(struct test_host *host, struct findings *findings, struct watchdog **watchdog)
{
    struct error error;
    memset(findings, 0, sizeof *findings);
    sem_init(&findings->one, 0, 0);
    test_host_start(host);
    CU_ASSERT_EQUAL_FATAL(watchdog_start(host->runtime, 20, note, findings, watchdog, &error),
                          ATLAS_OK);
}

static void test_fiber_that_keeps_its_loop_is_named(void)
{
    struct test_host host;
    struct findings findings;
    struct watchdog *watchdog;
    struct error error;
    start(&host, &findings, &watchdog);
    CU_ASSERT_EQUAL(run_on(runtime_worker(host.runtime, 1), NULL, "long computation", 5000, hold,
                           &findings, &error),
                    ATLAS_OK);
    CU_ASSERT_EQUAL_FATAL(findings.count, 1);
    CU_ASSERT_EQUAL(findings.loop, 1);
    CU_ASSERT(findings.held_ms >= 20);
#if !defined(__SANITIZE_THREAD__) /* it holds signals back while a thread computes */
    CU_ASSERT_PTR_NOT_NULL(strstr(findings.operation, "long computation"));
    CU_ASSERT_NOT_EQUAL(findings.backtrace[0], '\0');
#endif
    watchdog_stop(watchdog);
    test_host_stop(&host);
}

static void test_fiber_that_waits_is_not_reported(void)
{
    struct test_host host;
    struct findings findings;
    struct watchdog *watchdog;
    struct error error;
    start(&host, &findings, &watchdog);
    CU_ASSERT_EQUAL(run_on(runtime_worker(host.runtime, 0), NULL, "rest", 5000, rest, NULL, &error),
                    ATLAS_OK);
    CU_ASSERT_EQUAL(findings.count, 0);
    watchdog_stop(watchdog);
    test_host_stop(&host);
}

static void test_threshold_of_zero_watches_nothing(void)
{
    struct watchdog *watchdog;
    struct error error;
    CU_ASSERT_EQUAL(watchdog_start(NULL, 0, note, NULL, &watchdog, &error), ATLAS_OK);
    CU_ASSERT_PTR_NULL(watchdog);
    watchdog_stop(watchdog);
}

UNIT_MAIN("watchdog", UNIT_TEST(test_fiber_that_keeps_its_loop_is_named),
          UNIT_TEST(test_fiber_that_waits_is_not_reported),
          UNIT_TEST(test_threshold_of_zero_watches_nothing))
