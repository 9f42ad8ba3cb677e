/* What /metrics says about one consumer. Written on the poller's loop only. */
#ifndef INBOUND_KAFKA_CONSUMER_METRICS_H
#define INBOUND_KAFKA_CONSUMER_METRICS_H

#include "base/metrics.h"

struct kafka_identity;

struct kafka_consumer_metrics {
    struct metrics_cell *partitions; /* assigned to this process */
    struct metrics_cell *lag;        /* records not done, over these partitions */
    struct metrics_cell *batches;
    struct metrics_cell *records; /* done */
    struct metrics_cell *dead_letters;
    struct metrics_cell *retries; /* batches of which records come again */
};

/* Finds the cells; without memory some stay NULL and do not count. Any thread. */
void kafka_consumer_metrics_init(struct kafka_consumer_metrics *metrics,
                                 const struct kafka_identity *identity);

/* A batch has ended: of its records done, among them dead ones, and those that come again. */
void kafka_consumer_metrics_batch(struct kafka_consumer_metrics *metrics, size_t done, size_t dead,
                                  size_t retried);

/* Gives them back. A zeroed struct is allowed. */
void kafka_consumer_metrics_finish(struct kafka_consumer_metrics *metrics);

#endif
