#include "inbound/kafka/kafka_consumer_metrics.h"

#include "inbound/kafka/kafka_identity.h"

static const char *const labels[] = {"plugin", "consumer", "topic", NULL};

static struct metrics_cell *cell(const struct kafka_identity *identity, const char *name,
                                 const char *help, enum metrics_kind kind)
{
    const char *const values[] = {identity->plugin, identity->name, identity->topic};
    return metrics_cell(metrics_family(name, help, kind, labels), values);
}

void kafka_consumer_metrics_init(struct kafka_consumer_metrics *metrics,
                                 const struct kafka_identity *identity)
{
    metrics->partitions = cell(identity, "atlas_kafka_consumer_partitions",
                               "Partitions assigned to this process.", METRICS_GAUGE);
    metrics->lag = cell(identity, "atlas_kafka_consumer_lag_records",
                        "Records of the assigned partitions that are not done.", METRICS_GAUGE);
    metrics->batches =
        cell(identity, "atlas_kafka_consumer_batches_total", "Batches handled.", METRICS_COUNTER);
    metrics->records =
        cell(identity, "atlas_kafka_consumer_records_total", "Records done.", METRICS_COUNTER);
    metrics->dead_letters = cell(identity, "atlas_kafka_consumer_dead_letters_total",
                                 "Records published to the dead-letter topic.", METRICS_COUNTER);
    metrics->retries =
        cell(identity, "atlas_kafka_consumer_retries_total",
             "Batches of which records come again after a failure that may pass.", METRICS_COUNTER);
}

void kafka_consumer_metrics_batch(struct kafka_consumer_metrics *metrics, size_t done, size_t dead,
                                  size_t retried)
{
    metrics_add(metrics->batches, 1);
    metrics_add(metrics->records, (int64_t)done);
    metrics_add(metrics->dead_letters, (int64_t)dead);
    metrics_add(metrics->retries, retried > 0 ? 1 : 0);
}

void kafka_consumer_metrics_finish(struct kafka_consumer_metrics *metrics)
{
    metrics_cell_release(metrics->partitions);
    metrics_cell_release(metrics->lag);
    metrics_cell_release(metrics->batches);
    metrics_cell_release(metrics->records);
    metrics_cell_release(metrics->dead_letters);
    metrics_cell_release(metrics->retries);
    *metrics = (struct kafka_consumer_metrics){.lag = NULL};
}
