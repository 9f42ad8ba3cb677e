/* Metrics of one REST listener on one loop. */
#ifndef INBOUND_REST_METRICS_H
#define INBOUND_REST_METRICS_H

#include "base/metrics.h"

struct rest_metrics {
    struct metrics_cell *connections; /* open, as last looked at */
    struct metrics_cell *pauses;      /* of accepting, since the bound or memory was reached */
    struct metrics_cell *slow;        /* requests that did not arrive in time */
};

/* listener is its address. */
void rest_metrics_init(struct rest_metrics *metrics, const char *listener);
void rest_metrics_finish(struct rest_metrics *metrics);

#endif
