#include "inbound/grpc/grpc_metrics.h"

static struct metrics_cell *resets(const char *by)
{
    static const char *const labels[] = {"by", NULL};
    return metrics_cell(metrics_family("atlas_grpc_resets_total",
                                       "Streams of the gRPC server that were reset with an error.",
                                       METRICS_COUNTER, labels),
                        (const char *[]){by});
}

void grpc_metrics_init(struct grpc_metrics *metrics)
{
    metrics->connections = metrics_cell(
        metrics_family("atlas_grpc_connections", "Connections to the gRPC server that are open.",
                       METRICS_GAUGE, NULL),
        NULL);
    metrics->refused =
        metrics_cell(metrics_family("atlas_grpc_refused_connections_total",
                                    "Connections closed at once: grpc.connections were open.",
                                    METRICS_COUNTER, NULL),
                     NULL);
    metrics->peer_resets = resets("client");
    metrics->own_resets = resets("host");
}

void grpc_metrics_finish(struct grpc_metrics *metrics)
{
    metrics_cell_release(metrics->connections);
    metrics_cell_release(metrics->refused);
    metrics_cell_release(metrics->peer_resets);
    metrics_cell_release(metrics->own_resets);
}
