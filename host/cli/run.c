/* atlas run: one process of a deployment, until a signal ends it. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/report.h"
#include "cli/cli.h"
#include "cli/config_arguments.h"
#include "process.h"
#include "runtime/reload/control.h"

struct run {
    struct config_arguments arguments;
    struct config *config;
    struct process *process;
    struct loop_task reload;
    bool is_reload_asked; /* posted and not begun: further signals coalesce */
    bool is_reloading;    /* on the control thread, as is_reload_due */
    bool is_reload_due;
    pthread_mutex_t mutex;
    sigset_t signals;
};

static void reload_once(struct run *run)
{
    struct report report;
    report_init(&report);
    struct config *config = config_load(&run->arguments.source, &report);
    if (config != NULL) {
        process_reload(run->process, config, &report);
    } else {
        for (size_t i = 0; report_line(&report, i) != NULL; i++) {
            log_error("reload refused, the running plugins are unchanged",
                      LOG_TEXT("why", report_line(&report, i)));
        }
    }
    config_release(config);
    report_finish(&report);
}

/* On the control thread. A reload that waits for old calls lets further commands in: one that comes
 * then is done when the first has ended. */
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
    while (run->is_reload_due) {
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
        control_post(process_control(run->process), &run->reload);
    }
}

/* Signals become commands of the control thread here; no handler runs anywhere. */
static void *wait_for_signals(void *arg)
{
    struct run *run = arg;
    pthread_setname_np(pthread_self(), "signals");
    for (;;) {
        int number;
        if (sigwait(&run->signals, &number) != 0) {
            continue;
        }
        log_info("signal", LOG_TEXT("signal", strsignal(number)));
        if (number == SIGHUP) {
            ask_for_reload(run);
        } else {
            control_end(process_control(run->process));
            return NULL;
        }
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

static bool start(struct run *run)
{
    struct report report;
    report_init(&report);
    bool is_started = false;
    run->config = config_load(&run->arguments.source, &report);
    if (run->config != NULL) {
        const struct config_process *process =
            config_arguments_process(&run->arguments, run->config, &report);
        if (process != NULL) {
            log_set_level((enum atlas_log_level)run->config->log_level);
            log_set_process(process->name);
            is_started = process_start(run->config, process->name, &run->process, &report);
        }
    }
    config_arguments_print(&report);
    report_finish(&report);
    return is_started;
}

int cli_run(int argc, char **argv)
{
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL || !config_arguments_read(argc, argv, &run->arguments)) {
        free(run);
        return EXIT_USAGE;
    }
    pthread_mutex_init(&run->mutex, NULL);
    block_signals(run); /* before any thread starts, so that all inherit it */
    bool is_started = start(run);
    pthread_t signals;
    if (is_started && pthread_create(&signals, NULL, wait_for_signals, run) == 0) {
        control_run(process_control(run->process));
        pthread_join(signals, NULL);
    }
    process_stop(run->process);
    config_release(run->config);
    pthread_mutex_destroy(&run->mutex);
    free(run);
    return is_started ? EXIT_DONE : EXIT_REFUSED;
}
