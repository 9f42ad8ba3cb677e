#include "process.h"

#include <limits.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "base/log.h"
#include "base/pid_file.h"
#include "listeners.h"
#include "modules.h"
#include "process_status.h"
#include "restart_needed.h"
#include "runtime/loader/staged_file.h"
#include "runtime/reload/control.h"
#include "runtime/reload/deployment.h"
#include "runtime/runtime.h"
#include "runtime/watchdog.h"

/* What a cancelled call gets to end, beyond the longest cleanup section. */
#define CANCEL_MS 2000

struct process {
    const struct config *config;     /* that it was started with */
    struct config_shutdown shutdown; /* of the newest */
    struct pid_file *pid_file;
    struct control *control;
    struct runtime *runtime;
    struct deployment *deployment;
    struct modules *modules;
    struct listeners *listeners;
    struct process_status *status;
    struct watchdog *watchdog;
};

static bool failed(struct report *report, const struct error *error)
{
    report_add(report, "%s", error->text);
    return false;
}

static bool start_runtime(struct process *process, const char *name, struct report *report)
{
    struct runtime_options options = {.config = process->config, .process = name};
    struct error error;
    if (staged_folder_open(process->config->run_dir, &error) != ATLAS_OK ||
        pid_file_create(process->config->run_dir, name, &process->pid_file, &error) != ATLAS_OK ||
        runtime_create(&options, &process->runtime, &error) != ATLAS_OK ||
        deployment_create(process->runtime, process->control, &process->deployment, &error) !=
            ATLAS_OK ||
        modules_create(process->runtime, &process->modules, &error) != ATLAS_OK ||
        runtime_start(process->runtime, &error) != ATLAS_OK ||
        watchdog_start(process->runtime, process->config->watchdog.threshold_ms, NULL, NULL,
                       &process->watchdog, &error) != ATLAS_OK) {
        return failed(report, &error);
    }
    return true;
}

static bool start_listeners(struct process *process, struct report *report)
{
    struct error error;
    if (process_status_start(process->runtime, &process->status, &error) != ATLAS_OK) {
        return failed(report, &error);
    }
    modules_follow(process->modules, process->deployment);
    return listeners_open(process->runtime, process->deployment, &process->listeners, report);
}

bool process_start(const struct config *config, const char *name, struct control *control,
                   struct process **ret_process, struct report *report)
{
    int64_t start_ns = clock_monotonic_ns();
    struct process *process = calloc(1, sizeof *process);
    if (process == NULL) {
        report_add(report, "process: out of memory");
        return false;
    }
    *ret_process = process;
    process->config = config;
    process->shutdown = config->shutdown;
    process->control = control;
    /* Ports first: a second host by mistake ends before its consumers take partitions away. */
    if (!start_runtime(process, name, report) || !start_listeners(process, report) ||
        !deployment_apply(process->deployment, config, report)) {
        return false;
    }
    listeners_accept(process->listeners);
    process_status_follow(process->status, process->deployment);
    log_info("serving", LOG_INT("loops", runtime_worker_count(process->runtime)),
             LOG_INT("took_ms", (clock_monotonic_ns() - start_ns) / NS_PER_MS));
    return true;
}

bool process_reload(struct process *process, const struct config *config, struct report *report)
{
    int64_t start_ns = clock_monotonic_ns();
    if (!deployment_apply(process->deployment, config, report)) {
        return false;
    }
    process_status_follow(process->status, process->deployment);
    process->shutdown = config->shutdown;
    log_set_level((enum atlas_log_level)config->log.level);
    restart_needed_log(process->config, config, runtime_process(process->runtime));
    log_info("reload done", LOG_INT("took_ms", (clock_monotonic_ns() - start_ns) / NS_PER_MS));
    return true;
}

/* Calls in flight end as they would, up to the time that the configuration gives them. */
static void let_calls_end(struct process *process)
{
    int64_t until_ns = clock_monotonic_ns() + process->shutdown.drain_ms * NS_PER_MS;
    control_heed_ends(process->control, 1);
    process_status_drain(process->status);
    listeners_stop(process->listeners);
    deployment_quiesce(process->deployment, until_ns);
    if (!listeners_wait(process->listeners, process->control, until_ns)) {
        listeners_cancel(process->listeners);
    }
}

/* Everything that is left is cancelled, and gets the time of a cleanup section to end. */
static bool end_calls(struct process *process)
{
    int64_t cleanup_ms = process->config->calls.cleanup_ms + CANCEL_MS;
    int64_t until_ns = clock_monotonic_ns() + cleanup_ms * NS_PER_MS;
    control_heed_ends(process->control, UINT_MAX); /* it cannot be cut shorter in order */
    return deployment_end(process->deployment, until_ns) &&
           listeners_wait_for_cancelled(process->listeners, process->control, until_ns);
}

static void free_everything(struct process *process)
{
    listeners_close(process->listeners);
    process_status_stop(process->status);
    modules_stop(process->modules);
    watchdog_stop(process->watchdog);
    runtime_destroy(process->runtime);
    modules_destroy(process->modules);
    deployment_destroy(process->deployment);
}

bool process_stop(struct process *process)
{
    bool is_clean = true;
    if (process == NULL) {
        return true;
    }
    if (process->deployment != NULL) {
        let_calls_end(process);
        is_clean = end_calls(process);
    }
    if (is_clean) {
        free_everything(process);
        log_info("stopped");
    }
    staged_folder_close(process->config->run_dir);
    pid_file_remove(process->pid_file);
    free(process);
    return is_clean;
}
