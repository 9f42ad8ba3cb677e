#include "dispatch_script.h"

struct testhost *start_dispatch(void)
{
    struct testhost *host = plugin_open("dispatch");

    testhost_set(host, "candidates_first", "2");
    testhost_set(host, "candidates_limit", "4");
    CU_ASSERT_EQUAL_FATAL(testhost_start(host), ATLAS_OK);
    return host;
}

static char *text_of(struct testhost *host, const char *text)
{
    return atlas_strdup(testhost_caller(host), text);
}

void script_order(struct testhost *host, const char *driver, int status)
{
    Atlas__Order__V1__GetOrderResponse order = ATLAS__ORDER__V1__GET_ORDER_RESPONSE__INIT;
    struct atlas_bytes bytes = {0};

    order.order_id = text_of(host, ID);
    order.passenger_id = text_of(host, "alice");
    order.driver_id = text_of(host, driver);
    order.pickup_lat = 52.5;
    order.pickup_long = 13.4;
    order.status = (Atlas__Order__V1__OrderStatus)status;
    CU_ASSERT_EQUAL_FATAL(
        atlas__order__v1__get_order_response__encode(testhost_caller(host), &order, &bytes),
        ATLAS_OK);
    testhost_client_reply(host, GET_ORDER, bytes);
}

void script_nearby(struct testhost *host, size_t count)
{
    Atlas__Tracker__V1__GetNearbyDriversResponse res =
        ATLAS__TRACKER__V1__GET_NEARBY_DRIVERS_RESPONSE__INIT;
    Atlas__Tracker__V1__NearbyDriver drivers[8];
    Atlas__Tracker__V1__NearbyDriver *pointers[8];
    struct atlas_bytes bytes = {0};

    for (size_t i = 0; i < count; i++) {
        atlas__tracker__v1__nearby_driver__init(&drivers[i]);
        drivers[i].driver_id = atlas_printf(testhost_caller(host), "d%zu", i + 1);
        drivers[i].distance_km = (double)(i + 1);
        pointers[i] = &drivers[i];
    }
    res.n_drivers = count;
    res.drivers = pointers;
    CU_ASSERT_EQUAL_FATAL(atlas__tracker__v1__get_nearby_drivers_response__encode(
                              testhost_caller(host), &res, &bytes),
                          ATLAS_OK);
    testhost_client_reply(host, NEARBY, bytes);
}

void script_no_reservation(struct testhost *host)
{
    testhost_pg_rows(host, "dispatch_find", ATLAS_PG_NO_PARAMS);
}

void script_reservation(struct testhost *host, const char *driver)
{
    testhost_pg_rows(
        host, "dispatch_find",
        ATLAS_PG_PARAMS(atlas_pg_text("alice"), atlas_pg_text(driver), atlas_pg_float8(1.5)));
}

void script_picked(struct testhost *host, const char *driver, bool is_reserved)
{
    testhost_pg_rows(
        host, "dispatch_reserve",
        ATLAS_PG_PARAMS(atlas_pg_text(driver), atlas_pg_float8(2.0), atlas_pg_bool(is_reserved)));
}

atlas_status_t request(struct testhost *host, const char *passenger,
                       Atlas__Dispatch__V1__RequestRideResponse **ret_res)
{
    Atlas__Dispatch__V1__RequestRideRequest req = ATLAS__DISPATCH__V1__REQUEST_RIDE_REQUEST__INIT;

    req.order_id = text_of(host, ID);
    if (passenger != NULL) {
        atlas__dispatch__v1__request_ride_request__set_passenger_id(&req, text_of(host, passenger));
    }
    return atlas_dispatch_v1_dispatch_request_ride(testhost_caller(host), &req, ret_res);
}

struct atlas_kafka_record order_record(struct testhost *host, int status, const char *driver)
{
    Atlas__Events__V1__OrderEvent event = ATLAS__EVENTS__V1__ORDER_EVENT__INIT;
    struct atlas_bytes bytes = {0};

    event.order_id = text_of(host, ID);
    event.driver_id = text_of(host, driver);
    event.status = (Atlas__Order__V1__OrderStatus)status;
    CU_ASSERT_EQUAL_FATAL(
        atlas__events__v1__order_event__encode(testhost_caller(host), &event, &bytes), ATLAS_OK);
    return testhost_record(ID, bytes);
}

atlas_status_t sweep(struct testhost *host)
{
    testhost_pg_rows(host, "dispatch_overdue",
                     ATLAS_PG_PARAMS(atlas_pg_uuid(ID), atlas_pg_text("d1")));
    return testhost_background(host, "expire_reservations", 0);
}
