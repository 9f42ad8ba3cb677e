/* GetOrder and GetLatestOrder: an order as it is stored. */
#include "common/fields.h"
#include "order/order.h"
#include "order/store.h"

static atlas_status_t reply(struct atlas_call *call, const struct order_row *row,
                            Atlas__Order__V1__GetOrderResponse *ret_res)
{
    ret_res->order_id = row->order_id;
    ret_res->passenger_id = row->passenger_id;
    ret_res->driver_id = row->driver_id;
    ret_res->pickup_lat = row->pickup.latitude;
    ret_res->pickup_long = row->pickup.longitude;
    ret_res->dropoff_lat = row->dropoff.latitude;
    ret_res->dropoff_long = row->dropoff.longitude;
    ret_res->status = (Atlas__Order__V1__OrderStatus)row->status;
    ret_res->price_minor = row->price_minor;
    ret_res->currency = row->currency;
    ret_res->version = row->version;
    ret_res->created_at = fields_time_new(call, row->created_us);
    ret_res->updated_at = fields_time_new(call, row->updated_us);
    return ret_res->created_at != NULL && ret_res->updated_at != NULL ? ATLAS_OK
                                                                      : atlas_no_memory(call);
}

atlas_status_t order_get_order(struct atlas_call *call,
                               const Atlas__Order__V1__GetOrderRequest *req,
                               Atlas__Order__V1__GetOrderResponse *ret_res)
{
    char order_id[ATLAS_UUID_SIZE];
    struct order_row row;

    atlas_status_t status = fields_parse_uuid(call, "order_id", req->order_id, order_id);
    if (status != ATLAS_OK) {
        return status;
    }
    status = order_store_find(call, order_id, &row);
    if (status == ATLAS_NOT_FOUND) {
        return atlas_fail(call, status, "order %s does not exist", order_id);
    }
    return status == ATLAS_OK ? reply(call, &row, ret_res) : status;
}

atlas_status_t order_get_latest_order(struct atlas_call *call,
                                      const Atlas__Order__V1__GetLatestOrderRequest *req,
                                      Atlas__Order__V1__GetOrderResponse *ret_res)
{
    struct order_row row;

    atlas_status_t status = fields_check_id(call, "passenger_id", req->passenger_id);
    if (status != ATLAS_OK) {
        return status;
    }
    status = order_store_find_latest(call, req->passenger_id, &row);
    if (status == ATLAS_NOT_FOUND) {
        return atlas_fail(call, status, "passenger %s has no order", req->passenger_id);
    }
    return status == ATLAS_OK ? reply(call, &row, ret_res) : status;
}
