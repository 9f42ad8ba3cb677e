/*
 * The consumer of order events: an order that is MATCHED or STARTED confirms the reservation of its
 * driver, one that is FINISHED frees the driver. Both are found by order and driver, so a repeat
 * and an event of an order that never came from here change nothing.
 */
#include "atlas/events/v1/events.atlas.h"
#include "common/fields.h"
#include "dispatch/dispatch.h"
#include "dispatch/store.h"

/* What a batch asks for, in the order of events: an order is confirmed before it is released. */
struct batch {
    struct dispatch_pair *confirmed;
    size_t confirmed_count;
    struct dispatch_pair *released;
    size_t released_count;
};

static atlas_status_t read_record(struct atlas_call *call, const struct atlas_kafka_record *record,
                                  struct batch *batch)
{
    Atlas__Events__V1__OrderEvent *event;
    char *ride_id = atlas_alloc(call, ATLAS_UUID_SIZE);

    if (ride_id == NULL) {
        return atlas_no_memory(call);
    }
    atlas_status_t status = atlas__events__v1__order_event__decode(call, record->value, &event);
    if (status != ATLAS_OK || event->status == ATLAS__ORDER__V1__ORDER_STATUS__CREATED) {
        return status;
    }
    status = fields_parse_uuid(call, "order_id", event->order_id, ride_id);
    if (status == ATLAS_OK) {
        status = fields_check_id(call, "driver_id", event->driver_id);
    }
    if (status != ATLAS_OK) {
        return status;
    }
    struct dispatch_pair pair = {ride_id, event->driver_id};
    switch ((int)event->status) {
    case ATLAS__ORDER__V1__ORDER_STATUS__MATCHED:
    case ATLAS__ORDER__V1__ORDER_STATUS__STARTED:
        batch->confirmed[batch->confirmed_count++] = pair;
        return ATLAS_OK;
    case ATLAS__ORDER__V1__ORDER_STATUS__FINISHED:
        batch->released[batch->released_count++] = pair;
        return ATLAS_OK;
    default:
        return atlas_fail(call, ATLAS_INVALID_ARGUMENT, "status: %d is no state of an order",
                          (int)event->status);
    }
}

static atlas_status_t apply(struct atlas_call *call, const struct batch *batch)
{
    atlas_status_t status = ATLAS_OK;

    if (batch->confirmed_count > 0) {
        status = dispatch_store_confirm(call, batch->confirmed, batch->confirmed_count);
    }
    if (status == ATLAS_OK && batch->released_count > 0) {
        status = dispatch_store_release(call, batch->released, batch->released_count);
    }
    return status;
}

atlas_status_t dispatch_follow_orders(struct atlas_call *call,
                                      const struct atlas_kafka_record *const *records, size_t count,
                                      atlas_status_t *statuses)
{
    struct batch batch = {
        .confirmed = ATLAS_NEW(call, struct dispatch_pair, count),
        .released = ATLAS_NEW(call, struct dispatch_pair, count),
    };

    if (batch.confirmed == NULL || batch.released == NULL) {
        return atlas_no_memory(call);
    }
    for (size_t i = 0; i < count; i++) {
        atlas_status_t status = read_record(call, records[i], &batch);
        if (status != ATLAS_OK) {
            struct atlas_bytes reason = atlas_message(call);
            statuses[i] = atlas_kafka_reject(call, i, status, "%.*s", ATLAS_BYTES_ARG(reason));
        }
    }
    return apply(call, &batch); /* counts for every record that was not refused */
}
