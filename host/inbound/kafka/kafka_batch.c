#include "inbound/kafka/kafka_batch.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/call.h"

#define REASON_LIMIT 512

size_t kafka_batch_settle(atlas_status_t *statuses, size_t count, atlas_status_t handler_status)
{
    size_t settled = count;
    for (size_t i = 0; i < count; i++) {
        if (statuses[i] == KAFKA_STATUS_UNSET) {
            statuses[i] = handler_status;
        }
        if (settled == count && atlas_status_is_transient(statuses[i])) {
            settled = i;
        }
    }
    return settled;
}

void kafka_batch_reject(struct atlas_call *public, size_t index, struct atlas_bytes reason)
{
    struct call *call = call_of(public);
    struct kafka_batch *batch = call->batch;
    if (batch != NULL && index < batch->count) {
        size_t len = reason.len < REASON_LIMIT ? reason.len : REASON_LIMIT;
        batch->reasons[index] = arena_copy(&call->arena, reason.data, len);
    }
}

void kafka_batch_drop(struct kafka_batch *batch, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rd_kafka_message_destroy(batch->messages[i]);
    }
    batch->count -= count;
    if (batch->count > 0) { /* a batch without memory has no array */
        memmove(batch->messages, batch->messages + count, batch->count * sizeof *batch->messages);
    }
}

atlas_status_t kafka_batch_init(struct kafka_batch *batch, size_t limit, struct loop *poller,
                                void (*on_done)(struct kafka_batch *batch))
{
    *batch = (struct kafka_batch){.limit = limit, .poller = poller, .on_done = on_done};
    batch->messages = calloc(limit, sizeof *batch->messages);
    batch->records = calloc(limit, sizeof *batch->records);
    batch->record_pointers = calloc(limit, sizeof *batch->record_pointers);
    batch->statuses = calloc(limit, sizeof *batch->statuses);
    batch->reasons = calloc(limit, sizeof *batch->reasons);
    if (batch->messages == NULL || batch->records == NULL || batch->record_pointers == NULL ||
        batch->statuses == NULL || batch->reasons == NULL) {
        kafka_batch_finish(batch);
        return ATLAS_RESOURCE_EXHAUSTED;
    }
    for (size_t i = 0; i < limit; i++) {
        batch->record_pointers[i] = &batch->records[i];
    }
    return ATLAS_OK;
}

void kafka_batch_finish(struct kafka_batch *batch)
{
    kafka_batch_drop(batch, batch->count);
    free(batch->messages);
    free(batch->records);
    free(batch->record_pointers);
    free(batch->statuses);
    free(batch->reasons);
    *batch = (struct kafka_batch){.limit = 0};
}
