/*
 * Publishing to Kafka: one idempotent producer per process (acks=all). A fiber waits until the
 * broker has acknowledged its records. A thread of the producer takes the delivery reports and
 * posts them to the loops that wait.
 */
#ifndef SERVICES_KAFKA_PRODUCER_H
#define SERVICES_KAFKA_PRODUCER_H

#include "base/error.h"
#include "services/kafka/kafka_publication.h"

struct call;
struct config_kafka;
struct kafka_producer;

/* INVALID_ARGUMENT for a setting that librdkafka refuses. Starts nothing. [any thread] */
atlas_status_t kafka_producer_check(const struct config_kafka *settings, struct error *error);

/* Starts a producer and its thread; brokers need not be reachable. settings are borrowed until
 * kafka_producer_destroy. INVALID_ARGUMENT for a setting that librdkafka refuses. [any thread] */
atlas_status_t kafka_producer_create(const struct config_kafka *settings,
                                     struct kafka_producer **ret_producer, struct error *error);

/*
 * Publishes records in this order and waits for all reports: records of one key reach their
 * partition in this order. OK if the broker has them all; otherwise the status of the first record
 * that failed, and ret_outcomes (room for count; may be NULL) says for each what became of it. A
 * record may be DONE although one before it is not: who needs the order sends again from the first
 * that is not DONE.
 *
 * UNAVAILABLE at once, with nothing sent, when the brokers are known to be away. RESOURCE_EXHAUSTED
 * when kafka.queue_messages or kafka.queue_bytes is reached. Waits no longer than
 * kafka.publish_timeout and ends a little before the call's own deadline; what was under way then
 * is UNKNOWN and may still arrive. On the call's fiber. [waits]
 */
atlas_status_t kafka_publish_batch(struct kafka_producer *producer, struct call *call,
                                   const struct kafka_publication *records, size_t count,
                                   enum atlas_outcome *ret_outcomes);

/* False while no broker can be reached, and before the first was. Any thread. */
bool kafka_producer_is_ready(const struct kafka_producer *producer);

/* Waits up to two seconds for records under way, gives the rest up, ends the thread. After the last
 * publish, while the loops still run. Blocks, bounded. [control] */
void kafka_producer_close(struct kafka_producer *producer);

/* Frees the producer; closes it first if that was not done. NULL is allowed. [control] */
void kafka_producer_destroy(struct kafka_producer *producer);

#endif
