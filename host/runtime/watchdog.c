/*
 * Watching is reading: a loop whose pulse is odd and has not changed for the threshold is held.
 * Only then is its thread interrupted by SIGURG; the handler, on the thread that is stuck, notes
 * the operation and its frames.
 */
#include "runtime/watchdog.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "runtime/fiber.h"
#include "runtime/runtime.h"

#define FRAMES_MAX      32
#define FRAMES_SKIPPED  2    /* the handler and the signal's own frame */
#define CAPTURE_WAIT_MS 200  /* for the answer of a thread, at each look */
#define SILENCE_MS      3000 /* beyond the threshold: then it is told without an answer */
#define BACKTRACE_SIZE  1024
#define OPERATION_SIZE  256
#define PLUGIN_SIZE     64

/* What the handler notes on the thread of a loop, for the watchdog to read once is_done is seen. */
struct capture {
    sem_t answered;
    _Atomic bool is_done;
    const struct fiber_pool *fibers; /* of the loop */
    uint64_t pulse;                  /* when the handler ran: which hold the rest is of */
    char operation[OPERATION_SIZE];
    char plugin[PLUGIN_SIZE];
    void *frames[FRAMES_MAX];
    int frame_count;
};

/* What is known of one loop. */
struct watched {
    pthread_t thread;
    uint64_t pulse;
    int64_t since_ns; /* when this pulse was first seen */
    int64_t held_ns;  /* at the last look; 0: not long enough to be told */
    bool is_reported;
    bool is_named; /* with its operation */
    bool is_asked; /* the thread was interrupted and has not answered */
    struct capture capture;
};

struct watchdog {
    struct runtime *runtime;
    int64_t threshold_ns;
    void (*report)(void *arg, const struct watchdog_finding *finding);
    void *arg;
    pthread_t thread;
    bool is_started;
    sem_t end;
    struct metrics_cell *held;
    struct watched *loops;
    unsigned loop_count;
};

/* Where the handler writes on this thread; NULL on threads that are not watched. */
static _Thread_local struct capture *own_capture;

static void note_text(char *to, size_t size, const char *text)
{
    size_t len = strnlen(text, size - 1);
    memcpy(to, text, len);
    to[len] = '\0';
}

/* Async-signal-safe: backtrace() was called once before, so it loads nothing any more. */
static void on_interrupt(int number)
{
    (void)number;
    struct capture *capture = own_capture;
    if (capture == NULL) {
        return; /* SIGURG from somewhere else */
    }
    const struct fiber_label *label = fiber_label();
    capture->pulse = fiber_pool_pulse(capture->fibers);
    note_text(capture->operation, OPERATION_SIZE, label == NULL ? "" : label->operation);
    note_text(capture->plugin, PLUGIN_SIZE, label == NULL ? "" : label->plugin);
    capture->frame_count = backtrace(capture->frames, FRAMES_MAX);
    atomic_store_explicit(&capture->is_done, true, memory_order_release);
    sem_post(&capture->answered);
}

static struct timespec after_ms(clockid_t clock, int64_t ms)
{
    struct timespec time;
    clock_gettime(clock, &time);
    int64_t ns = time.tv_nsec + ms * NS_PER_MS;
    time.tv_sec += ns / NS_PER_S;
    time.tv_nsec = ns % NS_PER_S;
    return time;
}

/* "name+0x12" or "order.so+0x1234", with the program's own frames by name where they have one. */
static size_t print_frame(void *frame, char *text, size_t size)
{
    Dl_info info;
    if (dladdr(frame, &info) == 0 || info.dli_fname == NULL) {
        return (size_t)snprintf(text, size, "%p", frame);
    }
    if (info.dli_sname != NULL) {
        return (size_t)snprintf(text, size, "%s", info.dli_sname);
    }
    const char *slash = strrchr(info.dli_fname, '/');
    return (size_t)snprintf(text, size, "%s+0x%zx", slash == NULL ? info.dli_fname : slash + 1,
                            (size_t)((char *)frame - (char *)info.dli_fbase));
}

static void print_backtrace(const struct capture *capture, char text[BACKTRACE_SIZE])
{
    size_t len = 0;
    text[0] = '\0';
    for (int i = FRAMES_SKIPPED; i < capture->frame_count && len + 1 < BACKTRACE_SIZE; i++) {
        if (i > FRAMES_SKIPPED) {
            len += (size_t)snprintf(text + len, BACKTRACE_SIZE - len, " < ");
        }
        if (len + 1 < BACKTRACE_SIZE) {
            len += print_frame(capture->frames[i], text + len, BACKTRACE_SIZE - len);
        }
    }
}

/* True if the thread has said, by then, what it runs in the hold that is watched. */
static bool take_answer(struct watched *watched, int64_t wait_ms)
{
    struct capture *capture = &watched->capture;
    struct timespec until = after_ms(CLOCK_MONOTONIC, wait_ms);
    if (!watched->is_asked || sem_clockwait(&capture->answered, CLOCK_MONOTONIC, &until) != 0) {
        return false;
    }
    watched->is_asked = false;
    return atomic_load_explicit(&capture->is_done, memory_order_acquire) &&
           capture->pulse == watched->pulse;
}

/* Interrupts the thread of a loop. False if it does not answer in time (a machine that is too busy,
 * a debugger, a sanitizer): then it is not asked again before that answer has come, so nothing is
 * written while it is read. */
static bool capture_loop(struct watched *watched)
{
    if (!watched->is_asked) {
        atomic_store_explicit(&watched->capture.is_done, false, memory_order_relaxed);
        watched->is_asked = pthread_kill(watched->thread, SIGURG) == 0;
    }
    return take_answer(watched, CAPTURE_WAIT_MS);
}

static void log_finding(void *arg, const struct watchdog_finding *finding)
{
    (void)arg;
    log_warn("a fiber keeps its loop from all other calls; let it wait in between, or use "
             "atlas_offload, continuing",
             LOG_TEXT("operation", finding->operation), LOG_TEXT("plugin", finding->plugin),
             LOG_INT("loop", finding->loop), LOG_INT("held_ms", finding->held_ms),
             LOG_TEXT("backtrace", finding->backtrace));
}

static void report_hold(struct watchdog *watchdog, unsigned index, bool is_named)
{
    struct watched *watched = &watchdog->loops[index];
    char backtrace_text[BACKTRACE_SIZE] = "";
    struct watchdog_finding finding = {.loop = index,
                                       .held_ms = watched->held_ns / NS_PER_MS,
                                       .operation = "",
                                       .plugin = "",
                                       .backtrace = backtrace_text};
    if (is_named) {
        finding.operation = watched->capture.operation;
        finding.plugin = watched->capture.plugin;
        print_backtrace(&watched->capture, backtrace_text);
    }
    metrics_add(watchdog->held, watched->is_reported ? 0 : 1);
    watched->is_reported = true;
    watched->is_named = is_named;
    watchdog->report(watchdog->arg, &finding);
}

/* The loop goes on. It may have been held without saying by whom. */
static void end_hold(struct watchdog *watchdog, unsigned index)
{
    struct watched *watched = &watchdog->loops[index];
    bool is_due = watched->held_ns > 0 && !watched->is_named;
    bool is_named = is_due && take_answer(watched, 0);
    if (is_due && (is_named || !watched->is_reported)) {
        report_hold(watchdog, index, is_named);
    }
    watched->held_ns = 0;
    watched->is_reported = watched->is_named = false;
}

/* Without a name a finding helps nobody, so it waits for it a while. */
static void look_at_hold(struct watchdog *watchdog, unsigned index)
{
    struct watched *watched = &watchdog->loops[index];
    bool is_named = capture_loop(watched);
    bool is_overdue = watched->held_ns >= watchdog->threshold_ns + SILENCE_MS * NS_PER_MS;
    if (is_named || (is_overdue && !watched->is_reported)) {
        report_hold(watchdog, index, is_named);
    }
}

static void look_at_loop(struct watchdog *watchdog, unsigned index, int64_t now_ns)
{
    struct watched *watched = &watchdog->loops[index];
    uint64_t pulse = fiber_pool_pulse(runtime_worker(watchdog->runtime, index)->fibers);
    if (pulse != watched->pulse) {
        end_hold(watchdog, index);
        watched->pulse = pulse;
        watched->since_ns = now_ns;
        return;
    }
    bool is_held = pulse % 2 == 1 && now_ns - watched->since_ns >= watchdog->threshold_ns;
    if (is_held && !watched->is_named) {
        watched->held_ns = now_ns - watched->since_ns;
        look_at_hold(watchdog, index);
    }
}

static void *watch(void *arg)
{
    struct watchdog *watchdog = arg;
    int64_t pause_ms = watchdog->threshold_ns / NS_PER_MS / 2 + 1;
    pthread_setname_np(pthread_self(), "watchdog");
    for (;;) {
        struct timespec until = after_ms(CLOCK_MONOTONIC, pause_ms);
        if (sem_clockwait(&watchdog->end, CLOCK_MONOTONIC, &until) == 0) {
            return NULL;
        }
        int64_t now_ns = clock_monotonic_ns();
        for (unsigned i = 0; i < watchdog->loop_count; i++) {
            look_at_loop(watchdog, i, now_ns);
        }
    }
}

static void begin_watching(struct worker *worker, void *arg)
{
    struct watched *watched = arg;
    watched->thread = pthread_self();
    watched->capture.fibers = worker->fibers;
    own_capture = &watched->capture;
}

static void end_watching(struct worker *worker, void *arg)
{
    (void)worker;
    (void)arg;
    own_capture = NULL;
}

static bool install_handler(void)
{
    void *frames[1];
    backtrace(frames, 1); /* loads libgcc now, not in the handler */
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    return sigaction(SIGURG, &action, NULL) == 0;
}

static struct watchdog *allocate(struct runtime *runtime)
{
    struct watchdog *watchdog = calloc(1, sizeof *watchdog);
    if (watchdog == NULL) {
        return NULL;
    }
    watchdog->runtime = runtime;
    watchdog->loop_count = runtime_worker_count(runtime);
    watchdog->loops = calloc(watchdog->loop_count, sizeof *watchdog->loops);
    if (watchdog->loops == NULL || sem_init(&watchdog->end, 0, 0) != 0) {
        free(watchdog->loops);
        free(watchdog);
        return NULL;
    }
    return watchdog;
}

atlas_status_t watchdog_start(struct runtime *runtime, int64_t threshold_ms,
                              void (*report)(void *arg, const struct watchdog_finding *finding),
                              void *arg, struct watchdog **ret_watchdog, struct error *error)
{
    *ret_watchdog = NULL;
    if (threshold_ms == 0) {
        return ATLAS_OK;
    }
    struct watchdog *watchdog = allocate(runtime);
    if (watchdog == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "watchdog: out of memory");
    }
    watchdog->threshold_ns = threshold_ms * NS_PER_MS;
    watchdog->report = report != NULL ? report : log_finding;
    watchdog->arg = report != NULL ? arg : watchdog;
    watchdog->held = metrics_cell(metrics_family("atlas_loop_held_total",
                                                 "Times that a fiber kept its loop "
                                                 "longer than watchdog.threshold.",
                                                 METRICS_COUNTER, NULL),
                                  NULL);
    for (unsigned i = 0; i < watchdog->loop_count; i++) {
        sem_init(&watchdog->loops[i].capture.answered, 0, 0);
        runtime_run_on(runtime_worker(runtime, i), begin_watching, &watchdog->loops[i]);
    }
    watchdog->is_started =
        install_handler() && pthread_create(&watchdog->thread, NULL, watch, watchdog) == 0;
    if (!watchdog->is_started) {
        watchdog_stop(watchdog);
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "watchdog: the system gives no thread");
    }
    *ret_watchdog = watchdog;
    return ATLAS_OK;
}

void watchdog_stop(struct watchdog *watchdog)
{
    if (watchdog == NULL) {
        return;
    }
    if (watchdog->is_started) {
        sem_post(&watchdog->end);
        pthread_join(watchdog->thread, NULL);
    }
    for (unsigned i = 0; i < watchdog->loop_count; i++) {
        runtime_run_on(runtime_worker(watchdog->runtime, i), end_watching, NULL);
        sem_destroy(&watchdog->loops[i].capture.answered);
    }
    metrics_cell_release(watchdog->held);
    sem_destroy(&watchdog->end);
    free(watchdog->loops);
    free(watchdog);
}
