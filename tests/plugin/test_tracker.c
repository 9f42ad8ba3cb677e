/* The tracker's operations in the test host. */
#include "atlas/events/v1/events.atlas.h"
#include "atlas/tracker/v1/tracker.atlas.h"

#include <math.h>

#include "atlas/testhost.h"
#include "support/unit.h"

typedef Atlas__Tracker__V1__UpdateLocationRequest UpdateRequest;
typedef Atlas__Tracker__V1__UpdateLocationResponse UpdateResponse;
typedef Atlas__Tracker__V1__GetNearbyDriversRequest NearbyRequest;
typedef Atlas__Tracker__V1__GetNearbyDriversResponse NearbyResponse;
typedef Atlas__Tracker__V1__GetDriverLocationRequest LocationRequest;
typedef Atlas__Tracker__V1__GetDriverLocationResponse LocationResponse;
typedef Atlas__Events__V1__DriverLocationEvent Event;

#define NOW_S  INT64_C(1704067200)
#define NOW_US (NOW_S * 1000000)

static char driver_id[] = "driver-1";

static struct testhost *open_tracker(void)
{
    struct testhost *host = testhost_open(ATLAS_BUILD_DIR "/plugins/tracker.so");

    CU_ASSERT_PTR_NOT_NULL_FATAL(host);
    CU_ASSERT_EQUAL_FATAL(testhost_start(host), ATLAS_OK);
    return host;
}

/* --- UpdateLocation -----------------------------------------------------------------------------
 */

static UpdateRequest update_request(double latitude, double longitude)
{
    UpdateRequest req = ATLAS__TRACKER__V1__UPDATE_LOCATION_REQUEST__INIT;

    req.driver_id = driver_id;
    atlas__tracker__v1__update_location_request__set_latitude(&req, latitude);
    atlas__tracker__v1__update_location_request__set_longitude(&req, longitude);
    return req;
}

static atlas_status_t update(struct testhost *host, const UpdateRequest *req)
{
    UpdateResponse *res;

    return atlas_tracker_v1_tracker_update_location(testhost_caller(host), req, &res);
}

static void test_tracker_update_publishes_the_position(void)
{
    struct testhost *host = open_tracker();
    UpdateRequest req = update_request(48.1, 11.5);
    const struct testhost_published *record;
    Event *event = NULL;

    CU_ASSERT_EQUAL_FATAL(update(host, &req), ATLAS_OK);
    record = testhost_published(host, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(record);
    CU_ASSERT_STRING_EQUAL(record->topic, "driver-gps");
    CU_ASSERT_TRUE(atlas_bytes_equal(record->key, atlas_str(driver_id)));
    CU_ASSERT_EQUAL_FATAL(atlas__events__v1__driver_location_event__decode(testhost_caller(host),
                                                                           record->value, &event),
                          ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(event->driver_id, driver_id);
    CU_ASSERT_EQUAL(event->latitude, 48.1);
    CU_ASSERT_EQUAL(event->timestamp->seconds, NOW_S);
    testhost_close(host);
}

static void expect_update_refused(const UpdateRequest *req, const char *field)
{
    struct testhost *host = open_tracker();

    CU_ASSERT_EQUAL(update(host, req), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_EQUAL(strstr(testhost_message(host), field), testhost_message(host));
    CU_ASSERT_PTR_NULL(testhost_published(host, 0));
    testhost_close(host);
}

static void test_tracker_update_refuses_bad_fields(void)
{
    Google__Protobuf__Timestamp late = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    UpdateRequest req = ATLAS__TRACKER__V1__UPDATE_LOCATION_REQUEST__INIT;
    char empty[] = "";

    req.driver_id = driver_id;
    expect_update_refused(&req, "latitude");
    atlas__tracker__v1__update_location_request__set_latitude(&req, 1.0);
    expect_update_refused(&req, "longitude");
    req = update_request(90.5, 1.0);
    expect_update_refused(&req, "latitude");
    req = update_request((double)NAN, 1.0);
    expect_update_refused(&req, "latitude");
    req = update_request(86.0, 1.0);
    expect_update_refused(&req, "latitude");
    req = update_request(1.0, (double)INFINITY);
    expect_update_refused(&req, "longitude");
    req = update_request(1.0, 1.0);
    req.driver_id = empty;
    expect_update_refused(&req, "driver_id");
    req = update_request(1.0, 1.0);
    late.seconds = NOW_S + 61;
    req.timestamp = &late;
    expect_update_refused(&req, "timestamp");
    late.seconds = 1;
    late.nanos = 1000000000;
    expect_update_refused(&req, "timestamp");
}

static void test_tracker_update_needs_the_broker(void)
{
    struct testhost *host = open_tracker();
    UpdateRequest req = update_request(1.0, 1.0);

    testhost_kafka_fail(host, "driver-gps", ATLAS_UNAVAILABLE, ATLAS_OUTCOME_NOT_DONE);
    CU_ASSERT_EQUAL(update(host, &req), ATLAS_UNAVAILABLE);
    testhost_close(host);
}

/* --- The consumer -------------------------------------------------------------------------------
 */

static struct atlas_kafka_record event_record(struct testhost *host, double latitude,
                                              int64_t seconds)
{
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Event event = ATLAS__EVENTS__V1__DRIVER_LOCATION_EVENT__INIT;
    struct atlas_bytes bytes;

    time.seconds = seconds;
    event.driver_id = driver_id;
    event.timestamp = &time;
    atlas__events__v1__driver_location_event__set_latitude(&event, latitude);
    atlas__events__v1__driver_location_event__set_longitude(&event, 2.0);
    CU_ASSERT_EQUAL_FATAL(
        atlas__events__v1__driver_location_event__encode(testhost_caller(host), &event, &bytes),
        ATLAS_OK);
    return testhost_record(driver_id, bytes);
}

static void test_tracker_batch_is_one_write(void)
{
    struct testhost *host = open_tracker();
    struct atlas_kafka_record records[] = {event_record(host, 1.0, NOW_S - 2),
                                           event_record(host, 1.5, NOW_S)};
    atlas_status_t statuses[2];

    testhost_redis_integer(host, "EVALSHA", 2);
    CU_ASSERT_EQUAL(testhost_consume(host, "index_positions", records, 2, statuses), ATLAS_OK);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_OK);
    CU_ASSERT_EQUAL(statuses[1], ATLAS_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_journal(host),
                                  " 2 tracker:positions tracker:seen driver-1 1704067198000000 "
                                  "2.00000000 1.00000000 driver-1 1704067200000000 2.00000000 "
                                  "1.50000000\n"));
    testhost_close(host);
}

static void test_tracker_batch_loads_a_forgotten_script(void)
{
    struct testhost *host = open_tracker();
    struct atlas_kafka_record record = event_record(host, 1.0, NOW_S);
    atlas_status_t status;

    testhost_redis_error(host, "EVALSHA", "NOSCRIPT No matching script.");
    testhost_redis_integer(host, "EVAL", 1);
    CU_ASSERT_EQUAL(testhost_consume(host, "index_positions", &record, 1, &status), ATLAS_OK);
    CU_ASSERT_EQUAL(status, ATLAS_OK);
    testhost_close(host);
}

static void test_tracker_batch_rejects_what_it_cannot_read(void)
{
    struct testhost *host = open_tracker();
    struct atlas_kafka_record records[] = {
        testhost_record("x", atlas_str("\xff\xff no message")), event_record(host, 95.0, NOW_S),
        event_record(host, 1.0, NOW_S + 3600), event_record(host, 1.0, NOW_S)};
    atlas_status_t statuses[4];

    testhost_redis_integer(host, "EVALSHA", 1);
    CU_ASSERT_EQUAL(testhost_consume(host, "index_positions", records, 4, statuses), ATLAS_OK);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_reason(host, 0), "malformed"));
    CU_ASSERT_EQUAL(statuses[1], ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_reason(host, 1), "latitude"));
    CU_ASSERT_EQUAL(statuses[2], ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_reason(host, 2), "timestamp"));
    CU_ASSERT_EQUAL(statuses[3], ATLAS_OK);
    testhost_close(host);
}

static void test_tracker_batch_skips_what_is_outdated(void)
{
    struct testhost *host = open_tracker();
    struct atlas_kafka_record record = event_record(host, 1.0, NOW_S - 61);
    atlas_status_t status;

    CU_ASSERT_EQUAL(testhost_consume(host, "index_positions", &record, 1, &status), ATLAS_OK);
    CU_ASSERT_EQUAL(status, ATLAS_OK);
    CU_ASSERT_FALSE(testhost_did(host, "redis"));
    testhost_close(host);
}

static void test_tracker_batch_waits_for_redis(void)
{
    struct testhost *host = open_tracker();
    struct atlas_kafka_record records[] = {testhost_record("x", atlas_str("\xff")),
                                           event_record(host, 1.0, NOW_S)};
    atlas_status_t statuses[2];

    testhost_redis_fail(host, ATLAS_UNAVAILABLE);
    testhost_consume(host, "index_positions", records, 2, statuses);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(statuses[1], ATLAS_UNAVAILABLE);
    testhost_redis_error(host, "EVALSHA", "LOADING Redis is loading the dataset in memory");
    testhost_consume(host, "index_positions", records, 2, statuses);
    CU_ASSERT_EQUAL(statuses[1], ATLAS_UNAVAILABLE);
    testhost_close(host);
}

/* --- GetNearbyDrivers ---------------------------------------------------------------------------
 */

static struct atlas_redis_reply text_reply(const char *text)
{
    struct atlas_redis_reply reply = {.type = ATLAS_REDIS_STRING, .string = atlas_str(text)};

    return reply;
}

static struct atlas_redis_reply array_reply(const struct atlas_redis_reply *items, size_t count)
{
    struct atlas_redis_reply reply = {.type = ATLAS_REDIS_ARRAY, .items = items, .count = count};

    return reply;
}

/* GEOSEARCH finds count drivers named near-0, near-1, ..., seen that many seconds ago. */
static void script_search(struct testhost *host, const char *const *names, const int *ages_s,
                          size_t count)
{
    struct atlas_redis_reply points[8][2];
    struct atlas_redis_reply found[8][3];
    struct atlas_redis_reply items[8];
    struct atlas_redis_reply times[8];
    char texts[8][32];
    struct atlas_redis_reply all;

    for (size_t i = 0; i < count; i++) {
        points[i][0] = text_reply("7.00100");
        points[i][1] = text_reply("50.00000");
        found[i][0] = text_reply(names[i]);
        found[i][1] = text_reply("0.2500");
        found[i][2] = array_reply(points[i], 2);
        items[i] = array_reply(found[i], 3);
        snprintf(texts[i], sizeof texts[i], "%lld", (long long)(NOW_US - ages_s[i] * 1000000LL));
        times[i] = text_reply(texts[i]);
    }
    all = array_reply(items, count);
    testhost_redis_reply(host, "GEOSEARCH", &all);
    all = array_reply(times, count);
    if (count > 0) {
        testhost_redis_reply(host, "ZMSCORE", &all);
    }
}

static NearbyRequest nearby_request(void)
{
    NearbyRequest req = ATLAS__TRACKER__V1__GET_NEARBY_DRIVERS_REQUEST__INIT;

    atlas__tracker__v1__get_nearby_drivers_request__set_latitude(&req, 50.0);
    atlas__tracker__v1__get_nearby_drivers_request__set_longitude(&req, 7.0);
    return req;
}

static NearbyResponse *nearby(struct testhost *host, const NearbyRequest *req)
{
    NearbyResponse *res = NULL;

    CU_ASSERT_EQUAL_FATAL(
        atlas_tracker_v1_tracker_get_nearby_drivers(testhost_caller(host), req, &res), ATLAS_OK);
    return res;
}

static const char *const names[] = {"near-0", "near-1", "near-2", "near-3"};
static const int fresh[] = {0, 1, 2, 3};

static void test_tracker_search_ends_in_the_circle_that_is_enough(void)
{
    struct testhost *host = open_tracker();
    NearbyRequest req = nearby_request();
    NearbyResponse *res;

    atlas__tracker__v1__get_nearby_drivers_request__set_limit(&req, 2);
    script_search(host, names, fresh, 2);
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
    struct testhost *host = open_tracker();
    NearbyRequest req = nearby_request();

    for (int i = 0; i < 5; i++) { /* 0.5, 1, 2, 4, 5 */
        script_search(host, names, fresh, i < 2 ? 0 : 1);
    }
    CU_ASSERT_EQUAL(nearby(host, &req)->n_drivers, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_journal(host), "BYRADIUS 4.00000000"));
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_journal(host), "BYRADIUS 5.00000000"));
    testhost_close(host);
}

static void test_tracker_search_leaves_out_the_outdated(void)
{
    static const int ages[] = {61, 70, 59, 100};
    struct testhost *host = open_tracker();
    NearbyRequest req = nearby_request();
    NearbyResponse *res;

    atlas__tracker__v1__get_nearby_drivers_request__set_limit(&req, 1);
    atlas__tracker__v1__get_nearby_drivers_request__set_radius_km(&req, 0.3);
    script_search(host, names, ages, 1); /* full of outdated: look at more of the same circle */
    script_search(host, names, ages, 3);
    res = nearby(host, &req);
    CU_ASSERT_EQUAL_FATAL(res->n_drivers, 1);
    CU_ASSERT_STRING_EQUAL(res->drivers[0]->driver_id, "near-2");
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_journal(host), "BYRADIUS 0.30000000 km ASC COUNT 4 "));
    testhost_close(host);
}

static void expect_search_refused(const NearbyRequest *req, const char *field)
{
    struct testhost *host = open_tracker();
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
    atlas__tracker__v1__get_nearby_drivers_request__set_limit(&req, 0);
    expect_search_refused(&req, "limit");
    atlas__tracker__v1__get_nearby_drivers_request__set_limit(&req, 101);
    expect_search_refused(&req, "limit");
}

/* --- GetDriverLocation --------------------------------------------------------------------------
 */

static void script_location(struct testhost *host, const char *seen)
{
    const struct atlas_redis_reply point[] = {text_reply("7.5"), text_reply("50.25")};
    const struct atlas_redis_reply points = array_reply(point, 2);
    const struct atlas_redis_reply nil = {.type = ATLAS_REDIS_NIL};
    const struct atlas_redis_reply reply = array_reply(seen != NULL ? &points : &nil, 1);

    testhost_redis_reply(host, "GEOPOS", &reply);
    if (seen != NULL) {
        testhost_redis_string(host, "ZSCORE", seen);
    } else {
        testhost_redis_reply(host, "ZSCORE", &nil);
    }
}

static void test_tracker_location_of_a_driver(void)
{
    struct testhost *host = open_tracker();
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

/* --- Expiry, configuration, faults --------------------------------------------------------------
 */

static void test_tracker_forgets_in_batches(void)
{
    struct testhost *host = open_tracker();

    testhost_redis_integer(host, "EVALSHA", 1000);
    testhost_redis_integer(host, "EVALSHA", 7);
    CU_ASSERT_EQUAL(testhost_background(host, "expire_drivers", 0), ATLAS_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_journal(host), " 1704067140000000 1000\n"));
    testhost_close(host);
}

static void test_tracker_checks_its_configuration(void)
{
    struct testhost *host = testhost_open(ATLAS_BUILD_DIR "/plugins/tracker.so");

    testhost_set(host, "default_radius_km", "60");
    CU_ASSERT_EQUAL(testhost_start(host), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_message(host), "radius_limit_km"));
    testhost_set(host, "default_radius_km", "5");
    testhost_set(host, "default_limit", "101");
    CU_ASSERT_EQUAL(testhost_start(host), ATLAS_INVALID_ARGUMENT);
    testhost_close(host);
}

static atlas_status_t run_update(struct testhost *host, void *arg)
{
    UpdateRequest req = update_request(1.0, 1.0);

    (void)arg;
    return update(host, &req);
}

static atlas_status_t run_nearby(struct testhost *host, void *arg)
{
    NearbyRequest req = nearby_request();
    NearbyResponse *res;

    (void)arg;
    atlas__tracker__v1__get_nearby_drivers_request__set_limit(&req, 4);
    script_search(host, names, fresh, 1);
    script_search(host, names, fresh, 4);
    return atlas_tracker_v1_tracker_get_nearby_drivers(testhost_caller(host), &req, &res);
}

static atlas_status_t run_location(struct testhost *host, void *arg)
{
    LocationRequest req = ATLAS__TRACKER__V1__GET_DRIVER_LOCATION_REQUEST__INIT;
    LocationResponse *res;

    (void)arg;
    req.driver_id = driver_id;
    script_location(host, "1704067199500000");
    return atlas_tracker_v1_tracker_get_driver_location(testhost_caller(host), &req, &res);
}

/* The batch as a whole, as its statuses tell it: nothing may be taken for done that is not. */
static atlas_status_t run_batch(struct testhost *host, void *arg)
{
    struct atlas_kafka_record records[] = {event_record(host, 1.0, NOW_S),
                                           event_record(host, 2.0, NOW_S)};
    atlas_status_t statuses[2];

    (void)arg;
    testhost_redis_integer(host, "EVALSHA", 2);
    testhost_consume(host, "index_positions", records, 2, statuses);
    return statuses[0] != ATLAS_OK ? statuses[0] : statuses[1];
}

/* A record that could not be read for lack of memory must come again, not go to the dead letters.
 */
static bool verify_batch(struct testhost *host, unsigned int failed, atlas_status_t status,
                         void *arg)
{
    (void)host;
    (void)arg;
    return failed == 0 ? status == ATLAS_OK : atlas_status_is_transient(status);
}

static void test_tracker_survives_every_fault(void)
{
    const struct testhost_operation operations[] = {
        {run_update, testhost_verify_all_or_nothing, NULL},
        {run_nearby, testhost_verify_all_or_nothing, NULL},
        {run_location, testhost_verify_all_or_nothing, NULL},
        {run_batch, verify_batch, NULL},
    };
    struct testhost *host = open_tracker();

    for (size_t i = 0; i < ATLAS_COUNT(operations); i++) {
        CU_ASSERT_EQUAL(testhost_enumerate_faults(host, &operations[i]), 0);
    }
    testhost_close(host);
}

UNIT_MAIN("tracker", UNIT_TEST(test_tracker_update_publishes_the_position),
          UNIT_TEST(test_tracker_update_refuses_bad_fields),
          UNIT_TEST(test_tracker_update_needs_the_broker),
          UNIT_TEST(test_tracker_batch_is_one_write),
          UNIT_TEST(test_tracker_batch_loads_a_forgotten_script),
          UNIT_TEST(test_tracker_batch_rejects_what_it_cannot_read),
          UNIT_TEST(test_tracker_batch_skips_what_is_outdated),
          UNIT_TEST(test_tracker_batch_waits_for_redis),
          UNIT_TEST(test_tracker_search_ends_in_the_circle_that_is_enough),
          UNIT_TEST(test_tracker_search_doubles_the_circle),
          UNIT_TEST(test_tracker_search_leaves_out_the_outdated),
          UNIT_TEST(test_tracker_search_is_bounded), UNIT_TEST(test_tracker_location_of_a_driver),
          UNIT_TEST(test_tracker_forgets_in_batches),
          UNIT_TEST(test_tracker_checks_its_configuration),
          UNIT_TEST(test_tracker_survives_every_fault))
