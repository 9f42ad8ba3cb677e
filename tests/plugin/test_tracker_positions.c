/* Positions on their way in, in the test host: UpdateLocation, the consumer, expiry. */
#include <math.h>

#include "tracker_script.h"

/* --- UpdateLocation --- */

static void test_tracker_update_publishes_the_position(void)
{
    struct testhost *host = plugin_start("tracker");
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
    struct testhost *host = plugin_start("tracker");

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
    struct testhost *host = plugin_start("tracker");
    UpdateRequest req = update_request(1.0, 1.0);

    testhost_kafka_fail(host, "driver-gps", ATLAS_UNAVAILABLE, ATLAS_OUTCOME_NOT_DONE);
    CU_ASSERT_EQUAL(update(host, &req), ATLAS_UNAVAILABLE);
    testhost_close(host);
}

/* --- The consumer --- */

static void test_tracker_batch_is_one_write(void)
{
    struct testhost *host = plugin_start("tracker");
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
    struct testhost *host = plugin_start("tracker");
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
    struct testhost *host = plugin_start("tracker");
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
    struct testhost *host = plugin_start("tracker");
    struct atlas_kafka_record record = event_record(host, 1.0, NOW_S - 61);
    atlas_status_t status;

    CU_ASSERT_EQUAL(testhost_consume(host, "index_positions", &record, 1, &status), ATLAS_OK);
    CU_ASSERT_EQUAL(status, ATLAS_OK);
    CU_ASSERT_FALSE(testhost_did(host, "redis"));
    testhost_close(host);
}

static void test_tracker_batch_waits_for_redis(void)
{
    struct testhost *host = plugin_start("tracker");
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

static void test_tracker_forgets_in_batches(void)
{
    struct testhost *host = plugin_start("tracker");

    testhost_redis_integer(host, "EVALSHA", 1000);
    testhost_redis_integer(host, "EVALSHA", 7);
    CU_ASSERT_EQUAL(testhost_background(host, "expire_drivers", 0), ATLAS_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_journal(host), " 1704067140000000 1000\n"));
    testhost_close(host);
}

static void test_tracker_checks_its_configuration(void)
{
    struct testhost *host = plugin_open("tracker");

    testhost_set(host, "default_radius_km", "60");
    CU_ASSERT_EQUAL(testhost_start(host), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_message(host), "radius_limit_km"));
    testhost_set(host, "default_radius_km", "5");
    testhost_set(host, "default_limit", "101");
    CU_ASSERT_EQUAL(testhost_start(host), ATLAS_INVALID_ARGUMENT);
    testhost_close(host);
}

UNIT_MAIN("tracker positions", UNIT_TEST(test_tracker_update_publishes_the_position),
          UNIT_TEST(test_tracker_update_refuses_bad_fields),
          UNIT_TEST(test_tracker_update_needs_the_broker),
          UNIT_TEST(test_tracker_batch_is_one_write),
          UNIT_TEST(test_tracker_batch_loads_a_forgotten_script),
          UNIT_TEST(test_tracker_batch_rejects_what_it_cannot_read),
          UNIT_TEST(test_tracker_batch_skips_what_is_outdated),
          UNIT_TEST(test_tracker_batch_waits_for_redis), UNIT_TEST(test_tracker_forgets_in_batches),
          UNIT_TEST(test_tracker_checks_its_configuration))
