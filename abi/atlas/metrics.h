/*
 * "atlas.metrics/1": a plugin's own metrics. Calls, latencies, pools, consumers and outboxes are
 * measured by the host already.
 */
#ifndef ATLAS_METRICS_H
#define ATLAS_METRICS_H

#include "atlas/call.h"

enum atlas_metric_kind {
    ATLAS_METRIC_COUNTER = 0, /* only grows; the name ends in "_total" */
    ATLAS_METRIC_GAUGE = 1,
};

/* Declared in struct atlas_plugin; the index in that array names the metric in add(). Grows. */
struct atlas_metric {
    uint32_t size;
    uint32_t kind;    /* enum atlas_metric_kind */
    const char *name; /* "<plugin id>_<what>_<unit>", [a-z0-9_] */
    const char *help; /* one sentence */
};

struct atlas_metrics_interface {
    uint32_t size;

    /* Adds to the metric, on this loop's own copy; readers sum the loops. A gauge may be added to
     * from below 0, a counter not. An index that was not declared is ignored and logged once.
     * [call] */
    void (*add)(struct atlas_call *call, uint32_t metric, int64_t value);
};

#endif
