/* The watchdog: a fiber that computes is named with its operation, one that waits is not. */
#include "runtime/watchdog.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "host.h"
#include "support/run_on.h"
#include "support/unit.h"

struct findings {
    sem_t one;
    _Atomic int count;
    int wanted; /* until then a fiber holds its loop */
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

/* Keeps the loop until the watchdog has spoken so often, 5 s at most. */
static atlas_status_t hold(struct call *call, void *arg)
{
    struct findings *findings = arg;
    int64_t end_ns = clock_monotonic_ns() + 5 * NS_PER_S;
    (void)call;
    while (findings->count < findings->wanted && clock_monotonic_ns() < end_ns) {
        /* computes */
    }
    return ATLAS_OK;
}

static void set_deaf(int how)
{
    sigset_t urgent;
    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    pthread_sigmask(how, &urgent, NULL);
}

/* The same, but for a time the thread does not hear the watchdog: so it is on a machine that is too
 * busy to run it. */
static atlas_status_t hold_deaf_at_first(struct call *call, void *arg)
{
    int64_t end_ns = clock_monotonic_ns() + 600 * NS_PER_MS;
    set_deaf(SIG_BLOCK);
    while (clock_monotonic_ns() < end_ns) {
        /* computes */
    }
    set_deaf(SIG_UNBLOCK);
    return hold(call, arg);
}

/* The same, until the watchdog has spoken all the same. */
static atlas_status_t hold_deaf(struct call *call, void *arg)
{
    struct findings *findings = arg;
    set_deaf(SIG_BLOCK);
    hold(call, arg);
    CU_ASSERT_EQUAL(findings->count, 1);
    CU_ASSERT_STRING_EQUAL(findings->operation, "");
    set_deaf(SIG_UNBLOCK);
    findings->wanted = 2;
    return hold(call, arg);
}

static void unblock(struct worker *worker, void *arg)
{
    (void)worker;
    (void)arg;
    set_deaf(SIG_UNBLOCK);
}

static bool is_asked(void)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGURG) == 1;
}

/* Is over before the watchdog, which has asked, is heard. */
static atlas_status_t hold_until_asked(struct call *call, void *arg)
{
    int64_t end_ns = clock_monotonic_ns() + 5 * NS_PER_S;
    (void)call;
    (void)arg;
    set_deaf(SIG_BLOCK);
    while (!is_asked() && clock_monotonic_ns() < end_ns) {
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
    findings->wanted = 1;
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

static void test_thread_that_answers_late_is_named(void)
{
    struct test_host host;
    struct findings findings;
    struct watchdog *watchdog;
    struct error error;
    start(&host, &findings, &watchdog);
    CU_ASSERT_EQUAL(run_on(runtime_worker(host.runtime, 0), NULL, "late computation", 9000,
                           hold_deaf_at_first, &findings, &error),
                    ATLAS_OK);
    CU_ASSERT_EQUAL(findings.count, 1);
#if !defined(__SANITIZE_THREAD__)
    CU_ASSERT_STRING_EQUAL(findings.operation, "late computation");
#endif
    watchdog_stop(watchdog);
    test_host_stop(&host);
}

static void test_thread_that_does_not_answer_is_reported_and_named_later(void)
{
    struct test_host host;
    struct findings findings;
    struct watchdog *watchdog;
    struct error error;
    start(&host, &findings, &watchdog);
    CU_ASSERT_EQUAL(run_on(runtime_worker(host.runtime, 0), NULL, "deaf computation", 9000,
                           hold_deaf, &findings, &error),
                    ATLAS_OK);
#if !defined(__SANITIZE_THREAD__)
    CU_ASSERT_EQUAL(findings.count, 2);
    CU_ASSERT_STRING_EQUAL(findings.operation, "deaf computation");
#endif
    watchdog_stop(watchdog);
    test_host_stop(&host);
}

/* What the thread says when the hold is over is of something else. */
static void test_hold_that_ends_unheard_is_reported_without_a_name(void)
{
    struct test_host host;
    struct findings findings;
    struct watchdog *watchdog;
    struct error error;
    start(&host, &findings, &watchdog);
    struct worker *worker = runtime_worker(host.runtime, 0);
    CU_ASSERT_EQUAL(run_on(worker, NULL, "short computation", 9000, hold_until_asked, NULL, &error),
                    ATLAS_OK);
    runtime_run_on(worker, unblock, NULL);
    sem_wait(&findings.one);
    CU_ASSERT_EQUAL(findings.count, 1);
    CU_ASSERT(findings.held_ms >= 20);
    CU_ASSERT_STRING_EQUAL(findings.operation, "");
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
          UNIT_TEST(test_thread_that_answers_late_is_named),
          UNIT_TEST(test_thread_that_does_not_answer_is_reported_and_named_later),
          UNIT_TEST(test_hold_that_ends_unheard_is_reported_without_a_name),
          UNIT_TEST(test_fiber_that_waits_is_not_reported),
          UNIT_TEST(test_threshold_of_zero_watches_nothing))
