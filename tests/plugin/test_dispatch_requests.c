/* RequestRide in the test host. */
#include "dispatch_script.h"

static void test_request_reserves_a_driver(void)
{
    struct testhost *host = start_dispatch();
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
    struct testhost *host = start_dispatch();
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
    struct testhost *host = start_dispatch();
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
    struct testhost *host = start_dispatch();
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
    struct testhost *host = start_dispatch();
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
    struct testhost *host = start_dispatch();
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
    struct testhost *host = start_dispatch();
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
    struct testhost *host = start_dispatch();
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
    struct testhost *host = start_dispatch();
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
    struct testhost *host = start_dispatch();
    Atlas__Dispatch__V1__RequestRideResponse *res = NULL;

    script_no_reservation(host);
    script_order(host, "", CREATED);
    CU_ASSERT_EQUAL(request(host, "bob", &res), ATLAS_PERMISSION_DENIED);
    script_reservation(host, "d1");
    CU_ASSERT_EQUAL(request(host, "bob", &res), ATLAS_PERMISSION_DENIED);
    CU_ASSERT_FALSE(testhost_did(host, "pg dispatch_reserve"));
    testhost_close(host);
}

static void test_request_does_not_blame_the_client_for_the_configuration(void)
{
    struct testhost *host = start_dispatch();
    Atlas__Dispatch__V1__RequestRideResponse *res = NULL;

    script_no_reservation(host);
    script_order(host, "", CREATED);
    testhost_client_fail(host, NEARBY, ATLAS_INVALID_ARGUMENT, "radius_km: must be at most 3");
    CU_ASSERT_EQUAL(request(host, NULL, &res), ATLAS_INTERNAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_message(host), "radius_km: must be at most 3: set "
                                                          "search_radius_km"));
    testhost_close(host);
}

UNIT_MAIN("dispatch requests", UNIT_TEST(test_request_reserves_a_driver),
          UNIT_TEST(test_request_writes_an_event_for_each_candidate),
          UNIT_TEST(test_request_repeated_returns_the_same_driver),
          UNIT_TEST(test_request_without_drivers),
          UNIT_TEST(test_request_looks_further_if_the_nearest_are_busy),
          UNIT_TEST(test_request_ends_when_all_are_busy),
          UNIT_TEST(test_request_goes_on_after_a_lost_race),
          UNIT_TEST(test_request_takes_the_driver_of_a_faster_twin),
          UNIT_TEST(test_request_needs_a_created_order),
          UNIT_TEST(test_request_of_another_passenger_is_refused),
          UNIT_TEST(test_request_does_not_blame_the_client_for_the_configuration))
