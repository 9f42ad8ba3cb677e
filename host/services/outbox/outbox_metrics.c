#include "services/outbox/outbox_metrics.h"

static struct metrics_cell *cell(const char *name, const char *help, enum metrics_kind kind,
                                 const char *plugin)
{
    static const char *const labels[] = {"plugin", NULL};
    return metrics_cell(metrics_family(name, help, kind, labels), (const char *[]){plugin});
}

void outbox_metrics_init(struct outbox_metrics *metrics, const char *plugin)
{
    metrics->leads = cell("atlas_outbox_leader", "1 while this process relays the outbox.",
                          METRICS_GAUGE, plugin);
    metrics->age = cell("atlas_outbox_age_seconds",
                        "Age of the oldest event that waits in the outbox.", METRICS_GAUGE, plugin);
    metrics->backlog =
        cell("atlas_outbox_backlog", "Events that wait in the outbox, as last counted.",
             METRICS_GAUGE, plugin);
    metrics->published =
        cell("atlas_outbox_published_total", "Events of the outbox that the broker has confirmed.",
             METRICS_COUNTER, plugin);
    metrics->refused = cell("atlas_outbox_refused_total",
                            "Events that can never be published, set aside in outbox_dead.",
                            METRICS_COUNTER, plugin);
    metrics->failures = cell("atlas_outbox_failures_total", "Attempts of the relay that failed.",
                             METRICS_COUNTER, plugin);
}

void outbox_metrics_finish(struct outbox_metrics *metrics)
{
    metrics_cell_release(metrics->leads);
    metrics_cell_release(metrics->age);
    metrics_cell_release(metrics->backlog);
    metrics_cell_release(metrics->published);
    metrics_cell_release(metrics->refused);
    metrics_cell_release(metrics->failures);
}
