#include "services/postgres/pg_metrics.h"

static struct metrics_cell *plugin_cell(const char *name, const char *help, enum metrics_kind kind,
                                        const char *plugin)
{
    static const char *const labels[] = {"plugin", NULL};
    return metrics_cell(metrics_family(name, help, kind, labels), (const char *[]){plugin});
}

void pg_pool_metrics_init(struct pg_pool_metrics *metrics, const char *plugin)
{
    metrics->ready =
        plugin_cell("atlas_postgres_pool_connections", "Connections to PostgreSQL that are ready.",
                    METRICS_GAUGE, plugin);
    metrics->leased = plugin_cell("atlas_postgres_pool_leases",
                                  "Connections that a transaction holds, or that are rolling back.",
                                  METRICS_GAUGE, plugin);
    metrics->in_flight =
        plugin_cell("atlas_postgres_pool_requests",
                    "Requests to PostgreSQL that wait for their answer.", METRICS_GAUGE, plugin);
    metrics->waiting =
        plugin_cell("atlas_postgres_pool_waiting",
                    "Calls that wait for a connection to PostgreSQL.", METRICS_GAUGE, plugin);
}

void pg_pool_metrics_finish(struct pg_pool_metrics *metrics)
{
    metrics_cell_release(metrics->ready);
    metrics_cell_release(metrics->leased);
    metrics_cell_release(metrics->in_flight);
    metrics_cell_release(metrics->waiting);
}

struct metrics_cell *pg_metrics_statement(const char *plugin, const char *statement)
{
    static const char *const labels[] = {"plugin", "statement", NULL};
    struct metrics_family *family =
        metrics_family("atlas_postgres_statement_duration_seconds",
                       "Time from sending a statement to its answer.", METRICS_HISTOGRAM, labels);
    return metrics_cell(family, (const char *[]){plugin, statement});
}
