/*
 * GET /customer/overview: wallet beside order and the drivers near it, asked at the same time. A
 * part whose service does not answer is marked, and the others are shown.
 */
#include "atlas/gateway/v1/gateway.atlas.h"
#include "common/fields.h"
#include "gateway/gateway.h"

typedef Atlas__Gateway__V1__GetOverviewRequest Request;
typedef Atlas__Gateway__V1__GetOverviewResponse Response;
typedef Atlas__Gateway__V1__PartState State;
typedef Atlas__Order__V1__GetOrderResponse Order;

/* The parts are UNAVAILABLE until a task says otherwise. */
struct overview {
    char *user_id;
    Atlas__Gateway__V1__WalletPart wallet;
    Atlas__Gateway__V1__OrderPart order;
    Atlas__Gateway__V1__DriversPart drivers;
};

static State state_of(struct atlas_call *call, atlas_status_t status)
{
    if (status == ATLAS_OK) {
        return ATLAS__GATEWAY__V1__PART_STATE__AVAILABLE;
    }
    if (status == ATLAS_NOT_FOUND) {
        return ATLAS__GATEWAY__V1__PART_STATE__NONE;
    }
    atlas_metric_add(call, GATEWAY_PARTS_MISSING, 1);
    return ATLAS__GATEWAY__V1__PART_STATE__UNAVAILABLE;
}

/* A task. Its failure is the state of its part, so it always ends with OK. */
static atlas_status_t ask_wallet(struct atlas_call *call, void *arg)
{
    struct overview *overview = arg;
    struct atlas_call_options options = atlas_within_ms(gateway_of(call)->part_timeout_ms);
    Atlas__Wallet__V1__GetBalanceRequest req = ATLAS__WALLET__V1__GET_BALANCE_REQUEST__INIT;

    req.user_id = overview->user_id;
    atlas_status_t status =
        atlas_wallet_v1_wallet_get_balance_with(call, &req, &options, &overview->wallet.balance);
    overview->wallet.state = state_of(call, status);
    return ATLAS_OK;
}

static void ask_drivers(struct atlas_call *call, struct overview *overview, const Order *order)
{
    const struct gateway *gateway = gateway_of(call);
    struct atlas_call_options options = atlas_within_ms(gateway->part_timeout_ms);
    Atlas__Tracker__V1__GetNearbyDriversRequest req =
        ATLAS__TRACKER__V1__GET_NEARBY_DRIVERS_REQUEST__INIT;
    Atlas__Tracker__V1__GetNearbyDriversResponse *res;

    atlas__tracker__v1__get_nearby_drivers_request__set_latitude(&req, order->pickup_lat);
    atlas__tracker__v1__get_nearby_drivers_request__set_longitude(&req, order->pickup_long);
    atlas__tracker__v1__get_nearby_drivers_request__set_limit(&req, gateway->nearby_limit);
    atlas_status_t status =
        atlas_tracker_v1_tracker_get_nearby_drivers_with(call, &req, &options, &res);
    overview->drivers.state = state_of(call, status);
    if (status == ATLAS_OK) {
        overview->drivers.n_drivers = res->n_drivers;
        overview->drivers.drivers = res->drivers;
    }
}

/* A task: the order, then the drivers near its pickup. */
static atlas_status_t ask_order(struct atlas_call *call, void *arg)
{
    struct overview *overview = arg;
    struct atlas_call_options options = atlas_within_ms(gateway_of(call)->part_timeout_ms);
    Atlas__Order__V1__GetLatestOrderRequest req = ATLAS__ORDER__V1__GET_LATEST_ORDER_REQUEST__INIT;

    req.passenger_id = overview->user_id;
    atlas_status_t status =
        atlas_order_v1_order_get_latest_order_with(call, &req, &options, &overview->order.order);
    overview->order.state = state_of(call, status);
    if (status == ATLAS_OK) {
        ask_drivers(call, overview, overview->order.order);
    } else if (status == ATLAS_NOT_FOUND) {
        overview->drivers.state = ATLAS__GATEWAY__V1__PART_STATE__NONE;
    }
    return ATLAS_OK;
}

/* In the arena, since the reply points to its parts. */
static struct overview *make_overview(struct atlas_call *call, char *user_id)
{
    struct overview *overview = ATLAS_NEW(call, struct overview, 1);

    if (overview != NULL) {
        overview->user_id = user_id;
        atlas__gateway__v1__wallet_part__init(&overview->wallet);
        atlas__gateway__v1__order_part__init(&overview->order);
        atlas__gateway__v1__drivers_part__init(&overview->drivers);
        overview->wallet.state = ATLAS__GATEWAY__V1__PART_STATE__UNAVAILABLE;
        overview->order.state = ATLAS__GATEWAY__V1__PART_STATE__UNAVAILABLE;
        overview->drivers.state = ATLAS__GATEWAY__V1__PART_STATE__UNAVAILABLE;
    }
    return overview;
}

atlas_status_t gateway_get_overview(struct atlas_call *call, const Request *req, Response *ret_res)
{
    struct overview *overview;
    struct atlas_task wallet;
    struct atlas_task order;

    atlas_status_t status = fields_check_id(call, "user_id", req->user_id);
    if (status != ATLAS_OK) {
        return status;
    }
    overview = make_overview(call, req->user_id);
    if (overview == NULL) {
        return atlas_no_memory(call);
    }
    wallet = atlas_task_of(ask_wallet, overview);
    order = atlas_task_of(ask_order, overview);
    atlas_spawn(call, &wallet); /* one that cannot start leaves its part unavailable */
    atlas_spawn(call, &order);
    atlas_join(call);

    ret_res->user_id = req->user_id;
    ret_res->wallet = &overview->wallet;
    ret_res->order = &overview->order;
    ret_res->drivers = &overview->drivers;
    return atlas_check(call);
}
