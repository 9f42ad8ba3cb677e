/* Watches the mock broker for records that it dropped to stay within its bounds. */
#ifndef SERVICES_KAFKA_DEV_BROKER_DROPS_H
#define SERVICES_KAFKA_DEV_BROKER_DROPS_H

#include <librdkafka/rdkafka.h>

struct dev_broker_drops;

/* client is connected to the broker and borrowed until destroy. NULL when memory is used up. */
struct dev_broker_drops *dev_broker_drops_create(rd_kafka_t *client);

/* Asks for the oldest record of every partition, and warns when what was dropped has doubled.
 * Blocks for some milliseconds. drops may be NULL. */
void dev_broker_drops_look(struct dev_broker_drops *drops);

/* NULL is allowed. */
void dev_broker_drops_destroy(struct dev_broker_drops *drops);

#endif
