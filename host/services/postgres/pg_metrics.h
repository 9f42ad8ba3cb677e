/* What the module tells about pools and statements. */
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

/* A cell of each metric, of one plugin's pool on one loop; finish gives them back. Any thread. */
void pg_pool_metrics_init(struct pg_pool_metrics *metrics, const char *plugin);
void pg_pool_metrics_finish(struct pg_pool_metrics *metrics);

/* How long a statement took, from sending to the answer, on one loop. NULL without memory. */
struct metrics_cell *pg_metrics_statement(const char *plugin, const char *statement);

#endif
