/*
 * "atlas.kafka/1": records to and from Kafka. The host owns every client; a plugin declares what it
 * consumes and publishes by topic. Values are protobuf messages (proto/), keys aggregate ids.
 */
#ifndef ATLAS_KAFKA_H
#define ATLAS_KAFKA_H

#include "atlas/call.h"

#define ATLAS_KAFKA "atlas.kafka/1"

/* Frozen. */
struct atlas_kafka_header {
    const char *name;
    struct atlas_bytes value;
};

/* A consumed record; borrowed until the batch handler returns. Grows. */
struct atlas_kafka_record {
    uint32_t size;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_us;
    struct atlas_bytes key;
    struct atlas_bytes value;
    const struct atlas_kafka_header *headers;
    size_t header_count;
};

/*
 * A consumer group member. Partition p is handled on loop p mod n, one batch in flight per
 * partition; its offset is stored when the batch is done. Records arrive at least once. Grows.
 */
struct atlas_consumer {
    uint32_t size;
    uint32_t batch_limit;  /* records in a batch at most; 0: the host's default */
    const char *name;      /* for logs and metrics: "matched_rides" */
    const char *topic_key; /* the configuration key (type string) that holds the topic */
    const char *group;     /* "order": the same in every process */

    /* Handles a batch and sets one status per record; what the function itself returns counts for
     * every record that it did not set, OK too. OK: done. Transient (atlas_status_is_transient):
     * this record and all behind it in the batch come again, after a pause. Any other status: the
     * record goes to the dead-letter topic "<topic>.dead" with the reason: that of reject, else the
     * call's message; so does one that is RESOURCE_EXHAUSTED because it used up the call's memory
     * alone. The call's deadline is kafka.batch_timeout. [waits] */
    atlas_status_t (*handle)(struct atlas_call *call,
                             const struct atlas_kafka_record *const *records, size_t count,
                             atlas_status_t *statuses);
};

struct atlas_kafka_interface {
    uint32_t size;

    /* Publishes one record and waits until the broker has it (acks=all, idempotent). Key and value
     * are copied. After a deadline ret_outcome (may be NULL) is UNKNOWN: the record may still
     * arrive. RESOURCE_EXHAUSTED when the queue is full (kafka.queue_messages, kafka.queue_bytes).
     * INVALID_ARGUMENT for a name that no topic can have, or a record over kafka.message_limit.
     * UNAVAILABLE: no broker. [call] [waits] */
    atlas_status_t (*publish)(struct atlas_call *call, const char *topic, struct atlas_bytes key,
                              struct atlas_bytes value, const struct atlas_kafka_header *headers,
                              size_t header_count, enum atlas_outcome *ret_outcome);

    /* Inside a batch handler: the reason that goes with statuses[index]. Copied, the first 512
     * bytes of it. Elsewhere, or for an index that is not in the batch, it does nothing. [call] */
    void (*reject)(struct atlas_call *call, size_t index, struct atlas_bytes reason);
};

#endif
