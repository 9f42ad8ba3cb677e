#include "inbound/rest/rest_metrics.h"

static struct metrics_cell *cell(const char *name, const char *help, enum metrics_kind kind,
                                 const char *listener)
{
    static const char *const labels[] = {"listener", NULL};
    return metrics_cell(metrics_family(name, help, kind, labels), (const char *[]){listener});
}

void rest_metrics_init(struct rest_metrics *metrics, const char *listener)
{
    metrics->connections =
        cell("atlas_rest_connections", "Connections to a REST listener that are open.",
             METRICS_GAUGE, listener);
    metrics->pauses = cell("atlas_rest_accept_pauses_total",
                           "Times that a REST listener accepted no more: rest.connections were "
                           "open, or descriptors were out.",
                           METRICS_COUNTER, listener);
    metrics->slow = cell("atlas_rest_slow_requests_total",
                         "Requests that were ended after rest.request_timeout, with 408.",
                         METRICS_COUNTER, listener);
}

void rest_metrics_finish(struct rest_metrics *metrics)
{
    metrics_cell_release(metrics->connections);
    metrics_cell_release(metrics->pauses);
    metrics_cell_release(metrics->slow);
}
