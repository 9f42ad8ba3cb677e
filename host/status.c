#include "status.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/readiness.h"
#include "inbound/admin.h"
#include "modules.h"
#include "runtime/deployment.h"
#include "runtime/generation.h"
#include "runtime/runtime.h"
#include "services/postgres/postgres.h"

#define PLUGINS_MAX 64
#define SAMPLES_MAX 1024

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

struct status {
    struct runtime *runtime;
    struct postgres *postgres;
    struct admin *admin;
    struct readiness_check *serving;
    struct readiness_check *database;
    struct plugin_status plugins[PLUGINS_MAX];
    size_t plugin_count;
    struct samples samples; /* the admin thread's */
    int64_t start_s;
};

static const char *const plugin_labels[] = {"plugin", "generation", NULL};

/* The sample belongs to the next scrape's clearing. */
static void sample(struct samples *samples, const char *name, const char *help,
                   enum metrics_kind kind, const char *const *labels, const char *const *values,
                   int64_t value)
{
    if (samples->count == SAMPLES_MAX) {
        return;
    }
    struct metrics_cell *cell = metrics_cell(metrics_family(name, help, kind, labels), values);
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

static void sample_pool(struct samples *samples, const struct postgres_view *view,
                        const char *const *values)
{
    static const char name[] = "atlas_postgres_pool_connections";
    sample(samples, name, "Connections of the pool that are ready.", METRICS_GAUGE, plugin_labels,
           values, view->pool.ready);
    sample(samples, "atlas_postgres_pool_in_flight", "Requests that were sent and not answered.",
           METRICS_GAUGE, plugin_labels, values, view->pool.in_flight);
    sample(samples, "atlas_postgres_pool_waiting", "Fibers that wait for a connection.",
           METRICS_GAUGE, plugin_labels, values, view->pool.waiting);
    sample(samples, "atlas_postgres_pool_leased", "Connections in a transaction.", METRICS_GAUGE,
           plugin_labels, values, view->pool.leased);
    sample(samples, "atlas_postgres_open", "1 if the schema is migrated and checked.",
           METRICS_GAUGE, plugin_labels, values, view->is_open);
}

static void sample_outbox(struct samples *samples, const struct outbox_state *outbox,
                          const char *const *values)
{
    sample(samples, "atlas_outbox_age_milliseconds", "Age of the oldest row that waits.",
           METRICS_GAUGE, plugin_labels, values, outbox->age_us / 1000);
    sample(samples, "atlas_outbox_backlog", "Rows that wait, as last counted.", METRICS_GAUGE,
           plugin_labels, values, outbox->backlog);
    sample(samples, "atlas_outbox_leader", "1 if this process relays.", METRICS_GAUGE,
           plugin_labels, values, outbox->is_leader);
    sample(samples, "atlas_outbox_relayed_total", "Rows published.", METRICS_COUNTER, plugin_labels,
           values, outbox->relayed);
    sample(samples, "atlas_outbox_failures_total", "Pages that were not published completely.",
           METRICS_COUNTER, plugin_labels, values, outbox->failures);
}

static void sample_postgres(const struct postgres_view *view, void *arg)
{
    struct samples *samples = arg;
    char generation[16];
    snprintf(generation, sizeof generation, "%u", view->generation);
    const char *const values[] = {view->plugin, generation};
    sample_pool(samples, view, values);
    if (view->has_outbox) {
        sample_outbox(samples, &view->outbox, values);
    }
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
    sample(samples, "process_resident_memory_bytes", "Resident memory.", METRICS_GAUGE, NULL, NULL,
           resident_bytes());
    sample(samples, "process_open_fds", "Open file descriptors.", METRICS_GAUGE, NULL, NULL,
           open_descriptors());
    sample(samples, "process_start_time_seconds", "Start, in seconds since 1970.", METRICS_GAUGE,
           NULL, NULL, start_s);
    sample(samples, "process_cpu_seconds_total", "Processor time, whole seconds.", METRICS_COUNTER,
           NULL, NULL, usage.ru_utime.tv_sec + usage.ru_stime.tv_sec);
}

static void check_database(const struct status *status)
{
    char text[READINESS_TEXT_SIZE] = "";
    if (postgres_is_ready(status->postgres, text, sizeof text)) {
        readiness_set_ready(status->database);
    } else {
        readiness_set_failed(status->database, "%s", text);
    }
}

/* On the admin thread, before a page is shown. */
static void refresh(void *arg)
{
    struct status *status = arg;
    clear_samples(&status->samples);
    sample_process(&status->samples, status->start_s);
    postgres_visit(status->postgres, sample_postgres, &status->samples);
    check_database(status);
}

static atlas_status_t open_port(struct status *status, struct error *error)
{
    const struct config *config = runtime_config(status->runtime);
    const struct config_process *process = config_process(config, runtime_process(status->runtime));
    if (process->admin.text == NULL) {
        return ATLAS_OK;
    }
    struct admin_options options = {
        .host = process->admin.host,
        .port = process->admin.port,
        .connections = (size_t)config->admin.connections,
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

atlas_status_t status_start(struct runtime *runtime, struct modules *modules,
                            struct status **ret_status, struct error *error)
{
    const struct config_postgres *postgres = &runtime_config(runtime)->postgres;
    struct status *status = calloc(1, sizeof *status);
    char name[96];
    if (status == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "admin port: out of memory");
    }
    *ret_status = status;
    status->runtime = runtime;
    status->postgres = modules_postgres(modules);
    status->start_s = clock_wall_us() / 1000000;
    snprintf(name, sizeof name, "postgres %.60s:%d", postgres->host, (int)postgres->port);
    status->database = readiness_add(name);
    status->serving = readiness_add("process");
    return open_port(status, error);
}

static void forget_plugins(struct status *status)
{
    for (size_t i = 0; i < status->plugin_count; i++) {
        metrics_cell_release(status->plugins[i].info);
        readiness_remove(status->plugins[i].check);
    }
    status->plugin_count = 0;
}

static void show_plugin(struct status *status, const struct generation *generation)
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

void status_follow(struct status *status)
{
    struct generation *const *generations;
    size_t count = deployment_active(runtime_deployment(status->runtime), &generations);
    forget_plugins(status);
    for (size_t i = 0; i < count && i < PLUGINS_MAX; i++) {
        show_plugin(status, generations[i]);
    }
    readiness_set_ready(status->serving);
}

void status_drain(struct status *status)
{
    if (status != NULL) {
        readiness_set_failed(status->serving, "draining");
    }
}

void status_stop(struct status *status)
{
    if (status == NULL) {
        return;
    }
    admin_stop(status->admin);
    forget_plugins(status);
    clear_samples(&status->samples);
    readiness_remove(status->serving);
    readiness_remove(status->database);
    free(status);
}
