/* The dispatch plugin in the test host. */
#include "atlas/dispatch/v1/dispatch.atlas.h"
#include "atlas/events/v1/events.atlas.h"
#include "atlas/order/v1/order.atlas.h"
#include "atlas/testhost.h"
#include "atlas/tracker/v1/tracker.atlas.h"
#include "support/unit.h"

#define PLUGIN    ATLAS_BUILD_DIR "/plugins/dispatch.so"
#define ID        "01890a5d-ac96-774b-bcce-b302099a8057"
#define NOW_US    1704067200000000 /* where the clock of the test host starts */
#define GET_ORDER "/atlas.order.v1.Order/GetOrder"
#define NEARBY    "/atlas.tracker.v1.Tracker/GetNearbyDrivers"

#define CREATED  ATLAS__ORDER__V1__ORDER_STATUS__CREATED
#define MATCHED  ATLAS__ORDER__V1__ORDER_STATUS__MATCHED
#define STARTED  ATLAS__ORDER__V1__ORDER_STATUS__STARTED
#define FINISHED ATLAS__ORDER__V1__ORDER_STATUS__FINISHED

#define FOUND     ATLAS__DISPATCH__V1__RIDE_STATUS__DRIVERS_FOUND
#define NOT_FOUND ATLAS__DISPATCH__V1__RIDE_STATUS__DRIVERS_NOT_FOUND

static struct testhost *open_dispatch(void)
{
    struct testhost *host = testhost_open(PLUGIN);

    CU_ASSERT_PTR_NOT_NULL_FATAL(host);
    testhost_set(host, "candidates_first", "2");
    testhost_set(host, "candidates_limit", "4");
    CU_ASSERT_EQUAL_FATAL(testhost_start(host), ATLAS_OK);
    return host;
}

static char *text_of(struct testhost *host, const char *text)
{
    return atlas_strdup(testhost_caller(host), text);
}

static void script_order(struct testhost *host, const char *driver, int status)
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

/* Drivers d1, d2, ..., 1 km, 2 km, ... away. */
static void script_nearby(struct testhost *host, size_t count)
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

static void script_no_reservation(struct testhost *host)
{
    testhost_pg_rows(host, "dispatch_find", ATLAS_PG_NO_PARAMS);
}

static void script_reservation(struct testhost *host, const char *driver)
{
    testhost_pg_rows(
        host, "dispatch_find",
        ATLAS_PG_PARAMS(atlas_pg_text("alice"), atlas_pg_text(driver), atlas_pg_float8(1.5)));
}

/* The answer of the reservation: a driver was picked, and reserved or lost. */
static void script_picked(struct testhost *host, const char *driver, bool is_reserved)
{
    testhost_pg_rows(
        host, "dispatch_reserve",
        ATLAS_PG_PARAMS(atlas_pg_text(driver), atlas_pg_float8(2.0), atlas_pg_bool(is_reserved)));
}

static atlas_status_t request(struct testhost *host, const char *passenger,
                              Atlas__Dispatch__V1__RequestRideResponse **ret_res)
{
    Atlas__Dispatch__V1__RequestRideRequest req = ATLAS__DISPATCH__V1__REQUEST_RIDE_REQUEST__INIT;

    req.order_id = text_of(host, ID);
    if (passenger != NULL) {
        atlas__dispatch__v1__request_ride_request__set_passenger_id(&req, text_of(host, passenger));
    }
    return atlas_dispatch_v1_dispatch_request_ride(testhost_caller(host), &req, ret_res);
}

/* --- RequestRide --------------------------------------------------------------------------------
 */

static void test_request_reserves_a_driver(void)
{
    struct testhost *host = open_dispatch();
    Atlas__Dispatch__V1__RequestRideResponse *res = NULL;
    Atlas__Tracker__V1__GetNearbyDriversRequest *asked = NULL;

    script_no_reservation(host);
    script_order(host, "", CREATED);
    script_nearby(host, 2);
    script_picked(host, "d2", true);
    CU_ASSERT_EQUAL_FATAL(request(host, "alice", &res), ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(res->ride_id, ID);
    CU_ASSERT_EQUAL(res->status, FOUND);
    CU_ASSERT_STRING_EQUAL(res->driver_id, "d2");
    CU_ASSERT_DOUBLE_EQUAL(res->distance_km, 2.0, 0);

    CU_ASSERT_EQUAL_FATAL(atlas__tracker__v1__get_nearby_drivers_request__decode(
                              testhost_caller(host), testhost_client_request(host, NEARBY), &asked),
                          ATLAS_OK);
    CU_ASSERT_DOUBLE_EQUAL(asked->latitude, 52.5, 0);
    CU_ASSERT_DOUBLE_EQUAL(asked->longitude, 13.4, 0);
    CU_ASSERT_DOUBLE_EQUAL(asked->radius_km, 5.0, 0);
    CU_ASSERT_EQUAL(asked->limit, 2);
    testhost_close(host);
}

static void test_request_writes_an_event_for_each_candidate(void)
{
    struct testhost *host = open_dispatch();
    Atlas__Dispatch__V1__RequestRideResponse *res = NULL;
    Atlas__Events__V1__RideDispatchedEvent *event = NULL;
    size_t count;

    script_no_reservation(host);
    script_order(host, "", CREATED);
    script_nearby(host, 2);
    script_picked(host, "d2", true);
    CU_ASSERT_EQUAL_FATAL(request(host, NULL, &res), ATLAS_OK);
    const struct atlas_pg_value *params = testhost_pg_params(host, "dispatch_reserve", &count);
    CU_ASSERT_EQUAL_FATAL(count, 10);
    CU_ASSERT_EQUAL_FATAL(params[4].as.array.count, 2);
    CU_ASSERT_EQUAL(params[6].as.integer - params[5].as.integer, 60 * 1000000LL);
    CU_ASSERT_EQUAL_FATAL(atlas__events__v1__ride_dispatched_event__decode(
                              testhost_caller(host), params[4].as.array.items[1].as.bytes, &event),
                          ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(event->order_id, ID);
    CU_ASSERT_STRING_EQUAL(event->passenger_id, "alice");
    CU_ASSERT_STRING_EQUAL(event->driver_id, "d2");
    CU_ASSERT_EQUAL(event->occurred_at->seconds, NOW_US / 1000000);
    CU_ASSERT_EQUAL(event->expires_at->seconds, NOW_US / 1000000 + 60);
    testhost_close(host);
}

static void test_request_repeated_returns_the_same_driver(void)
{
    struct testhost *host = open_dispatch();
    Atlas__Dispatch__V1__RequestRideResponse *res = NULL;

    script_reservation(host, "d1");
    CU_ASSERT_EQUAL_FATAL(request(host, NULL, &res), ATLAS_OK);
    CU_ASSERT_EQUAL(res->status, FOUND);
    CU_ASSERT_STRING_EQUAL(res->driver_id, "d1");
    CU_ASSERT_DOUBLE_EQUAL(res->distance_km, 1.5, 0);
    CU_ASSERT_FALSE(testhost_did(host, "client"));
    testhost_close(host);
}

static void test_request_without_drivers(void)
{
    struct testhost *host = open_dispatch();
    Atlas__Dispatch__V1__RequestRideResponse *res = NULL;

    script_no_reservation(host);
    script_order(host, "", CREATED);
    script_nearby(host, 0);
    script_no_reservation(host);
    CU_ASSERT_EQUAL_FATAL(request(host, NULL, &res), ATLAS_OK);
    CU_ASSERT_EQUAL(res->status, NOT_FOUND);
    CU_ASSERT_STRING_EQUAL(res->driver_id, "");
    CU_ASSERT_STRING_EQUAL(res->ride_id, ID);
    testhost_close(host);
}

static void test_request_looks_further_if_the_nearest_are_busy(void)
{
    struct testhost *host = open_dispatch();
    Atlas__Dispatch__V1__RequestRideResponse *res = NULL;

    script_no_reservation(host);
    script_order(host, "", CREATED);
    script_nearby(host, 2);
    testhost_pg_rows(host, "dispatch_reserve", ATLAS_PG_NO_PARAMS);
    script_nearby(host, 3);
    script_picked(host, "d3", true);
    CU_ASSERT_EQUAL_FATAL(request(host, NULL, &res), ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(res->driver_id, "d3");
    testhost_close(host);
}

static void test_request_ends_when_all_are_busy(void)
{
    struct testhost *host = open_dispatch();
    Atlas__Dispatch__V1__RequestRideResponse *res = NULL;

    script_no_reservation(host);
    script_order(host, "", CREATED);
    script_nearby(host, 1); /* fewer than asked for: there are no more */
    testhost_pg_rows(host, "dispatch_reserve", ATLAS_PG_NO_PARAMS);
    script_no_reservation(host);
    CU_ASSERT_EQUAL_FATAL(request(host, NULL, &res), ATLAS_OK);
    CU_ASSERT_EQUAL(res->status, NOT_FOUND);
    testhost_close(host);
}

static void test_request_goes_on_after_a_lost_race(void)
{
    struct testhost *host = open_dispatch();
    Atlas__Dispatch__V1__RequestRideResponse *res = NULL;

    script_no_reservation(host);
    script_order(host, "", CREATED);
    script_nearby(host, 2);
    script_picked(host, "d1", false);
    script_no_reservation(host);
    script_nearby(host, 2);
    script_picked(host, "d2", true);
    CU_ASSERT_EQUAL_FATAL(request(host, NULL, &res), ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(res->driver_id, "d2");
    testhost_close(host);
}

static void test_request_takes_the_driver_of_a_faster_twin(void)
{
    struct testhost *host = open_dispatch();
    Atlas__Dispatch__V1__RequestRideResponse *res = NULL;

    script_no_reservation(host);
    script_order(host, "", CREATED);
    script_nearby(host, 2);
    script_picked(host, "d2", false);
    script_reservation(host, "d1");
    CU_ASSERT_EQUAL_FATAL(request(host, NULL, &res), ATLAS_OK);
    CU_ASSERT_EQUAL(res->status, FOUND);
    CU_ASSERT_STRING_EQUAL(res->driver_id, "d1");
    testhost_close(host);
}

static void test_request_needs_a_created_order(void)
{
    struct testhost *host = open_dispatch();
    Atlas__Dispatch__V1__RequestRideResponse *res = NULL;

    script_no_reservation(host);
    script_order(host, "d9", STARTED);
    CU_ASSERT_EQUAL(request(host, NULL, &res), ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_STRING_EQUAL(testhost_message(host),
                           "order " ID
                           " is STARTED; a driver is found only for an order that is CREATED");
    script_no_reservation(host);
    testhost_client_fail(host, GET_ORDER, ATLAS_NOT_FOUND, "order does not exist");
    CU_ASSERT_EQUAL(request(host, NULL, &res), ATLAS_NOT_FOUND);
    testhost_close(host);
}

static void test_request_of_another_passenger_is_refused(void)
{
    struct testhost *host = open_dispatch();
    Atlas__Dispatch__V1__RequestRideResponse *res = NULL;

    script_no_reservation(host);
    script_order(host, "", CREATED);
    CU_ASSERT_EQUAL(request(host, "bob", &res), ATLAS_PERMISSION_DENIED);
    script_reservation(host, "d1");
    CU_ASSERT_EQUAL(request(host, "bob", &res), ATLAS_PERMISSION_DENIED);
    CU_ASSERT_FALSE(testhost_did(host, "pg dispatch_reserve"));
    testhost_close(host);
}

/* --- Order events -------------------------------------------------------------------------------
 */

static struct atlas_kafka_record order_record(struct testhost *host, int status, const char *driver)
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

static void test_events_confirm_and_release(void)
{
    struct testhost *host = open_dispatch();
    struct atlas_kafka_record records[4] = {
        order_record(host, CREATED, ""), order_record(host, MATCHED, "d1"),
        order_record(host, STARTED, "d1"), order_record(host, FINISHED, "d1")};
    atlas_status_t statuses[4];

    testhost_pg_affected(host, "dispatch_confirm", 1);
    testhost_pg_affected(host, "dispatch_release", 1);
    CU_ASSERT_EQUAL(testhost_consume(host, "follow_orders", records, 4, statuses), ATLAS_OK);
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(statuses[i], ATLAS_OK);
    }
    CU_ASSERT_STRING_EQUAL(testhost_journal(host),
                           "pg dispatch_confirm { " ID " " ID " } { d1 d1 }\n"
                           "pg dispatch_release { " ID " } { d1 } 1704067200000000\n");
    testhost_close(host);
}

static void test_malformed_event_is_refused_alone(void)
{
    struct testhost *host = open_dispatch();
    struct atlas_kafka_record records[4] = {
        testhost_record("x", atlas_str("\xff\xff")), order_record(host, MATCHED, ""),
        order_record(host, 17, "d1"), order_record(host, FINISHED, "d1")};
    atlas_status_t statuses[4];

    testhost_pg_affected(host, "dispatch_release", 1);
    testhost_consume(host, "follow_orders", records, 4, statuses);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(statuses[1], ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(testhost_reason(host, 1), "driver_id: must have 1 to 64 characters");
    CU_ASSERT_EQUAL(statuses[2], ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(testhost_reason(host, 2), "status: 17 is no state of an order");
    CU_ASSERT_EQUAL(statuses[3], ATLAS_OK);
    testhost_close(host);
}

/* --- The sweeper --------------------------------------------------------------------------------
 */

static atlas_status_t sweep(struct testhost *host)
{
    testhost_pg_rows(host, "dispatch_overdue",
                     ATLAS_PG_PARAMS(atlas_pg_uuid(ID), atlas_pg_text("d1")));
    return testhost_background(host, "expire_reservations", 0);
}

static void test_sweep_waits_for_the_grace_period(void)
{
    struct testhost *host = open_dispatch();
    size_t count;

    testhost_pg_rows(host, "dispatch_overdue", ATLAS_PG_NO_PARAMS);
    CU_ASSERT_EQUAL(testhost_background(host, "expire_reservations", 0), ATLAS_OK);
    CU_ASSERT_EQUAL(testhost_pg_params(host, "dispatch_overdue", &count)[0].as.integer,
                    NOW_US - 10 * 1000000LL);
    testhost_close(host);
}

static void test_sweep_expires_what_order_did_not_match(void)
{
    struct testhost *host = open_dispatch();

    script_order(host, "", CREATED);
    testhost_pg_affected(host, "dispatch_expire", 1);
    CU_ASSERT_EQUAL(sweep(host), ATLAS_OK);
    CU_ASSERT(testhost_did(host, "pg dispatch_expire " ID " d1"));
    testhost_reset(host);
    script_order(host, "d2", MATCHED);
    testhost_pg_affected(host, "dispatch_expire", 1);
    CU_ASSERT_EQUAL(sweep(host), ATLAS_OK);
    testhost_reset(host);
    testhost_client_fail(host, GET_ORDER, ATLAS_NOT_FOUND, "no such order");
    testhost_pg_affected(host, "dispatch_expire", 1);
    CU_ASSERT_EQUAL(sweep(host), ATLAS_OK);
    testhost_close(host);
}

static void test_sweep_follows_an_order_whose_event_is_late(void)
{
    struct testhost *host = open_dispatch();

    script_order(host, "d1", STARTED);
    testhost_pg_affected(host, "dispatch_confirm", 1);
    CU_ASSERT_EQUAL(sweep(host), ATLAS_OK);
    CU_ASSERT(testhost_did(host, "pg dispatch_confirm"));
    testhost_reset(host);
    script_order(host, "d1", FINISHED);
    testhost_pg_affected(host, "dispatch_release", 1);
    CU_ASSERT_EQUAL(sweep(host), ATLAS_OK);
    CU_ASSERT(testhost_did(host, "pg dispatch_release"));
    testhost_close(host);
}

static void test_sweep_decides_nothing_without_order(void)
{
    struct testhost *host = open_dispatch();

    testhost_client_fail(host, GET_ORDER, ATLAS_UNAVAILABLE, "not connected");
    CU_ASSERT_EQUAL(sweep(host), ATLAS_UNAVAILABLE);
    CU_ASSERT_FALSE(testhost_did(host, "pg dispatch_expire"));
    testhost_close(host);
}

/* --- Faults -------------------------------------------------------------------------------------
 */

static atlas_status_t run_request(struct testhost *host, void *arg)
{
    Atlas__Dispatch__V1__RequestRideResponse *res = NULL;

    (void)arg;
    script_no_reservation(host);
    script_order(host, "", CREATED);
    script_nearby(host, 2);
    script_picked(host, "d1", false);
    script_no_reservation(host);
    script_nearby(host, 2);
    script_picked(host, "d2", true);
    return request(host, "alice", &res);
}

static atlas_status_t run_events(struct testhost *host, void *arg)
{
    struct atlas_kafka_record records[2] = {order_record(host, MATCHED, "d1"),
                                            order_record(host, FINISHED, "d1")};
    atlas_status_t statuses[2];

    (void)arg;
    testhost_pg_affected(host, "dispatch_confirm", 1);
    testhost_pg_affected(host, "dispatch_release", 1);
    testhost_consume(host, "follow_orders", records, 2, statuses);
    return statuses[0] != ATLAS_OK ? statuses[0] : statuses[1];
}

static atlas_status_t run_sweep(struct testhost *host, void *arg)
{
    (void)arg;
    script_order(host, "", CREATED);
    testhost_pg_affected(host, "dispatch_expire", 1);
    return sweep(host);
}

/* A record is done, or comes again; it is never refused for a fault of the host. */
static bool verify_comes_again(struct testhost *host, unsigned int failed, atlas_status_t status,
                               void *arg)
{
    (void)host;
    (void)arg;
    return failed == 0 ? status == ATLAS_OK : atlas_status_is_transient(status);
}

static void test_faults_leave_nothing_half_done(void)
{
    struct testhost *host = open_dispatch();
    const struct testhost_operation operations[] = {
        {run_request, testhost_verify_all_or_nothing, NULL},
        {run_events, verify_comes_again, NULL},
        {run_sweep, testhost_verify_all_or_nothing, NULL},
    };

    for (size_t i = 0; i < ATLAS_COUNT(operations); i++) {
        CU_ASSERT_EQUAL(testhost_enumerate_faults(host, &operations[i]), 0);
    }
    testhost_close(host);
}

static void test_configuration_that_does_not_go_together(void)
{
    struct testhost *host = testhost_open(PLUGIN);

    testhost_set(host, "candidates_first", "50");
    testhost_set(host, "candidates_limit", "20");
    CU_ASSERT_EQUAL(testhost_start(host), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(testhost_message(host),
                           "candidates_first: 50 is more than candidates_limit, 20; lower it");
    testhost_close(host);
}

UNIT_MAIN("dispatch", UNIT_TEST(test_request_reserves_a_driver),
          UNIT_TEST(test_request_writes_an_event_for_each_candidate),
          UNIT_TEST(test_request_repeated_returns_the_same_driver),
          UNIT_TEST(test_request_without_drivers),
          UNIT_TEST(test_request_looks_further_if_the_nearest_are_busy),
          UNIT_TEST(test_request_ends_when_all_are_busy),
          UNIT_TEST(test_request_goes_on_after_a_lost_race),
          UNIT_TEST(test_request_takes_the_driver_of_a_faster_twin),
          UNIT_TEST(test_request_needs_a_created_order),
          UNIT_TEST(test_request_of_another_passenger_is_refused),
          UNIT_TEST(test_events_confirm_and_release),
          UNIT_TEST(test_malformed_event_is_refused_alone),
          UNIT_TEST(test_sweep_waits_for_the_grace_period),
          UNIT_TEST(test_sweep_expires_what_order_did_not_match),
          UNIT_TEST(test_sweep_follows_an_order_whose_event_is_late),
          UNIT_TEST(test_sweep_decides_nothing_without_order),
          UNIT_TEST(test_faults_leave_nothing_half_done),
          UNIT_TEST(test_configuration_that_does_not_go_together))
