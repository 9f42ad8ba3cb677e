/* GET /customer/order: the order, and where its driver is now. Without a position the order is
 * shown all the same. */
#include "atlas/gateway/v1/gateway.atlas.h"
#include "common/fields.h"
#include "gateway/gateway.h"

typedef Atlas__Gateway__V1__GetOrderRequest Request;
typedef Atlas__Gateway__V1__GetOrderResponse Response;
typedef Atlas__Gateway__V1__DriverPosition Position;
typedef Atlas__Order__V1__GetOrderResponse Order;
typedef Atlas__Tracker__V1__GetDriverLocationResponse Location;

static atlas_status_t find_order(struct atlas_call *call, const char *id, Order **ret_order)
{
    Atlas__Order__V1__GetOrderRequest req = ATLAS__ORDER__V1__GET_ORDER_REQUEST__INIT;
    char order_id[ATLAS_UUID_SIZE];

    atlas_status_t status = fields_parse_uuid(call, "id", id, order_id);
    if (status != ATLAS_OK) {
        return status;
    }
    req.order_id = order_id;
    return atlas_order_v1_order_get_order(call, &req, ret_order);
}

static void show_order(const Order *order, Response *ret_res)
{
    ret_res->order_id = order->order_id;
    ret_res->passenger_id = order->passenger_id;
    ret_res->driver_id = order->driver_id;
    ret_res->pickup_lat = order->pickup_lat;
    ret_res->pickup_long = order->pickup_long;
    ret_res->dropoff_lat = order->dropoff_lat;
    ret_res->dropoff_long = order->dropoff_long;
    ret_res->status = order->status;
    ret_res->price_minor = order->price_minor;
    ret_res->currency = order->currency;
    ret_res->created_at = order->created_at;
    ret_res->updated_at = order->updated_at;
    ret_res->version = order->version;
}

/* NULL while the position is not known: no position of late, or Tracker does not answer. */
static Position *find_driver(struct atlas_call *call, char *driver_id)
{
    Atlas__Tracker__V1__GetDriverLocationRequest req =
        ATLAS__TRACKER__V1__GET_DRIVER_LOCATION_REQUEST__INIT;
    struct atlas_call_options options = atlas_within_ms(gateway_of(call)->part_timeout_ms);
    Position *position = ATLAS_NEW(call, Position, 1);
    Location *location;

    req.driver_id = driver_id;
    atlas_status_t status =
        atlas_tracker_v1_tracker_get_driver_location_with(call, &req, &options, &location);
    if (status != ATLAS_OK || position == NULL) {
        atlas_metric_add(call, GATEWAY_PARTS_MISSING, status == ATLAS_NOT_FOUND ? 0 : 1);
        return NULL;
    }
    atlas__gateway__v1__driver_position__init(position);
    position->latitude = location->latitude;
    position->longitude = location->longitude;
    position->updated_at = location->updated_at;
    return position;
}

atlas_status_t gateway_get_order(struct atlas_call *call, const Request *req, Response *ret_res)
{
    Order *order;

    atlas_status_t status = find_order(call, req->id, &order);
    if (status != ATLAS_OK) {
        return status;
    }
    show_order(order, ret_res);
    if (order->driver_id[0] != '\0') {
        ret_res->driver = find_driver(call, order->driver_id);
    }
    return ATLAS_OK;
}
