/* atlas run: one process of a deployment, until a signal ends it. */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/report.h"
#include "cli/cli.h"
#include "cli/config_arguments.h"
#include "process.h"
#include "runtime/reload/control.h"

/* As shutdown.limit, until the configuration was read. */
#define START_LIMIT_MS 5000

struct run {
    struct config_arguments arguments;
    struct config *config;
    struct control *control;
    struct process *process;
    struct loop_task reload;
    bool is_reload_asked; /* posted and not begun: further signals coalesce */
    bool is_reloading;    /* on the control thread, as is_reload_due */
    bool is_reload_due;
    pthread_mutex_t mutex;
    sigset_t signals;
    unsigned ends;            /* how often a signal asked to end; of the signals thread */
    int64_t end_ns;           /* by then the process has ended; the same */
    _Atomic int64_t limit_ms; /* shutdown.limit, once the configuration was read */
};

static void reload_once(struct run *run)
{
    struct report report;
    report_init(&report);
    struct config *config = config_load(&run->arguments.source, &report);
    if (config != NULL && process_reload(run->process, config, &report)) {
        atomic_store(&run->limit_ms, config->shutdown.limit_ms);
    }
    for (size_t i = 0; report_line(&report, i) != NULL; i++) {
        log_error("reload refused, the running plugins are unchanged",
                  LOG_TEXT("reason", report_line(&report, i)));
    }
    config_release(config);
    report_finish(&report);
}

/* On the control thread. A reload that waits for old calls lets further commands in: one that comes
 * then is done when the first has ended. None begins once the process was asked to end: the end
 * runs commands too, and must find what it stops unchanged. */
static void reload(struct loop_task *task)
{
    struct run *run = CONTAINER_OF(task, struct run, reload);
    pthread_mutex_lock(&run->mutex);
    run->is_reload_asked = false;
    pthread_mutex_unlock(&run->mutex);
    run->is_reload_due = true;
    if (run->is_reloading) {
        return;
    }
    run->is_reloading = true;
    while (run->is_reload_due && !control_is_ending(run->control)) {
        run->is_reload_due = false;
        reload_once(run);
    }
    run->is_reloading = false;
}

static void ask_for_reload(struct run *run)
{
    pthread_mutex_lock(&run->mutex);
    bool is_asked = run->is_reload_asked;
    run->is_reload_asked = true;
    pthread_mutex_unlock(&run->mutex);
    if (!is_asked) {
        run->reload.run = reload;
        control_post(run->control, &run->reload);
    }
}

static _Noreturn void end_by_force(const char *why)
{
    log_error(why, LOG_TEXT("remedy", "see which calls do not end, or what holds a loop, above"));
    _exit(EXIT_FORCED);
}

/* The first time calls may end, the second time they are cancelled, the third time nobody waits. */
static void ask_to_end(struct run *run)
{
    run->ends++;
    if (run->ends == 1) {
        run->end_ns = clock_monotonic_ns() + atomic_load(&run->limit_ms) * NS_PER_MS;
    } else if (run->ends == 2) {
        log_warn("asked to end again: cancelling the calls in flight");
    } else {
        end_by_force("asked to end three times: leaving at once");
    }
    control_end(run->control);
}

/* The next signal, or 0 when the time to end is over. */
static int next_signal(const struct run *run)
{
    for (;;) {
        int64_t left_ns = run->ends == 0 ? NS_PER_S * 3600 : run->end_ns - clock_monotonic_ns();
        if (left_ns <= 0) {
            return 0;
        }
        int number = sigtimedwait(&run->signals, NULL,
                                  &(struct timespec){left_ns / NS_PER_S, left_ns % NS_PER_S});
        if (number > 0) {
            return number;
        }
    }
}

/* Signals become commands of the control thread here; no handler runs anywhere. Ended by
 * pthread_cancel, while it waits only. */
static void *wait_for_signals(void *arg)
{
    struct run *run = arg;
    pthread_setname_np(pthread_self(), "signals");
    for (;;) {
        int number = next_signal(run);
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
        if (number == 0) {
            end_by_force("the process did not end within shutdown.limit: leaving at once");
        }
        log_info("signal", LOG_TEXT("signal", strsignal(number)));
        if (number != SIGHUP) {
            ask_to_end(run);
        } else if (run->ends == 0) {
            ask_for_reload(run);
        }
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    }
}

static void block_signals(struct run *run)
{
    sigemptyset(&run->signals);
    sigaddset(&run->signals, SIGHUP);
    sigaddset(&run->signals, SIGINT);
    sigaddset(&run->signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &run->signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static bool start_process(struct run *run, struct report *report)
{
    run->config = config_load(&run->arguments.source, report);
    if (run->config == NULL) {
        return false;
    }
    atomic_store(&run->limit_ms, run->config->shutdown.limit_ms);
    const struct config_process *process =
        config_arguments_process(&run->arguments, run->config, report);
    if (process == NULL) {
        return false;
    }
    log_set_level((enum atlas_log_level)run->config->log.level);
    log_set_process(process->name);
    metrics_limit_series((size_t)run->config->metrics.series);
    return process_start(run->config, process->name, run->control, &run->process, report);
}

static int start_code(struct run *run, bool is_started, const struct report *report)
{
    if (is_started) {
        return EXIT_DONE;
    }
    if (control_is_ending(run->control)) {
        log_info("ended before it served");
        return EXIT_DONE;
    }
    config_arguments_print(report);
    return EXIT_REFUSED;
}

static int run_process(struct run *run)
{
    struct report report;
    report_init(&report);
    bool is_started = start_process(run, &report);
    int code = start_code(run, is_started, &report);
    report_finish(&report);
    if (is_started) {
        control_run(run->control);
    }
    if (!process_stop(run->process)) {
        end_by_force("calls did not end although they were cancelled: leaving without them");
    }
    return code;
}

static int run_with_signals(struct run *run)
{
    struct error error;
    pthread_t signals;
    if (control_create(&run->control, &error) != ATLAS_OK) {
        fprintf(stderr, "atlas run: %s\n", error.text);
        return EXIT_REFUSED;
    }
    block_signals(run); /* before any thread starts, so that all inherit it */
    if (pthread_create(&signals, NULL, wait_for_signals, run) != 0) {
        fprintf(stderr, "atlas run: cannot start a thread for signals\n");
        return EXIT_REFUSED;
    }
    int code = run_process(run);
    pthread_cancel(signals);
    pthread_join(signals, NULL);
    return code;
}

/* Without a fixed threshold glibc raises its own as large blocks are freed, and what clients that
 * did not read had waiting for them stays resident for ever. Fixing one fixes the other, too low:
 * each loop would give its last pages back and take them again, request for request. */
static void return_large_blocks(void)
{
    mallopt(M_MMAP_THRESHOLD, 512 * 1024);
    mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
}

/* What limits connections is the configuration: the 1024 descriptors that shells and services get
 * are for programs that use select(2), and fewer than the bounds add up to. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int cli_run(int argc, char **argv)
{
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL || !config_arguments_read(argc, argv, &run->arguments)) {
        free(run);
        return EXIT_USAGE;
    }
    atomic_init(&run->limit_ms, START_LIMIT_MS);
    pthread_mutex_init(&run->mutex, NULL);
    return_large_blocks();
    raise_descriptor_limit();
    int code = run_with_signals(run);
    config_release(run->config);
    control_destroy(run->control);
    pthread_mutex_destroy(&run->mutex);
    free(run);
    return code;
}
