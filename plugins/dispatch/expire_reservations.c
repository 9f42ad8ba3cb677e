/*
 * The sweeper: ends reservations whose order did not become MATCHED within the lease.
 *
 * The danger is an order that becomes MATCHED after its driver was given to another ride, because
 * the RideDispatchedEvent was still under way. Three rules keep it away:
 *  1. The event says when the reservation ends, and Order does not apply it from then on.
 *  2. The sweeper waits for the end and a grace period, in which an update of Order that had begun
 *     before the end commits, and which covers the difference of the hosts' clocks. Only then it
 *     asks Order: an order that is still CREATED stays without this driver for good, so the driver
 *     is free. One that is MATCHED or further confirms (its event to us is only late), and while
 *     Order does not answer nothing is decided.
 *  3. If a clock is off by more than the grace period, Order's own unique index on drivers refuses
 *     the second ride: its reservation is not confirmed and ends here.
 * So an outage of Kafka that is longer than the lease costs the passenger a repeated RequestRide,
 * never two passengers one driver.
 */
#include "atlas/order/v1/order.atlas.h"
#include "dispatch/dispatch.h"
#include "dispatch/store.h"

/* Reservations in a round; the rest waits for the next one. */
#define ROUND_LIMIT 100

/* OK with what the order says, NULL for an order that does not exist. */
static atlas_status_t read_order(struct atlas_call *call, const struct dispatch_pair *pair,
                                 const Atlas__Order__V1__GetOrderResponse **ret_order)
{
    Atlas__Order__V1__GetOrderRequest req = ATLAS__ORDER__V1__GET_ORDER_REQUEST__INIT;
    Atlas__Order__V1__GetOrderResponse *order = NULL;

    req.order_id = (char *)(uintptr_t)pair->ride_id;
    atlas_status_t status = atlas_order_v1_order_get_order(call, &req, &order);
    if (status != ATLAS_OK && status != ATLAS_NOT_FOUND) {
        return status;
    }
    *ret_order = order;
    return ATLAS_OK;
}

static atlas_status_t settle(struct atlas_call *call, const struct dispatch_pair *pair)
{
    const Atlas__Order__V1__GetOrderResponse *order;

    atlas_status_t status = read_order(call, pair, &order);
    if (status != ATLAS_OK) {
        return status;
    }
    if (order == NULL || strcmp(order->driver_id, pair->driver_id) != 0) {
        atlas_log_warn(call, "ride %s: order is not matched with driver %s in time, driver freed",
                       pair->ride_id, pair->driver_id);
        return dispatch_store_expire(call, pair);
    }
    return order->status == ATLAS__ORDER__V1__ORDER_STATUS__FINISHED
               ? dispatch_store_release(call, pair, 1)
               : dispatch_store_confirm(call, pair, 1);
}

atlas_status_t dispatch_expire_reservations(struct atlas_call *call)
{
    int64_t before_us = atlas_now_us(call) - dispatch_of(call)->lease_grace_us;
    struct dispatch_pair *pairs;
    size_t count;

    atlas_status_t status = dispatch_store_overdue(call, before_us, ROUND_LIMIT, &pairs, &count);
    if (status != ATLAS_OK) {
        return status;
    }
    /* One that cannot be settled holds up no other, unless it is the servers that fail. */
    for (size_t i = 0; i < count && !atlas_status_is_transient(status); i++) {
        atlas_status_t settled = settle(call, &pairs[i]);

        if (settled != ATLAS_OK) {
            status = settled;
        }
    }
    return status;
}
