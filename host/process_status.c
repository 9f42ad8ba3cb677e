#include "process_status.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/readiness.h"
#include "inbound/admin.h"
#include "runtime/generation.h"
#include "runtime/reload/deployment.h"
#include "runtime/runtime.h"

#define SAMPLES_MAX 16

/* Values that are looked up for each scrape: cells that live until the next one. */
struct samples {
    struct metrics_cell *cells[SAMPLES_MAX];
    size_t count;
};

/* What is shown of one plugin. */
struct plugin_status {
    struct readiness_check *check;
    struct metrics_cell *info;
};

struct process_status {
    struct runtime *runtime;
    struct admin *admin;
    struct readiness_check *serving;
    struct plugin_status plugins[CONFIG_PLUGINS_MAX];
    size_t plugin_count;
    struct samples samples; /* the admin thread's */
    int64_t start_s;
};

/* The sample belongs to the next scrape's clearing. */
static void sample(struct samples *samples, const char *name, const char *help,
                   enum metrics_kind kind, int64_t value)
{
    if (samples->count == SAMPLES_MAX) {
        return;
    }
    struct metrics_cell *cell = metrics_cell(metrics_family(name, help, kind, NULL), NULL);
    metrics_set(cell, value);
    samples->cells[samples->count++] = cell;
}

static void clear_samples(struct samples *samples)
{
    for (size_t i = 0; i < samples->count; i++) {
        metrics_cell_release(samples->cells[i]);
    }
    samples->count = 0;
}

static int64_t resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file != NULL) {
        if (fscanf(file, "%*s %ld", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static int64_t open_descriptors(void)
{
    int64_t count = -3; /* ".", ".." and the folder itself */
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        return 0;
    }
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

static void sample_process(struct samples *samples, int64_t start_s)
{
    struct rusage usage = {.ru_maxrss = 0};
    getrusage(RUSAGE_SELF, &usage);
    sample(samples, "process_resident_memory_bytes", "Resident memory.", METRICS_GAUGE,
           resident_bytes());
    sample(samples, "process_open_fds", "Open file descriptors.", METRICS_GAUGE,
           open_descriptors());
    sample(samples, "process_start_time_seconds", "Start, in seconds since 1970.", METRICS_GAUGE,
           start_s);
    sample(samples, "process_cpu_seconds_total", "Processor time, whole seconds.", METRICS_COUNTER,
           usage.ru_utime.tv_sec + usage.ru_stime.tv_sec);
}

/* On the admin thread, before a page is shown. */
static void refresh(void *arg)
{
    struct process_status *status = arg;
    clear_samples(&status->samples);
    sample_process(&status->samples, status->start_s);
}

static atlas_status_t open_port(struct process_status *status, struct error *error)
{
    const struct config *config = runtime_config(status->runtime);
    const struct config_process *process = config_process(config, runtime_process(status->runtime));
    if (process->admin.text == NULL) {
        return ATLAS_OK;
    }
    struct admin_options options = {
        .host = process->admin.host,
        .port = process->admin.port,
        .backlog = (int)config->admin.backlog,
        .connections = (size_t)config->admin.connections,
        .header_limit = (size_t)config->admin.header_bytes,
        .request_ms = config->admin.request_ms,
        .idle_ms = config->admin.idle_ms,
        .refresh = refresh,
        .arg = status,
    };
    atlas_status_t result = admin_start(&options, &status->admin, NULL, error);
    if (result == ATLAS_OK) {
        log_info("listening", LOG_TEXT("listener", "admin"),
                 LOG_TEXT("address", process->admin.text));
    }
    return result;
}

atlas_status_t process_status_start(struct runtime *runtime, struct process_status **ret_status,
                                    struct error *error)
{
    struct process_status *status = calloc(1, sizeof *status);
    if (status == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "admin port: out of memory");
    }
    *ret_status = status;
    status->runtime = runtime;
    status->start_s = clock_wall_us() / 1000000;
    status->serving = readiness_add("process");
    return open_port(status, error);
}

static void forget_plugins(struct process_status *status)
{
    for (size_t i = 0; i < status->plugin_count; i++) {
        metrics_cell_release(status->plugins[i].info);
        readiness_remove(status->plugins[i].check);
    }
    status->plugin_count = 0;
}

static void show_plugin(struct process_status *status, const struct generation *generation)
{
    static const char *const labels[] = {"plugin", "version", "generation", NULL};
    struct plugin_status *plugin = &status->plugins[status->plugin_count++];
    char text[96];
    snprintf(text, sizeof text, "plugin %s", generation->id);
    plugin->check = readiness_add(text);
    readiness_set_ready(plugin->check);
    snprintf(text, sizeof text, "%u", generation->number);
    plugin->info =
        metrics_cell(metrics_family("atlas_plugin_info", "1 for each generation that is routed to.",
                                    METRICS_GAUGE, labels),
                     (const char *[]){generation->id, generation->version, text});
    metrics_set(plugin->info, 1);
}

void process_status_follow(struct process_status *status, const struct deployment *deployment)
{
    struct generation *const *generations;
    size_t count = deployment_active(deployment, &generations);
    forget_plugins(status);
    for (size_t i = 0; i < count && i < CONFIG_PLUGINS_MAX; i++) {
        show_plugin(status, generations[i]);
    }
    readiness_set_ready(status->serving);
}

void process_status_drain(struct process_status *status)
{
    if (status != NULL) {
        readiness_set_failed(status->serving, "draining");
    }
}

void process_status_stop(struct process_status *status)
{
    if (status == NULL) {
        return;
    }
    admin_stop(status->admin);
    forget_plugins(status);
    clear_samples(&status->samples);
    readiness_remove(status->serving);
    free(status);
}
