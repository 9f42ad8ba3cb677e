/*
 * UpdateOrderStatus: MATCHED -> STARTED -> FINISHED.
 *
 * The event must show the order right after the change. All that it shows is either fixed at the
 * order's creation or determined by the version that was read, and the statement changes only that
 * version: so the event is packed from the row that was read, and agrees with the row that is
 * written or is not written either.
 */
#include "common/fields.h"
#include "order/order.h"
#include "order/order_event.h"
#include "order/store.h"

/* An order has fewer states than that: more failures to change it are no race. */
#define ATTEMPT_LIMIT 4

static atlas_status_t check_request(struct atlas_call *call,
                                    const Atlas__Order__V1__UpdateOrderStatusRequest *req,
                                    char ret_order_id[ATLAS_UUID_SIZE])
{
    atlas_status_t status = fields_parse_uuid(call, "order_id", req->order_id, ret_order_id);
    if (status != ATLAS_OK) {
        return status;
    }
    int asked = (int)req->status;
    if (asked < ORDER_CREATED || asked > ORDER_FINISHED) {
        return atlas_fail(call, ATLAS_INVALID_ARGUMENT,
                          "status: must be one of CREATED, MATCHED, STARTED, FINISHED");
    }
    return ATLAS_HAS_FIELD(req, driver_id) ? fields_check_id(call, "driver_id", req->driver_id)
                                           : ATLAS_OK;
}

/* Whether the request may move the order, or has moved it before. */
static atlas_status_t check_transition(struct atlas_call *call, const struct order_row *row,
                                       const Atlas__Order__V1__UpdateOrderStatusRequest *req,
                                       bool *ret_is_repeat)
{
    int asked = (int)req->status;
    bool is_repeat = asked == row->status && asked > ORDER_MATCHED;

    if (!is_repeat && (asked != row->status + 1 || asked <= ORDER_MATCHED)) {
        return atlas_fail(call, ATLAS_FAILED_PRECONDITION, "order %s is %s and cannot become %s%s",
                          row->order_id, order_status_name(row->status), order_status_name(asked),
                          asked == ORDER_MATCHED ? "; a driver is found by RequestRide" : "");
    }
    if (ATLAS_HAS_FIELD(req, driver_id) && strcmp(req->driver_id, row->driver_id) != 0) {
        return atlas_fail(call, ATLAS_PERMISSION_DENIED,
                          "driver_id: order %s has another driver than %s", row->order_id,
                          req->driver_id);
    }
    *ret_is_repeat = is_repeat;
    return ATLAS_OK;
}

/* Writes the next state; row becomes the order after the change. */
static atlas_status_t advance(struct atlas_call *call, struct order_row *row, bool *ret_is_moved)
{
    struct order_message message = {.traceparent = atlas_traceparent(call)};
    struct order_row next = *row;

    next.status += 1;
    next.version += 1;
    next.updated_us = atlas_now_us(call);
    atlas_status_t status = order_event_pack(call, &next, &message.payload);
    if (status == ATLAS_OK) {
        status = order_store_advance(call, row, next.updated_us, &message, ret_is_moved);
    }
    *row = next;
    return status;
}

static atlas_status_t reply(struct atlas_call *call, const struct order_row *row,
                            Atlas__Order__V1__UpdateOrderStatusResponse *ret_res)
{
    ret_res->order_id = row->order_id;
    ret_res->status = (Atlas__Order__V1__OrderStatus)row->status;
    ret_res->updated_at = fields_time_new(call, row->updated_us);
    return ret_res->updated_at != NULL ? ATLAS_OK : atlas_no_memory(call);
}

atlas_status_t order_update_order_status(struct atlas_call *call,
                                         const Atlas__Order__V1__UpdateOrderStatusRequest *req,
                                         Atlas__Order__V1__UpdateOrderStatusResponse *ret_res)
{
    char order_id[ATLAS_UUID_SIZE];

    atlas_status_t status = check_request(call, req, order_id);
    for (int attempt = 0; status == ATLAS_OK && attempt < ATTEMPT_LIMIT; attempt++) {
        struct order_row row;
        bool is_done;

        status = order_store_find(call, order_id, &row);
        if (status == ATLAS_NOT_FOUND) {
            return atlas_fail(call, status, "order %s does not exist", order_id);
        }
        if (status == ATLAS_OK) {
            status = check_transition(call, &row, req, &is_done);
        }
        if (status == ATLAS_OK && !is_done) {
            status = advance(call, &row, &is_done);
        }
        if (status == ATLAS_OK && is_done) {
            return reply(call, &row, ret_res);
        }
    }
    return status != ATLAS_OK
               ? status
               : atlas_fail(call, ATLAS_ABORTED, "order %s is being changed by others; ask again",
                            order_id);
}
