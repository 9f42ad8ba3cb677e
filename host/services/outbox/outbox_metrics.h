/* What /metrics says about one relay. Written on its loop. */
#ifndef SERVICES_OUTBOX_METRICS_H
#define SERVICES_OUTBOX_METRICS_H

#include "base/metrics.h"

struct outbox_metrics {
    struct metrics_cell *leads;     /* 1 while this process relays */
    struct metrics_cell *age;       /* seconds, of the oldest row that waits */
    struct metrics_cell *backlog;   /* rows that wait, as last counted */
    struct metrics_cell *published; /* rows */
    struct metrics_cell *refused;   /* rows set aside in outbox_dead */
    struct metrics_cell *failures;  /* pages that were not published completely */
};

/* A cell of each metric, of one plugin's relay; finish gives them back. Any thread. */
void outbox_metrics_init(struct outbox_metrics *metrics, const char *plugin);
void outbox_metrics_finish(struct outbox_metrics *metrics);

#endif
