#include "runtime/call_metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "runtime/call.h"
#include "runtime/generation.h"
#include "runtime/router.h"

/* The cells of one method on one loop, found when they are needed first. */
struct call_metrics {
    struct metrics_cell *duration;
    struct metrics_cell *ended[ATLAS_STATUS_LAST + 1]; /* by status */
    char generation[16];
};

static struct metrics_family *duration_family(void)
{
    static const char *const labels[] = {"plugin", "generation", "method", NULL};
    return metrics_family("atlas_call_duration_seconds",
                          "Time from the first byte of a call to its "
                          "status.",
                          METRICS_HISTOGRAM, labels);
}

static struct metrics_family *ended_family(void)
{
    static const char *const labels[] = {"plugin", "generation", "method", "status", NULL};
    return metrics_family("atlas_calls_total", "Calls that have ended.", METRICS_COUNTER, labels);
}

/* The path without its leading slash: "atlas.order.v1.Order/GetOrder". */
static const char *method_of(const struct route *route)
{
    return route->path + 1;
}

static void find_duration(struct call_metrics *metrics, const struct route *route)
{
    snprintf(metrics->generation, sizeof metrics->generation, "%u", route->generation->number);
    metrics->duration =
        metrics_cell(duration_family(), (const char *[]){route->generation->id, metrics->generation,
                                                         method_of(route)});
}

static struct metrics_cell *ended_cell(struct call_metrics *metrics, const struct route *route,
                                       atlas_status_t status)
{
    struct metrics_cell **cell = &metrics->ended[status];
    if (*cell == NULL) {
        *cell = metrics_cell(ended_family(),
                             (const char *[]){route->generation->id, metrics->generation,
                                              method_of(route), atlas_status_name(status)});
    }
    return *cell;
}

/* This loop's cells for the method of a route; NULL without memory. */
static struct call_metrics *find_metrics(const struct call *call)
{
    const struct route *route = call->route;
    struct generation_loop *loop = &route->generation->loops[call->worker->index];
    if (loop->metrics == NULL) {
        loop->metrics = calloc(generation_method_count(route->generation), sizeof *loop->metrics);
    }
    if (loop->metrics == NULL) {
        return NULL;
    }
    struct call_metrics *metrics = &loop->metrics[route->method_index];
    if (metrics->duration == NULL) {
        find_duration(metrics, route);
    }
    return metrics;
}

void call_metrics_record(const struct call *call)
{
    struct call_metrics *metrics = find_metrics(call);
    if (metrics != NULL) {
        metrics_observe_ns(metrics->duration, clock_monotonic_ns() - call->start_ns);
        metrics_add(ended_cell(metrics, call->route, call->status), 1);
    }
}

void call_metrics_free(struct call_metrics *metrics, unsigned method_count)
{
    for (unsigned i = 0; metrics != NULL && i < method_count; i++) {
        metrics_cell_release(metrics[i].duration);
        for (int status = 0; status <= ATLAS_STATUS_LAST; status++) {
            metrics_cell_release(metrics[i].ended[status]);
        }
    }
    free(metrics);
}
