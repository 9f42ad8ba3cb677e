/*
 * The consumer of order events: charges the passenger of a FINISHED order, once. The fare goes to
 * the platform's account; what the passenger's balance does not cover becomes a receivable. Repeats
 * are recognised by the order, so the whole batch is simply posted again.
 */
#include "atlas/events/v1/events.atlas.h"
#include "common/fields.h"
#include "wallet/store.h"
#include "wallet/wallet.h"

/* The charges of a batch, and the record that each came from. */
struct batch {
    struct wallet_charge *charges;
    size_t *indexes;
    size_t count;
};

/* The order is what a repeat is recognised by, so it has one spelling. */
static atlas_status_t check_event(struct atlas_call *call,
                                  const Atlas__Events__V1__OrderEvent *event,
                                  char ret_order_id[ATLAS_UUID_SIZE])
{
    atlas_status_t status = fields_parse_uuid(call, "order_id", event->order_id, ret_order_id);

    if (status == ATLAS_OK) {
        status = fields_check_id(call, "passenger_id", event->passenger_id);
    }
    if (status == ATLAS_OK && !fields_is_currency(event->currency)) {
        status = atlas_fail(call, ATLAS_INVALID_ARGUMENT, "currency: no ISO 4217 code");
    }
    if (status == ATLAS_OK && event->price_minor < 0) {
        status = atlas_fail(call, ATLAS_INVALID_ARGUMENT, "price_minor: less than 0");
    }
    return status;
}

/* Reads one record into the batch, if there is something to charge. */
static atlas_status_t read_record(struct atlas_call *call, const struct atlas_kafka_record *record,
                                  size_t index, struct batch *batch)
{
    Atlas__Events__V1__OrderEvent *event;
    char *order_id = atlas_alloc(call, ATLAS_UUID_SIZE);

    if (order_id == NULL) {
        return atlas_no_memory(call);
    }
    atlas_status_t status = atlas__events__v1__order_event__decode(call, record->value, &event);
    if (status != ATLAS_OK || event->status != ATLAS__ORDER__V1__ORDER_STATUS__FINISHED) {
        return status;
    }
    status = check_event(call, event, order_id);
    if (status != ATLAS_OK || event->price_minor == 0) {
        return status;
    }
    batch->charges[batch->count] = (struct wallet_charge){
        .order_id = order_id,
        .passenger_id = event->passenger_id,
        .currency = event->currency,
        .price_minor = event->price_minor,
    };
    batch->indexes[batch->count++] = index;
    return ATLAS_OK;
}

static void post(struct atlas_call *call, const struct batch *batch, atlas_status_t *statuses)
{
    atlas_status_t status = wallet_store_charge(call, batch->charges, batch->count);
    bool is_single = batch->count > 1 && status != ATLAS_OK && !atlas_status_is_transient(status);

    /* A batch that was refused as a whole: one by one, so that only the offender is refused. */
    for (size_t i = 0; i < batch->count; i++) {
        if (is_single) {
            status = wallet_store_charge(call, &batch->charges[i], 1);
        }
        statuses[batch->indexes[i]] = status;
    }
}

atlas_status_t wallet_charge_orders(struct atlas_call *call,
                                    const struct atlas_kafka_record *const *records, size_t count,
                                    atlas_status_t *statuses)
{
    struct batch batch = {
        .charges = ATLAS_NEW(call, struct wallet_charge, count),
        .indexes = ATLAS_NEW(call, size_t, count),
    };

    if (batch.charges == NULL || batch.indexes == NULL) {
        return atlas_no_memory(call);
    }
    for (size_t i = 0; i < count; i++) {
        statuses[i] = read_record(call, records[i], i, &batch);
        if (statuses[i] != ATLAS_OK) {
            struct atlas_bytes reason = atlas_message(call);
            atlas_kafka_reject(call, i, statuses[i], "%.*s", ATLAS_BYTES_ARG(reason));
        }
    }
    if (batch.count > 0) {
        post(call, &batch, statuses);
    }
    return ATLAS_OK;
}
