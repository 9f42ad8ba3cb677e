/* What the module tells about pools, statements and outboxes. */
#ifndef SERVICES_POSTGRES_PG_METRICS_H
#define SERVICES_POSTGRES_PG_METRICS_H

#include "base/metrics.h"

/* Of one pool; written on its loop. */
struct pg_pool_metrics {
    struct metrics_cell *ready;     /* connections */
    struct metrics_cell *leased;    /* connections in a transaction */
    struct metrics_cell *in_flight; /* requests */
    struct metrics_cell *waiting;   /* fibers that wait for a connection */
};

void pg_pool_metrics_init(struct pg_pool_metrics *metrics, const char *plugin);
void pg_pool_metrics_finish(struct pg_pool_metrics *metrics);

/* How long a statement took, from sending to the answer, on one loop. NULL without memory. */
struct metrics_cell *pg_metrics_statement(const char *plugin, const char *statement);

/* Of one relay; written on its loop. */
struct outbox_metrics {
    struct metrics_cell *leads;     /* 1 while this process relays */
    struct metrics_cell *age;       /* seconds, of the oldest row that waits */
    struct metrics_cell *backlog;   /* rows that wait, as last counted */
    struct metrics_cell *published; /* rows */
    struct metrics_cell *refused;   /* rows set aside in outbox_dead */
    struct metrics_cell *failures;  /* pages that were not published completely */
};

void outbox_metrics_init(struct outbox_metrics *metrics, const char *plugin);
void outbox_metrics_finish(struct outbox_metrics *metrics);

#endif
