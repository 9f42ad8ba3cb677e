/* Metrics of the gRPC server, one set of cells per loop. */
#ifndef INBOUND_GRPC_METRICS_H
#define INBOUND_GRPC_METRICS_H

#include "base/metrics.h"

struct grpc_metrics {
    struct metrics_cell *connections; /* open */
    struct metrics_cell *refused;     /* connections, by the loop that accepts */
    struct metrics_cell *peer_resets; /* streams that clients reset */
    struct metrics_cell *own_resets;  /* streams that the host reset with an error */
};

/* A cell of each metric, for one loop; finish gives them back. Any thread. */
void grpc_metrics_init(struct grpc_metrics *metrics);
void grpc_metrics_finish(struct grpc_metrics *metrics);

#endif
