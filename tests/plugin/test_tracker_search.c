/* GetNearbyDrivers and GetDriverLocation in the test host. */
#include <math.h>

#include "tracker_script.h"

static NearbyResponse *nearby(struct testhost *host, const NearbyRequest *req)
{
    NearbyResponse *res = NULL;

    CU_ASSERT_EQUAL_FATAL(
        atlas_tracker_v1_tracker_get_nearby_drivers(testhost_caller(host), req, &res), ATLAS_OK);
    return res;
}

static void test_tracker_search_ends_in_the_circle_that_is_enough(void)
{
    struct testhost *host = plugin_start("tracker");
    NearbyRequest req = nearby_request();
    NearbyResponse *res;

    atlas__tracker__v1__get_nearby_drivers_request__set_limit(&req, 2);
    script_search(host, fresh, 2);
    res = nearby(host, &req);
    CU_ASSERT_EQUAL_FATAL(res->n_drivers, 2);
    CU_ASSERT_STRING_EQUAL(res->drivers[0]->driver_id, "near-0");
    CU_ASSERT_EQUAL(res->drivers[0]->distance_km, 0.25);
    CU_ASSERT_EQUAL(res->drivers[1]->updated_at->seconds, NOW_S - 1);
    CU_ASSERT_TRUE(testhost_did(host, "redis GEOSEARCH tracker:positions FROMLONLAT 7.00000000 "
                                      "50.00000000 BYRADIUS 0.50000000 km ASC COUNT 2 "));
    testhost_close(host);
}

static void test_tracker_search_doubles_the_circle(void)
{
    struct testhost *host = plugin_start("tracker");
    NearbyRequest req = nearby_request();

    for (int i = 0; i < 5; i++) { /* 0.5, 1, 2, 4, 5 */
        script_search(host, fresh, i < 2 ? 0 : 1);
    }
    CU_ASSERT_EQUAL(nearby(host, &req)->n_drivers, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_journal(host), "BYRADIUS 4.00000000"));
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_journal(host), "BYRADIUS 5.00000000"));
    testhost_close(host);
}

static void test_tracker_search_leaves_out_the_outdated(void)
{
    static const int ages[] = {61, 70, 59, 100};
    struct testhost *host = plugin_start("tracker");
    NearbyRequest req = nearby_request();
    NearbyResponse *res;

    atlas__tracker__v1__get_nearby_drivers_request__set_limit(&req, 1);
    atlas__tracker__v1__get_nearby_drivers_request__set_radius_km(&req, 0.3);
    script_search(host, ages, 1); /* full of outdated: look at more of the same circle */
    script_search(host, ages, 3);
    res = nearby(host, &req);
    CU_ASSERT_EQUAL_FATAL(res->n_drivers, 1);
    CU_ASSERT_STRING_EQUAL(res->drivers[0]->driver_id, "near-2");
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_journal(host), "BYRADIUS 0.30000000 km ASC COUNT 4 "));
    testhost_close(host);
}

static void test_tracker_search_near_a_pole_finds_nobody(void)
{
    struct testhost *host = plugin_start("tracker");
    NearbyRequest req = nearby_request();

    atlas__tracker__v1__get_nearby_drivers_request__set_latitude(&req, -89.5);
    CU_ASSERT_EQUAL(nearby(host, &req)->n_drivers, 0);
    CU_ASSERT_FALSE(testhost_did(host, "redis"));
    testhost_close(host);
}

static void test_tracker_search_from_the_antimeridian(void)
{
    static const double longitudes[] = {180.0, 179.999999999, -180.0};

    for (size_t i = 0; i < ATLAS_COUNT(longitudes); i++) {
        struct testhost *host = plugin_start("tracker");
        NearbyRequest req = nearby_request();

        atlas__tracker__v1__get_nearby_drivers_request__set_longitude(&req, longitudes[i]);
        atlas__tracker__v1__get_nearby_drivers_request__set_limit(&req, 1);
        script_search(host, fresh, 1);
        nearby(host, &req);
        CU_ASSERT_TRUE(testhost_did(host, "redis GEOSEARCH tracker:positions FROMLONLAT "
                                          "-180.00000000 50.00000000 "));
        testhost_close(host);
    }
}

static void expect_search_refused(const NearbyRequest *req, const char *field)
{
    struct testhost *host = plugin_start("tracker");
    NearbyResponse *res;

    CU_ASSERT_EQUAL(atlas_tracker_v1_tracker_get_nearby_drivers(testhost_caller(host), req, &res),
                    ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_EQUAL(strstr(testhost_message(host), field), testhost_message(host));
    testhost_close(host);
}

static void test_tracker_search_is_bounded(void)
{
    NearbyRequest req = nearby_request();

    atlas__tracker__v1__get_nearby_drivers_request__set_radius_km(&req, 51);
    expect_search_refused(&req, "radius_km");
    atlas__tracker__v1__get_nearby_drivers_request__set_radius_km(&req, (double)NAN);
    expect_search_refused(&req, "radius_km");
    req = nearby_request();
    atlas__tracker__v1__get_nearby_drivers_request__set_latitude(&req, 90.5);
    expect_search_refused(&req, "latitude");
    req = nearby_request();
    atlas__tracker__v1__get_nearby_drivers_request__set_limit(&req, 0);
    expect_search_refused(&req, "limit");
    atlas__tracker__v1__get_nearby_drivers_request__set_limit(&req, 101);
    expect_search_refused(&req, "limit");
}

/* --- GetDriverLocation --- */

static void test_tracker_location_of_a_driver(void)
{
    struct testhost *host = plugin_start("tracker");
    LocationRequest req = ATLAS__TRACKER__V1__GET_DRIVER_LOCATION_REQUEST__INIT;
    LocationResponse *res = NULL;
    struct atlas_call *call = testhost_caller(host);

    req.driver_id = driver_id;
    script_location(host, "1704067199500000");
    CU_ASSERT_EQUAL_FATAL(atlas_tracker_v1_tracker_get_driver_location(call, &req, &res), ATLAS_OK);
    CU_ASSERT_EQUAL(res->latitude, 50.25);
    CU_ASSERT_EQUAL(res->longitude, 7.5);
    CU_ASSERT_EQUAL(res->updated_at->nanos, 500000000);
    script_location(host, NULL);
    CU_ASSERT_EQUAL(atlas_tracker_v1_tracker_get_driver_location(call, &req, &res),
                    ATLAS_NOT_FOUND);
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_message(host), driver_id));
    script_location(host, "1704067139000000");
    CU_ASSERT_EQUAL(atlas_tracker_v1_tracker_get_driver_location(call, &req, &res),
                    ATLAS_NOT_FOUND);
    testhost_close(host);
}

UNIT_MAIN("tracker search", UNIT_TEST(test_tracker_search_ends_in_the_circle_that_is_enough),
          UNIT_TEST(test_tracker_search_doubles_the_circle),
          UNIT_TEST(test_tracker_search_leaves_out_the_outdated),
          UNIT_TEST(test_tracker_search_near_a_pole_finds_nobody),
          UNIT_TEST(test_tracker_search_from_the_antimeridian),
          UNIT_TEST(test_tracker_search_is_bounded), UNIT_TEST(test_tracker_location_of_a_driver))
