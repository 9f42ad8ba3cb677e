/*
 * A batch of records of one partition, and the rule by which it is settled: the records before the
 * first transient failure are done; among them those that failed for good were published to the
 * dead-letter topic before. That record and all behind it come again.
 */
#ifndef INBOUND_KAFKA_BATCH_H
#define INBOUND_KAFKA_BATCH_H

#include <librdkafka/rdkafka.h>

#include "atlas/kafka.h"
#include "base/loop.h"

struct call;
struct config_kafka;
struct generation;
struct kafka_producer;
struct worker;

/* As handle in struct atlas_consumer. */
typedef atlas_status_t kafka_batch_handler(struct atlas_call *call,
                                           const struct atlas_kafka_record *const *records,
                                           size_t count, atlas_status_t *statuses);

/* What all batches of a consumer have in common; borrowed by the batch while it runs. */
struct kafka_batch_route {
    const struct config_kafka *settings;
    struct kafka_producer *producer;
    const char *dead_topic;
    const char *operation; /* "tracker consumer gps" */
    kafka_batch_handler *handle;
    struct generation *generation;
};

struct kafka_batch {
    struct loop_task task;        /* on its way to the worker or back */
    struct loop_task cancel_task; /* behind it, the same way */
    bool is_over;                 /* task is back; on the poller's loop */
    bool is_cancelling;           /* cancel_task is on its way; on the poller's loop */
    struct loop *poller;
    struct worker *worker;
    struct call *call; /* while it runs; on the worker's loop */
    const struct kafka_batch_route *route;
    void (*on_done)(struct kafka_batch *batch); /* on the poller's loop */
    size_t limit;
    size_t count;
    bool is_alone; /* the next run takes one record: in company they used up the call's memory */
    rd_kafka_message_t **messages; /* owned, in the order of their offsets */
    struct atlas_kafka_record *records;
    const struct atlas_kafka_record **record_pointers; /* what the handler gets */
    atlas_status_t *statuses;
    const char **reasons; /* of reject; in the arena of the call, while it lasts */

    /* Set when on_done is called. */
    size_t done_count;      /* from the first: nothing more to do for these */
    size_t dead_count;      /* among them, published to the dead-letter topic */
    atlas_status_t failure; /* why the others come again */
    char failure_text[256];
};

/* Makes an empty batch with room for limit records. poller and on_done as above. */
atlas_status_t kafka_batch_init(struct kafka_batch *batch, size_t limit, struct loop *poller,
                                void (*on_done)(struct kafka_batch *batch));

/* Frees the records that are left and the arrays. Not while it runs. */
void kafka_batch_finish(struct kafka_batch *batch);

/* Frees the first count records and moves the others to the front. On the poller's loop. */
void kafka_batch_drop(struct kafka_batch *batch, size_t count);

/*
 * The rule of statuses. Those that the handler did not set (KAFKA_STATUS_UNSET) take
 * handler_status. Returns how many records from the first on are done or failed for good; the next
 * one, if there is one, failed for now. Pure.
 */
size_t kafka_batch_settle(atlas_status_t *statuses, size_t count, atlas_status_t handler_status);

#define KAFKA_STATUS_UNSET INT32_MIN

/* atlas.kafka/1 reject. [call] */
void kafka_batch_reject(struct atlas_call *call, size_t index, struct atlas_bytes reason);

#endif
