/*
 * The consumers of this process. Generations share one that they declare alike, so that the group
 * sees nothing of a reload; the last one that lets go of it makes it leave its group.
 */
#ifndef INBOUND_KAFKA_CONSUMERS_H
#define INBOUND_KAFKA_CONSUMERS_H

#include "inbound/kafka/kafka_consumer.h"

struct kafka_consumers;
struct shared_consumer;

/* Makes none yet. What the options of kafka_consumer.h borrow, this borrows. NULL without memory.
 * Any thread. */
struct kafka_consumers *kafka_consumers_create(const struct config_kafka *settings,
                                               struct kafka_producer *producer,
                                               struct loop *poller);

/* Where the consumers live. */
struct loop *kafka_consumers_poller(const struct kafka_consumers *consumers);

/* Finds or makes the consumer that a plugin declares, and holds it until release. Any thread. */
atlas_status_t kafka_consumers_acquire(struct kafka_consumers *consumers, struct runtime *runtime,
                                       const struct kafka_identity *identity, size_t batch_limit,
                                       struct shared_consumer **ret_shared, struct error *error);

/* Lets go of it; nobody's batch may run. Any thread. */
void kafka_consumers_release(struct kafka_consumers *consumers, struct shared_consumer *shared);

/* To be used on the poller's loop. */
struct kafka_consumer *kafka_consumers_get(const struct shared_consumer *shared);

/* Waits some seconds for those that leave their groups, and frees everything. All were released and
 * the poller has stopped. NULL is allowed. */
void kafka_consumers_destroy(struct kafka_consumers *consumers);

#endif
