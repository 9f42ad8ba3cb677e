/*
 * The partitions that the group has assigned to this process, and giving them back: a partition is
 * let go once its batch has ended. All functions are for the poller's loop.
 */
#ifndef INBOUND_KAFKA_ASSIGNMENT_H
#define INBOUND_KAFKA_ASSIGNMENT_H

#include "inbound/kafka/kafka_partition.h"

/* Owned by the consumer. */
struct kafka_assignment {
    struct kafka_partition_owner owner; /* of the partitions; owner.rk is NULL outside the group */
    struct kafka_partition *partitions;
    const char *operation; /* for logs */
    bool is_revoking;      /* given back once no revoked partition runs */
};

/* Takes the partitions of a rebalance. */
void kafka_assignment_take(struct kafka_assignment *assignment,
                           const rd_kafka_topic_partition_list_t *list);

/* Takes no more records of any partition, to give them back; then, and whenever a batch has ended,
 * advance does so if none runs any more, and returns true. librdkafka commits the stored offsets
 * before it lets go. */
void kafka_assignment_revoke(struct kafka_assignment *assignment);
bool kafka_assignment_advance(struct kafka_assignment *assignment);

/* Batches that run. */
unsigned kafka_assignment_running(const struct kafka_assignment *assignment);

/* Starts batches where there are records and none runs; ends backoffs early before that. */
void kafka_assignment_serve(struct kafka_assignment *assignment);
void kafka_assignment_retry_now(struct kafka_assignment *assignment);

/* Cancels the batches that run: they end soon, and their records come again. */
void kafka_assignment_cancel(struct kafka_assignment *assignment);

/* Partitions, and records in them that are not done. */
unsigned kafka_assignment_count(const struct kafka_assignment *assignment);
int64_t kafka_assignment_lag(const struct kafka_assignment *assignment);

/* Frees the partitions; not while a batch runs. */
void kafka_assignment_finish(struct kafka_assignment *assignment);

#endif
