/*
 * A partition that is assigned to this process: its queue of records, and the one batch of it that
 * is filled, runs, and comes again as long as it fails for now. All functions are for the poller's
 * loop.
 *
 *   IDLE --records--> RUNNING --done--> IDLE
 *    ^                   |
 *    +---- backoff <-----+ failed for now
 *
 * librdkafka keeps at most kafka.fetch_bytes in the queue of a partition, so a partition that is
 * not asked for records costs no more than that, and no other partition waits behind it.
 */
#ifndef INBOUND_KAFKA_PARTITION_H
#define INBOUND_KAFKA_PARTITION_H

#include "inbound/kafka/kafka_batch.h"

struct event_base;
struct kafka_partition;

enum kafka_partition_state {
    KAFKA_PARTITION_IDLE,
    KAFKA_PARTITION_RUNNING,
    KAFKA_PARTITION_BACKOFF,
};

/* What a partition needs from its consumer. */
struct kafka_partition_owner {
    rd_kafka_t *rk;
    const char *topic;
    struct loop *poller;
    int wake_fd; /* an eventfd that librdkafka writes to when records have come */
    size_t batch_limit;
    const struct config_kafka *settings;
    void *self;
    /* Where batches go; NULL: nowhere for now. */
    const struct kafka_batch_route *(*route)(void *self);
    struct worker *(*worker)(void *self, int32_t partition);
    /* A batch has ended: it counts done records, of them dead ones; others come again if retried.
     */
    void (*on_batch)(void *self, size_t done, size_t dead, size_t retried);
};

struct kafka_partition {
    struct kafka_partition *next; /* of the consumer */
    const struct kafka_partition_owner *owner;
    int32_t id;
    enum kafka_partition_state state;
    bool is_revoked; /* takes no more records; its batch may still run */
    rd_kafka_queue_t *queue;
    struct event *retry_timer;
    unsigned failures;   /* batches in a row that did not get on */
    int64_t next_offset; /* behind the last record that is done; -1: none yet */
    struct kafka_batch batch;
};

/* Makes the queue ready; before rd_kafka_assign. NULL when memory is used up. */
struct kafka_partition *kafka_partition_create(const struct kafka_partition_owner *owner,
                                               int32_t id);

/* Frees it; not while it is RUNNING. NULL is allowed. */
void kafka_partition_destroy(struct kafka_partition *partition);

/* Starts a batch if it is idle, routed, and has records. */
void kafka_partition_serve(struct kafka_partition *partition);

/* Ends a backoff early: new code may get on where the old did not. */
void kafka_partition_retry_now(struct kafka_partition *partition);

/* Records in the partition behind next_offset; 0 when not known yet. Does not ask the broker. */
int64_t kafka_partition_lag(const struct kafka_partition *partition);

#endif
