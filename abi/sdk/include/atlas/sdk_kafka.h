/* Kafka: publishing, and looking at what was consumed. */
#ifndef ATLAS_SDK_KAFKA_H
#define ATLAS_SDK_KAFKA_H

#include "atlas/kafka.h"
#include "atlas/sdk_call.h"

/* Publishes one record and waits until the broker has it. ret_outcome may be NULL. [waits] */
static inline atlas_status_t atlas_kafka_publish(struct atlas_call *call, const char *topic,
                                                 struct atlas_bytes key, struct atlas_bytes value,
                                                 const struct atlas_kafka_header *headers,
                                                 size_t header_count,
                                                 enum atlas_outcome *ret_outcome)
{
    const struct atlas_kafka_interface *kafka = call->interfaces->kafka;

    if (kafka == NULL) {
        if (ret_outcome != NULL) {
            *ret_outcome = ATLAS_OUTCOME_NOT_DONE;
        }
        return atlas_not_granted(call, ATLAS_KAFKA);
    }
    return kafka->publish(call, topic, key, value, headers, header_count, ret_outcome);
}

/* Inside a batch handler: gives a record its reason and returns status, for statuses[index]:
 *     statuses[i] = atlas_kafka_reject(call, i, ATLAS_INVALID_ARGUMENT, "no driver_id"); */
ATLAS_PRINTF(4, 5)
static inline atlas_status_t atlas_kafka_reject(struct atlas_call *call, size_t index,
                                                atlas_status_t status, const char *format, ...)
{
    char text[ATLAS_MESSAGE_LIMIT];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (call->interfaces->kafka != NULL) {
        call->interfaces->kafka->reject(call, index, atlas_str(text));
    }
    return status;
}

/* The value of a header of a record; false: none. */
static inline bool atlas_kafka_header_find(const struct atlas_kafka_record *record,
                                           const char *name, struct atlas_bytes *ret_value)
{
    size_t i;

    for (i = 0; i < record->header_count; i++) {
        if (strcmp(record->headers[i].name, name) == 0) {
            *ret_value = record->headers[i].value;
            return true;
        }
    }
    return false;
}

#endif
