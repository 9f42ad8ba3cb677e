/* Records on their way: from a fiber to the broker, and the reports back to the fiber that waits.
 */
#ifndef SERVICES_KAFKA_DELIVERY_H
#define SERVICES_KAFKA_DELIVERY_H

#include <librdkafka/rdkafka.h>

#include "runtime/call.h"
#include "services/kafka/kafka_publication.h"

struct config_kafka;

/* Hands the records to librdkafka and waits for their reports, as kafka_publish_batch says.
 * outcomes (may be NULL) are NOT_DONE when it is called. On the call's fiber. [waits] */
atlas_status_t kafka_delivery_run(rd_kafka_t *rk, const struct config_kafka *settings,
                                  struct call *call, const struct kafka_publication *records,
                                  size_t count, enum atlas_outcome *ret_outcomes);

/* A report of librdkafka about one record of a delivery. On the producer's thread; once per record.
 */
void kafka_delivery_report(const rd_kafka_message_t *message);

#endif
