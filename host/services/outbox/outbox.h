/*
 * The relay of one plugin's outbox: a fiber on the home loop that publishes rows to Kafka in order
 * and deletes them. Across processes one relay leads, by an advisory lock on its connection.
 */
#ifndef SERVICES_OUTBOX_H
#define SERVICES_OUTBOX_H

#include "atlas/kafka.h"
#include "runtime/call.h"

/* As publish in struct atlas_kafka_interface; the Kafka module provides it. */
typedef atlas_status_t outbox_publish_fn(struct atlas_call *call, const char *topic,
                                         struct atlas_bytes key, struct atlas_bytes value,
                                         const struct atlas_kafka_header *headers,
                                         size_t header_count, enum atlas_outcome *ret_outcome);

struct outbox_relay;
struct outbox_wake;
struct pg_plugin;

/* What statements that wrote outbox rows ring, from any loop. Lives as long as the generation. NULL
 * without memory. */
struct outbox_wake *outbox_wake_create(struct loop *home);
void outbox_wake_free(struct outbox_wake *wake);
void outbox_wake_post(struct outbox_wake *wake);

/* Starts the relay on this loop. plugin, its wake and publish outlive it. */
atlas_status_t outbox_relay_start(struct call *call, struct pg_plugin *plugin,
                                  outbox_publish_fn *publish, struct outbox_relay **ret_relay);

/* Stops and frees it; records under way may arrive and will then be sent once more. NULL is
 * allowed. [waits] */
void outbox_relay_stop(struct outbox_relay *relay, struct call *call);

#endif
