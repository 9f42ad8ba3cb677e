/*
 * RequestRide: the nearest free driver for an order.
 *
 * A ride that has a driver already answers with that driver, whatever has become of the order
 * since: a client that lost the reply asks again. Otherwise the order must be CREATED, and the
 * first free one of the drivers near its pickup is reserved. The reply follows the commit; the
 * event in the outbox tells Order.
 */
#include "atlas/events/v1/events.atlas.h"
#include "atlas/order/v1/order.atlas.h"
#include "atlas/tracker/v1/tracker.atlas.h"
#include "common/fields.h"
#include "dispatch/dispatch.h"
#include "dispatch/store.h"

/* Lost races for a driver before the client is asked to come again. Each was won by another ride.
 */
#define ATTEMPT_LIMIT 8

static atlas_status_t check_request(struct atlas_call *call,
                                    const Atlas__Dispatch__V1__RequestRideRequest *req,
                                    char *ret_ride_id)
{
    atlas_status_t status = fields_parse_uuid(call, "order_id", req->order_id, ret_ride_id);

    if (status == ATLAS_OK && ATLAS_HAS_FIELD(req, passenger_id)) {
        status = fields_check_id(call, "passenger_id", req->passenger_id);
    }
    return status;
}

static atlas_status_t check_passenger(struct atlas_call *call,
                                      const Atlas__Dispatch__V1__RequestRideRequest *req,
                                      const char *passenger_id)
{
    if (ATLAS_HAS_FIELD(req, passenger_id) && strcmp(req->passenger_id, passenger_id) != 0) {
        return atlas_fail(call, ATLAS_PERMISSION_DENIED,
                          "passenger_id: order %s has another passenger than %s", req->order_id,
                          req->passenger_id);
    }
    return ATLAS_OK;
}

/* Reads the order: it must wait for a driver. */
static atlas_status_t read_order(struct atlas_call *call, char *order_id,
                                 Atlas__Order__V1__GetOrderResponse **ret_order)
{
    Atlas__Order__V1__GetOrderRequest req = ATLAS__ORDER__V1__GET_ORDER_REQUEST__INIT;
    Atlas__Order__V1__GetOrderResponse *order = NULL;

    req.order_id = order_id;
    atlas_status_t status = atlas_order_v1_order_get_order(call, &req, &order);
    if (status != ATLAS_OK) {
        return status;
    }
    if (order->status != ATLAS__ORDER__V1__ORDER_STATUS__CREATED) {
        const ProtobufCEnumValue *current = protobuf_c_enum_descriptor_get_value(
            &atlas__order__v1__order_status__descriptor, (int)order->status);
        return atlas_fail(call, ATLAS_FAILED_PRECONDITION,
                          "order %s is %s; a driver is found only for an order that is CREATED",
                          order_id, current != NULL ? current->name : "in an unknown state");
    }
    *ret_order = order;
    return ATLAS_OK;
}

/* Drivers near the pickup, nearest first. */
static atlas_status_t find_drivers(struct atlas_call *call,
                                   const Atlas__Order__V1__GetOrderResponse *order, int32_t limit,
                                   Atlas__Tracker__V1__GetNearbyDriversResponse **ret_found)
{
    Atlas__Tracker__V1__GetNearbyDriversRequest req =
        ATLAS__TRACKER__V1__GET_NEARBY_DRIVERS_REQUEST__INIT;

    atlas__tracker__v1__get_nearby_drivers_request__set_latitude(&req, order->pickup_lat);
    atlas__tracker__v1__get_nearby_drivers_request__set_longitude(&req, order->pickup_long);
    atlas__tracker__v1__get_nearby_drivers_request__set_radius_km(
        &req, dispatch_of(call)->search_radius_km);
    atlas__tracker__v1__get_nearby_drivers_request__set_limit(&req, limit);
    atlas_status_t status = atlas_tracker_v1_tracker_get_nearby_drivers(call, &req, ret_found);
    if (status == ATLAS_INVALID_ARGUMENT) { /* ours, not the client's */
        struct atlas_bytes reason = atlas_message(call);

        status = atlas_fail(call, ATLAS_INTERNAL,
                            "Tracker refuses the search, %.*s: set search_radius_km and "
                            "candidates_limit of dispatch within the limits of tracker",
                            ATLAS_BYTES_ARG(reason));
    }
    return status;
}

/* The drivers as candidates, each with the event that would tell of it. */
static atlas_status_t make_candidates(struct atlas_call *call, const struct dispatch_ride *ride,
                                      const Atlas__Tracker__V1__GetNearbyDriversResponse *found,
                                      struct dispatch_candidate **ret_candidates)
{
    struct dispatch_candidate *candidates =
        ATLAS_NEW(call, struct dispatch_candidate, found->n_drivers);
    Atlas__Events__V1__RideDispatchedEvent event = ATLAS__EVENTS__V1__RIDE_DISPATCHED_EVENT__INIT;

    event.order_id = (char *)(uintptr_t)ride->ride_id;
    event.passenger_id = (char *)(uintptr_t)ride->passenger_id;
    event.occurred_at = fields_time_new(call, ride->now_us);
    event.expires_at = fields_time_new(call, ride->lease_until_us);
    if (candidates == NULL || event.occurred_at == NULL || event.expires_at == NULL) {
        return atlas_no_memory(call);
    }
    for (size_t i = 0; i < found->n_drivers; i++) {
        event.driver_id = found->drivers[i]->driver_id;
        event.distance_km = found->drivers[i]->distance_km;
        candidates[i].driver_id = event.driver_id;
        candidates[i].distance_km = event.distance_km;
        atlas_status_t status =
            atlas__events__v1__ride_dispatched_event__encode(call, &event, &candidates[i].event);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    *ret_candidates = candidates;
    return ATLAS_OK;
}

/* Asks for a few drivers, and for as many as allowed if all of those are busy. */
static atlas_status_t reserve(struct atlas_call *call,
                              const Atlas__Order__V1__GetOrderResponse *order,
                              struct dispatch_reservation *ret_reservation,
                              enum dispatch_choice *ret_choice)
{
    const struct dispatch *dispatch = dispatch_of(call);
    const int32_t limits[] = {dispatch->candidates_first, dispatch->candidates_limit};
    struct dispatch_ride ride = {order->order_id, order->passenger_id, atlas_now_us(call), 0};
    atlas_status_t status = ATLAS_OK;

    ride.lease_until_us = ride.now_us + dispatch->lease_us;
    *ret_choice = DISPATCH_NONE_FREE;
    for (size_t i = 0; i < ATLAS_COUNT(limits) && *ret_choice == DISPATCH_NONE_FREE; i++) {
        Atlas__Tracker__V1__GetNearbyDriversResponse *found;
        struct dispatch_candidate *candidates = NULL;

        status = find_drivers(call, order, limits[i], &found);
        if (status != ATLAS_OK || found->n_drivers == 0) {
            return status;
        }
        status = make_candidates(call, &ride, found, &candidates);
        if (status == ATLAS_OK) {
            status = dispatch_store_reserve(call, &ride, candidates, found->n_drivers,
                                            ret_reservation, ret_choice);
        }
        if (status != ATLAS_OK || found->n_drivers < (size_t)limits[i]) {
            return status; /* failed, or there are no more drivers */
        }
    }
    return status;
}

/* The driver that the ride has already; DISPATCH_NONE_FREE if it has none. */
static atlas_status_t find_reserved(struct atlas_call *call,
                                    const Atlas__Dispatch__V1__RequestRideRequest *req,
                                    const char *ride_id,
                                    struct dispatch_reservation *ret_reservation,
                                    enum dispatch_choice *ret_choice)
{
    atlas_status_t status = dispatch_store_find(call, ride_id, ret_reservation);

    if (status == ATLAS_NOT_FOUND) {
        *ret_choice = DISPATCH_NONE_FREE;
        return ATLAS_OK;
    }
    if (status != ATLAS_OK) {
        return status;
    }
    *ret_choice = DISPATCH_RESERVED;
    return check_passenger(call, req, ret_reservation->passenger_id);
}

/* Gives the ride a driver. After a lost race, and also if none was free, the winner may have been
 * another request for the same ride: then its driver is the answer. */
static atlas_status_t find_free(struct atlas_call *call,
                                const Atlas__Dispatch__V1__RequestRideRequest *req, char *ride_id,
                                struct dispatch_reservation *ret_reservation,
                                enum dispatch_choice *ret_choice)
{
    Atlas__Order__V1__GetOrderResponse *order = NULL;

    atlas_status_t status = read_order(call, ride_id, &order);
    if (status == ATLAS_OK) {
        status = check_passenger(call, req, order->passenger_id);
    }
    for (int attempt = 0; status == ATLAS_OK && attempt < ATTEMPT_LIMIT; attempt++) {
        enum dispatch_choice choice;

        status = reserve(call, order, ret_reservation, &choice);
        if (status != ATLAS_OK || choice == DISPATCH_RESERVED) {
            *ret_choice = choice;
            return status;
        }
        status = find_reserved(call, req, ride_id, ret_reservation, ret_choice);
        if (choice == DISPATCH_NONE_FREE || *ret_choice == DISPATCH_RESERVED) {
            return status;
        }
    }
    return status != ATLAS_OK
               ? status
               : atlas_fail(call, ATLAS_ABORTED,
                            "order %s: too many rides want these drivers; ask again", ride_id);
}

atlas_status_t dispatch_request_ride(struct atlas_call *call,
                                     const Atlas__Dispatch__V1__RequestRideRequest *req,
                                     Atlas__Dispatch__V1__RequestRideResponse *ret_res)
{
    char *ride_id = atlas_alloc(call, ATLAS_UUID_SIZE);
    struct dispatch_reservation reservation;
    enum dispatch_choice choice = DISPATCH_NONE_FREE;

    if (ride_id == NULL) {
        return atlas_no_memory(call);
    }
    atlas_status_t status = check_request(call, req, ride_id);
    if (status == ATLAS_OK) {
        status = find_reserved(call, req, ride_id, &reservation, &choice);
    }
    if (status == ATLAS_OK && choice != DISPATCH_RESERVED) {
        status = find_free(call, req, ride_id, &reservation, &choice);
    }
    if (status != ATLAS_OK) {
        return status;
    }
    ret_res->ride_id = ride_id;
    ret_res->status = ATLAS__DISPATCH__V1__RIDE_STATUS__DRIVERS_NOT_FOUND;
    if (choice == DISPATCH_RESERVED) {
        ret_res->status = ATLAS__DISPATCH__V1__RIDE_STATUS__DRIVERS_FOUND;
        ret_res->driver_id = reservation.driver_id;
        ret_res->distance_km = reservation.distance_km;
    }
    return ATLAS_OK;
}
