#include "runtime/call_metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "runtime/call.h"
#include "runtime/router.h"

/* The cells of one route on one loop, found when they are needed first. */
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

static struct call_metrics *create(const struct route *route)
{
    struct call_metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics == NULL) {
        return NULL;
    }
    snprintf(metrics->generation, sizeof metrics->generation, "%u", route->generation->number);
    metrics->duration =
        metrics_cell(duration_family(), (const char *[]){route->generation->id, metrics->generation,
                                                         method_of(route)});
    return metrics;
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

void call_metrics_record(const struct call *call)
{
    /* A route belongs to one loop's table, so this loop is its only writer. */
    struct route *route = (struct route *)(uintptr_t)call->route;
    if (route->metrics == NULL && (route->metrics = create(route)) == NULL) {
        return;
    }
    metrics_observe_ns(route->metrics->duration, clock_monotonic_ns() - call->start_ns);
    metrics_add(ended_cell(route->metrics, route, call->status), 1);
}

void call_metrics_free(struct call_metrics *metrics)
{
    if (metrics == NULL) {
        return;
    }
    metrics_cell_release(metrics->duration);
    for (int status = 0; status <= ATLAS_STATUS_LAST; status++) {
        metrics_cell_release(metrics->ended[status]);
    }
    free(metrics);
}
