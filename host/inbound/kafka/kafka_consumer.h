/*
 * One declared consumer of one plugin: a member of its consumer group, and its partitions. It
 * belongs to the process and outlives generations: at a reload the old generation's batches end and
 * their offsets are committed, then the new generation's handler goes on, and the group sees
 * nothing of it.
 *
 * It lives on the poller's loop; librdkafka wakes it through an eventfd.
 */
#ifndef INBOUND_KAFKA_CONSUMER_H
#define INBOUND_KAFKA_CONSUMER_H

#include <pthread.h>

#include "inbound/kafka/kafka_identity.h"
#include "inbound/kafka/kafka_pause.h"

struct config_kafka;
struct generation;
struct kafka_consumer;
struct kafka_producer;
struct runtime;

struct kafka_consumer_options {
    struct kafka_identity identity;
    size_t batch_limit;
    const struct config_kafka *settings; /* borrowed, as all below */
    struct kafka_producer *producer;     /* for dead letters */
    struct runtime *runtime;
    struct loop *poller;
};

/* Makes a consumer that is not in its group yet. Any thread. */
atlas_status_t kafka_consumer_create(const struct kafka_consumer_options *options,
                                     struct kafka_consumer **ret_consumer, struct error *error);

/* Borrowed until the consumer is closed. Any thread. */
const struct kafka_identity *kafka_consumer_identity(const struct kafka_consumer *consumer);

/* Gives the records to this handler from now on; joins the group at the first time. generation is
 * borrowed until paused. On the poller's loop. */
void kafka_consumer_resume(struct kafka_consumer *consumer, struct generation *generation,
                           kafka_batch_handler *handle);

/* Starts no more batches; on_paused(arg, has_ended) comes once: true when none runs any more and
 * the offsets are committed, or could not be within some seconds; false when one goes on although
 * its time has passed and it was cancelled. On the poller's loop, as on_paused. */
void kafka_consumer_pause(struct kafka_consumer *consumer, const struct kafka_pause_limits *limits,
                          void (*on_paused)(void *arg, bool has_ended), void *arg);

/* Cancels what a pause still waits for. On the poller's loop. */
void kafka_consumer_hurry(struct kafka_consumer *consumer);

/* Leaves the group and frees the consumer, on a thread of its own that is returned for joining;
 * false if there is none to join. Paused consumers only. On the poller's loop. */
bool kafka_consumer_close(struct kafka_consumer *consumer, pthread_t *ret_thread);

#endif
