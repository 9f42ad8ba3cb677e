/* What one generation has of Kafka: its consumers, from loading to unloading. */
#ifndef INBOUND_KAFKA_ATTACHMENT_H
#define INBOUND_KAFKA_ATTACHMENT_H

#include "inbound/kafka/kafka_consumers.h"

struct call;
struct kafka_attachment;

/* Acquires the consumers that the generation's plugin declares; consumers is borrowed. Names the
 * consumer in the error. Any thread. */
atlas_status_t kafka_attachment_create(struct kafka_consumers *consumers,
                                       struct generation *generation,
                                       struct kafka_attachment **ret_attachment,
                                       struct error *error);

/* From now on their records go to this generation. Does not wait. */
void kafka_attachment_activate(struct kafka_attachment *attachment);

/* Pauses all of them and waits until their batches have ended: until the call's deadline or its
 * cancellation, then they are cancelled, and have the time of a cleanup section. False if one runs
 * still: the generation's code must stay, and so must this. [waits] */
bool kafka_attachment_deactivate(struct kafka_attachment *attachment, struct call *call);

/* Lets go of them. Deactivated, or never activated. NULL is allowed. Any thread. */
void kafka_attachment_destroy(struct kafka_attachment *attachment);

#endif
