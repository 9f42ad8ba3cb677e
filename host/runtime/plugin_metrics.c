#include "runtime/plugin_metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "atlas/metrics.h"
#include "base/log.h"
#include "base/metrics.h"
#include "runtime/call.h"
#include "runtime/generation.h"

/* The cells of one generation on one loop, in the order of the plugin's declaration. */
struct plugin_metrics {
    bool has_warned;
    size_t count;
    struct metrics_cell *cells[];
};

static bool is_declared_well(const struct generation *generation, const struct atlas_metric *metric)
{
    size_t len = strlen(generation->id);
    return metric->name != NULL && metric->help != NULL &&
           strncmp(metric->name, generation->id, len) == 0 && metric->name[len] == '_' &&
           strspn(metric->name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(metric->name);
}

static struct metrics_cell *make_cell(const struct generation *generation,
                                      const struct atlas_metric *metric)
{
    static const char *const labels[] = {"generation", NULL};
    char number[16];
    snprintf(number, sizeof number, "%u", generation->number);
    struct metrics_family *family = metrics_family(
        metric->name, metric->help,
        metric->kind == ATLAS_METRIC_GAUGE ? METRICS_GAUGE : METRICS_COUNTER, labels);
    return metrics_cell(family, (const char *[]){number});
}

static atlas_status_t attach_loop(void *self, struct call *call, struct generation *generation,
                                  struct error *error)
{
    (void)self;
    size_t count = generation->plugin.metric_count;
    struct plugin_metrics *metrics = calloc(1, sizeof *metrics + count * sizeof metrics->cells[0]);
    if (metrics == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "metrics: out of memory");
    }
    GENERATION_LOOP_ATTACHED(generation, call->worker, MODULE_METRICS) = metrics;
    for (; metrics->count < count; metrics->count++) {
        const struct atlas_metric *metric = &generation->plugin.metrics[metrics->count];
        if (!is_declared_well(generation, metric)) {
            return error_set(
                error, ATLAS_INVALID_ARGUMENT,
                "metric %s: names are [a-z0-9_] and begin with \"%s_\", and each has a "
                "help sentence",
                metric->name != NULL ? metric->name : "(no name)", generation->id);
        }
        metrics->cells[metrics->count] = make_cell(generation, metric);
    }
    return ATLAS_OK;
}

static void detach_loop(void *self, struct call *call, struct generation *generation)
{
    (void)self;
    struct plugin_metrics *metrics =
        GENERATION_LOOP_ATTACHED(generation, call->worker, MODULE_METRICS);
    for (size_t i = 0; metrics != NULL && i < metrics->count; i++) {
        metrics_cell_release(metrics->cells[i]);
    }
    free(metrics);
    GENERATION_LOOP_ATTACHED(generation, call->worker, MODULE_METRICS) = NULL;
}

static void add(struct atlas_call *public, uint32_t metric, int64_t value)
{
    struct call *call = call_of(public);
    struct plugin_metrics *metrics =
        GENERATION_LOOP_ATTACHED(call->generation, call->worker, MODULE_METRICS);
    if (metrics == NULL) {
        return;
    }
    if (metric < metrics->count) {
        metrics_add(metrics->cells[metric], value);
    } else if (!metrics->has_warned) {
        metrics->has_warned = true;
        log_warn("a plugin adds to a metric that it has not declared, ignoring it",
                 LOG_TEXT("plugin", call->generation->id), LOG_INT("metric", metric));
    }
}

static const struct atlas_metrics_interface interface = {
    .size = sizeof(struct atlas_metrics_interface),
    .add = add,
};

const struct module plugin_metrics_module = {
    .slot = MODULE_METRICS,
    .interface_id = "atlas.metrics/1",
    .table = &interface,
    .attach_loop = attach_loop,
    .detach_loop = detach_loop,
};
