/* CreateOrder: checks the request, fixes the price and writes the order with its first event. */
#include "common/fields.h"
#include "order/order.h"
#include "order/order_event.h"
#include "order/store.h"

static atlas_status_t check_request(struct atlas_call *call,
                                    const Atlas__Order__V1__CreateOrderRequest *req)
{
    atlas_status_t status = fields_check_id(call, "passenger_id", req->passenger_id);

    if (status == ATLAS_OK) {
        status = fields_check_latitude(call, "pickup_lat", ATLAS_HAS_FIELD(req, pickup_lat),
                                       req->pickup_lat);
    }
    if (status == ATLAS_OK) {
        status = fields_check_longitude(call, "pickup_long", ATLAS_HAS_FIELD(req, pickup_long),
                                        req->pickup_long);
    }
    if (status == ATLAS_OK) {
        status = fields_check_latitude(call, "dropoff_lat", ATLAS_HAS_FIELD(req, dropoff_lat),
                                       req->dropoff_lat);
    }
    if (status == ATLAS_OK) {
        status = fields_check_longitude(call, "dropoff_long", ATLAS_HAS_FIELD(req, dropoff_long),
                                        req->dropoff_long);
    }
    if (status == ATLAS_OK && ATLAS_HAS_FIELD(req, vehicle_type)) {
        status = fields_check_id(call, "vehicle_type", req->vehicle_type);
    }
    return status;
}

static struct order_row new_row(struct atlas_call *call,
                                const Atlas__Order__V1__CreateOrderRequest *req, char *order_id)
{
    const struct order *order = order_of(call);
    struct order_row row = {
        .order_id = order_id,
        .passenger_id = req->passenger_id,
        .driver_id = "",
        .vehicle_type = ATLAS_HAS_FIELD(req, vehicle_type) ? req->vehicle_type : NULL,
        .pickup = {req->pickup_lat, req->pickup_long},
        .dropoff = {req->dropoff_lat, req->dropoff_long},
        .status = ORDER_CREATED,
        .currency = order->currency,
        .version = 1,
        .created_us = atlas_now_us(call),
    };

    row.updated_us = row.created_us;
    row.price_minor = fare_price_minor(&order->rates, fare_distance_m(row.pickup, row.dropoff));
    return row;
}

atlas_status_t order_create_order(struct atlas_call *call,
                                  const Atlas__Order__V1__CreateOrderRequest *req,
                                  Atlas__Order__V1__CreateOrderResponse *ret_res)
{
    struct order_message message = {.traceparent = atlas_traceparent(call)};
    char *order_id = atlas_alloc(call, ATLAS_UUID_SIZE);

    if (order_id == NULL) {
        return atlas_no_memory(call);
    }
    atlas_status_t status = check_request(call, req);
    if (status != ATLAS_OK) {
        return status;
    }
    atlas_uuid(call, order_id);
    struct order_row row = new_row(call, req, order_id);
    status = order_event_pack(call, &row, &message.payload);
    if (status == ATLAS_OK) {
        status = order_store_create(call, &row, &message);
    }
    if (status != ATLAS_OK) {
        return status;
    }
    ret_res->order_id = row.order_id;
    ret_res->status = ATLAS__ORDER__V1__ORDER_STATUS__CREATED;
    ret_res->price_minor = row.price_minor;
    ret_res->currency = row.currency;
    return ATLAS_OK;
}
