/* Who takes the rows of an outbox: Kafka, or what stands for it in a test. */
#ifndef SERVICES_OUTBOX_PUBLISHER_H
#define SERVICES_OUTBOX_PUBLISHER_H

#include "atlas/kafka.h"

/* As publish in struct atlas_kafka_interface; the Kafka module provides it. */
typedef atlas_status_t outbox_publish_fn(struct atlas_call *call, const char *topic,
                                         struct atlas_bytes key, struct atlas_bytes value,
                                         const struct atlas_kafka_header *headers,
                                         size_t header_count, enum atlas_outcome *ret_outcome);

#endif
