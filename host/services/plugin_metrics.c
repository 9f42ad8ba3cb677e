/* Series have no labels, so that a counter goes on over generations of its plugin. */
#include "services/plugin_metrics.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "runtime/call.h"
#include "runtime/generation.h"

/* Attached to every loop of a generation. */
struct plugin_metrics {
    size_t count;
    bool is_misuse_logged;
    struct metrics_cell *cells[];
};

static bool has_own_name(const struct generation *generation, const struct atlas_metric *metric)
{
    size_t len = strlen(generation->id);
    return metric->name != NULL && metric->help != NULL &&
           strncmp(metric->name, generation->id, len) == 0 && metric->name[len] == '_';
}

static atlas_status_t make_cell(const struct generation *generation,
                                const struct atlas_metric *metric, struct metrics_cell **ret_cell,
                                struct error *error)
{
    struct metrics_family *family = NULL;
    if (has_own_name(generation, metric)) {
        family = metrics_family(
            metric->name, metric->help,
            metric->kind == ATLAS_METRIC_COUNTER ? METRICS_COUNTER : METRICS_GAUGE, NULL);
    }
    if (family == NULL) {
        return error_set(error, ATLAS_FAILED_PRECONDITION,
                         "the metric \"%s\" cannot be declared; name it %s_<what>_<unit> with "
                         "[a-z0-9_], and keep its kind",
                         metric->name != NULL ? metric->name : "", generation->id);
    }
    *ret_cell = metrics_cell(family, NULL);
    return *ret_cell != NULL ? ATLAS_OK
                             : error_set(error, ATLAS_RESOURCE_EXHAUSTED, "metrics: out of memory");
}

static void release(struct plugin_metrics *metrics)
{
    for (size_t i = 0; metrics != NULL && i < metrics->count; i++) {
        metrics_cell_release(metrics->cells[i]);
    }
    free(metrics);
}

static atlas_status_t attach_loop(void *self, struct call *call, struct generation *generation,
                                  struct error *error)
{
    (void)self;
    size_t count = generation->plugin.metric_count;
    struct plugin_metrics *metrics =
        calloc(1, sizeof *metrics + count * sizeof(struct metrics_cell *));
    if (metrics == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "metrics: out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        atlas_status_t status = make_cell(generation, &generation->plugin.metrics[i],
                                          &metrics->cells[metrics->count], error);
        if (status != ATLAS_OK) {
            release(metrics);
            return status;
        }
        metrics->count++;
    }
    generation->loops[call->worker->index].attached[MODULE_METRICS] = metrics;
    return ATLAS_OK;
}

static void detach_loop(void *self, struct call *call, struct generation *generation)
{
    (void)self;
    release(generation->loops[call->worker->index].attached[MODULE_METRICS]);
    generation->loops[call->worker->index].attached[MODULE_METRICS] = NULL;
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
    } else if (!metrics->is_misuse_logged) {
        metrics->is_misuse_logged = true;
        log_warn("a metric that was not declared is ignored, continuing",
                 LOG_TEXT("plugin", call->generation->id), LOG_INT("metric", metric));
    }
}

static const struct atlas_metrics_interface metrics_interface = {
    .size = sizeof metrics_interface,
    .add = add,
};

const struct module plugin_metrics_module = {
    .slot = MODULE_METRICS,
    .interface_id = "atlas.metrics/1",
    .table = &metrics_interface,
    .attach_loop = attach_loop,
    .detach_loop = detach_loop,
};
