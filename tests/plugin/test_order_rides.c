/* The consumer of dispatched rides in the test host. */
#include "order_script.h"

static void test_ride_matches_a_created_order(void)
{
    struct testhost *host = plugin_start("order");

    script_orders_of_rides(host, NULL, CREATED);
    testhost_pg_rows(host, "order_match", ATLAS_PG_PARAMS(atlas_pg_int8(1)));
    CU_ASSERT_EQUAL(consume_one(host, ride_record(host, ID, "dora", 60)), ATLAS_OK);

    Atlas__Events__V1__OrderEvent *event = event_of(host, "order_match", 3);
    CU_ASSERT_EQUAL(event->status, MATCHED);
    CU_ASSERT_EQUAL(event->version, 2);
    CU_ASSERT_STRING_EQUAL(event->driver_id, "dora");
    testhost_close(host);
}

static void test_ride_repeated_changes_nothing(void)
{
    struct testhost *host = plugin_start("order");

    script_orders_of_rides(host, "dora", STARTED);
    CU_ASSERT_EQUAL(consume_one(host, ride_record(host, ID, "dora", 60)), ATLAS_OK);
    CU_ASSERT_FALSE(testhost_did(host, "pg order_match"));
    testhost_close(host);
}

static void test_ride_of_another_driver_is_refused(void)
{
    struct testhost *host = plugin_start("order");

    script_orders_of_rides(host, "dora", MATCHED);
    CU_ASSERT_EQUAL(consume_one(host, ride_record(host, ID, "emil", 60)),
                    ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_STRING_EQUAL(testhost_reason(host, 0),
                           "order " ID " is MATCHED with another driver than emil");
    testhost_pg_rows(host, "order_find_many", ATLAS_PG_NO_PARAMS);
    CU_ASSERT_EQUAL(consume_one(host, ride_record(host, ID, "emil", 60)), ATLAS_NOT_FOUND);
    testhost_close(host);
}

static void test_ride_past_its_end_is_ignored(void)
{
    struct testhost *host = plugin_start("order");

    script_orders_of_rides(host, NULL, CREATED);
    CU_ASSERT_EQUAL(consume_one(host, ride_record(host, ID, "dora", 0)), ATLAS_OK);
    CU_ASSERT_FALSE(testhost_did(host, "pg order_match"));
    CU_ASSERT(testhost_did(host, "log "));
    testhost_close(host);
}

static void test_ride_of_a_busy_driver_is_refused_alone(void)
{
    struct testhost *host = plugin_start("order");
    struct atlas_kafka_record records[2] = {ride_record(host, ID, "dora", 60),
                                            ride_record(host, OTHER, "emil", 60)};
    atlas_status_t statuses[2];

    testhost_pg_rows(host, "order_find_many",
                     ATLAS_PG_PARAMS(ORDER_VALUES(ID, NULL, CREATED, 1), atlas_pg_int8(1),
                                     ORDER_VALUES(OTHER, NULL, CREATED, 1), atlas_pg_int8(2)));
    testhost_pg_fail(host, "order_match", ATLAS_ALREADY_EXISTS, "orders_driver_busy",
                     ATLAS_OUTCOME_NOT_DONE);
    testhost_pg_fail(host, "order_match", ATLAS_ALREADY_EXISTS, "orders_driver_busy",
                     ATLAS_OUTCOME_NOT_DONE);
    testhost_pg_rows(host, "order_match", ATLAS_PG_PARAMS(atlas_pg_int8(1)));
    testhost_consume(host, "match_rides", records, 2, statuses);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_STRING_EQUAL(testhost_reason(host, 0),
                           "order " ID ": driver dora is on another ride");
    CU_ASSERT_EQUAL(statuses[1], ATLAS_OK);
    testhost_close(host);
}

static void test_malformed_ride_is_refused_alone(void)
{
    struct testhost *host = plugin_start("order");
    struct atlas_kafka_record records[3] = {testhost_record("x", atlas_str("\xff\xff")),
                                            ride_record(host, ID, "dora", 60),
                                            ride_record(host, "no-uuid", "dora", 60)};
    atlas_status_t statuses[3];

    script_orders_of_rides(host, NULL, CREATED);
    testhost_pg_rows(host, "order_match", ATLAS_PG_PARAMS(atlas_pg_int8(1)));
    testhost_consume(host, "match_rides", records, 3, statuses);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_STRING_NOT_EQUAL(testhost_reason(host, 0), "");
    CU_ASSERT_EQUAL(statuses[1], ATLAS_OK);
    CU_ASSERT_EQUAL(statuses[2], ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_reason(host, 2), "order_id: "));
    testhost_close(host);
}

static void test_ride_twice_in_a_batch_is_written_once(void)
{
    struct testhost *host = plugin_start("order");
    struct atlas_kafka_record records[2] = {ride_record(host, ID, "dora", 60),
                                            ride_record(host, ID, "dora", 60)};
    atlas_status_t statuses[2];
    size_t count;

    testhost_pg_rows(host, "order_find_many",
                     ATLAS_PG_PARAMS(ORDER_VALUES(ID, NULL, CREATED, 1), atlas_pg_int8(1),
                                     ORDER_VALUES(ID, NULL, CREATED, 1), atlas_pg_int8(2)));
    testhost_pg_rows(host, "order_match", ATLAS_PG_PARAMS(atlas_pg_int8(1)));
    testhost_consume(host, "match_rides", records, 2, statuses);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_OK);
    CU_ASSERT(atlas_status_is_transient(statuses[1]));
    CU_ASSERT_EQUAL(testhost_pg_params(host, "order_match", &count)[0].as.array.count, 1);
    testhost_close(host);
}

static void test_rows_beyond_the_batch_are_an_error(void)
{
    struct testhost *host = plugin_start("order");

    testhost_pg_rows(host, "order_find_many",
                     ATLAS_PG_PARAMS(ORDER_VALUES(ID, NULL, CREATED, 1), atlas_pg_int8(2)));
    CU_ASSERT_EQUAL(consume_one(host, ride_record(host, ID, "dora", 60)), ATLAS_INTERNAL);
    CU_ASSERT_FALSE(testhost_did(host, "pg order_match"));
    testhost_close(host);
}

UNIT_MAIN("order rides", UNIT_TEST(test_ride_matches_a_created_order),
          UNIT_TEST(test_ride_repeated_changes_nothing),
          UNIT_TEST(test_ride_of_another_driver_is_refused),
          UNIT_TEST(test_ride_past_its_end_is_ignored),
          UNIT_TEST(test_ride_of_a_busy_driver_is_refused_alone),
          UNIT_TEST(test_malformed_ride_is_refused_alone),
          UNIT_TEST(test_ride_twice_in_a_batch_is_written_once),
          UNIT_TEST(test_rows_beyond_the_batch_are_an_error))
