/* What keeps reservations right, in the test host: order events and the sweeper. */
#include "dispatch_script.h"

/* --- Order events --- */

static void test_events_confirm_and_release(void)
{
    struct testhost *host = start_dispatch();
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
    struct testhost *host = start_dispatch();
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

/* --- The sweeper --- */

static void test_sweep_waits_for_the_grace_period(void)
{
    struct testhost *host = start_dispatch();
    size_t count;

    testhost_pg_rows(host, "dispatch_overdue", ATLAS_PG_NO_PARAMS);
    CU_ASSERT_EQUAL(testhost_background(host, "expire_reservations", 0), ATLAS_OK);
    CU_ASSERT_EQUAL(testhost_pg_params(host, "dispatch_overdue", &count)[0].as.integer,
                    NOW_US - 10 * 1000000LL);
    testhost_close(host);
}

static void test_sweep_expires_what_order_did_not_match(void)
{
    struct testhost *host = start_dispatch();

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
    struct testhost *host = start_dispatch();

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
    struct testhost *host = start_dispatch();

    testhost_client_fail(host, GET_ORDER, ATLAS_UNAVAILABLE, "not connected");
    CU_ASSERT_EQUAL(sweep(host), ATLAS_UNAVAILABLE);
    CU_ASSERT_FALSE(testhost_did(host, "pg dispatch_expire"));
    testhost_close(host);
}

static void script_two_overdue(struct testhost *host)
{
    testhost_pg_rows(host, "dispatch_overdue",
                     ATLAS_PG_PARAMS(atlas_pg_uuid(ID), atlas_pg_text("d1"), atlas_pg_uuid(ID),
                                     atlas_pg_text("d2")));
}

static void test_sweep_goes_on_behind_one_that_cannot_be_settled(void)
{
    struct testhost *host = start_dispatch();

    script_two_overdue(host);
    testhost_client_fail(host, GET_ORDER, ATLAS_INTERNAL, "a row that cannot be read");
    script_order(host, "", CREATED);
    testhost_pg_affected(host, "dispatch_expire", 1);
    CU_ASSERT_EQUAL(testhost_background(host, "expire_reservations", 0), ATLAS_INTERNAL);
    CU_ASSERT(testhost_did(host, "pg dispatch_expire " ID " d2"));
    testhost_reset(host);
    script_two_overdue(host);
    testhost_client_fail(host, GET_ORDER, ATLAS_UNAVAILABLE, "not connected");
    CU_ASSERT_EQUAL(testhost_background(host, "expire_reservations", 0), ATLAS_UNAVAILABLE);
    CU_ASSERT_FALSE(testhost_did(host, "pg dispatch_expire"));
    testhost_close(host);
}

static void test_configuration_that_does_not_go_together(void)
{
    struct testhost *host = plugin_open("dispatch");

    testhost_set(host, "candidates_first", "50");
    testhost_set(host, "candidates_limit", "20");
    CU_ASSERT_EQUAL(testhost_start(host), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(testhost_message(host),
                           "candidates_first: 50 is more than candidates_limit, 20; lower it");
    testhost_close(host);
}

UNIT_MAIN("dispatch upkeep", UNIT_TEST(test_events_confirm_and_release),
          UNIT_TEST(test_malformed_event_is_refused_alone),
          UNIT_TEST(test_sweep_waits_for_the_grace_period),
          UNIT_TEST(test_sweep_expires_what_order_did_not_match),
          UNIT_TEST(test_sweep_follows_an_order_whose_event_is_late),
          UNIT_TEST(test_sweep_decides_nothing_without_order),
          UNIT_TEST(test_sweep_goes_on_behind_one_that_cannot_be_settled),
          UNIT_TEST(test_configuration_that_does_not_go_together))
