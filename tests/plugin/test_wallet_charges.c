/* The consumer that charges finished orders, in the test host. */
#include "wallet_script.h"

static void test_finished_order_is_charged(void)
{
    struct testhost *host = plugin_start("wallet");
    struct atlas_kafka_record records[2] = {order_record(host, MATCHED, 700, "USD"),
                                            order_record(host, FINISHED, 700, "USD")};
    atlas_status_t statuses[2];
    size_t count;

    script_charged(host);
    CU_ASSERT_EQUAL(testhost_consume(host, "charge_orders", records, 2, statuses), ATLAS_OK);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_OK);
    CU_ASSERT_EQUAL(statuses[1], ATLAS_OK);
    const struct atlas_pg_value *params = testhost_pg_params(host, "wallet_charge", &count);
    CU_ASSERT_EQUAL_FATAL(count, 9);
    CU_ASSERT_EQUAL(params[0].as.array.count, 1);
    CU_ASSERT(atlas_bytes_equal(params[3].as.array.items[0].as.bytes, atlas_str("user/alice/USD")));
    CU_ASSERT(
        atlas_bytes_equal(params[4].as.array.items[0].as.bytes, atlas_str("receivable/alice/USD")));
    CU_ASSERT(atlas_bytes_equal(params[5].as.array.items[0].as.bytes,
                                atlas_str("platform/platform/USD")));
    CU_ASSERT_EQUAL(params[7].as.array.items[0].as.integer, 700);
    testhost_close(host);
}

static void test_order_that_costs_nothing_is_not_charged(void)
{
    struct testhost *host = plugin_start("wallet");
    struct atlas_kafka_record record = order_record(host, FINISHED, 0, "USD");
    atlas_status_t status;

    testhost_consume(host, "charge_orders", &record, 1, &status);
    CU_ASSERT_EQUAL(status, ATLAS_OK);
    CU_ASSERT_FALSE(testhost_did(host, "pg"));
    testhost_close(host);
}

static void test_malformed_event_is_refused_alone(void)
{
    struct testhost *host = plugin_start("wallet");
    struct atlas_kafka_record records[4] = {
        testhost_record("x", atlas_str("\xff\xff")),
        order_record(host, FINISHED, -1, "USD"),
        order_record(host, FINISHED, 700, "dollars"),
        order_record(host, FINISHED, 700, "USD"),
    };
    atlas_status_t statuses[4];

    script_charged(host);
    testhost_consume(host, "charge_orders", records, 4, statuses);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(statuses[1], ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(testhost_reason(host, 1), "price_minor: less than 0");
    CU_ASSERT_STRING_EQUAL(testhost_reason(host, 2), "currency: no ISO 4217 code");
    CU_ASSERT_EQUAL(statuses[3], ATLAS_OK);
    testhost_close(host);
}

static struct atlas_kafka_record record_of(struct testhost *host, char *order_id)
{
    Atlas__Events__V1__OrderEvent event = ATLAS__EVENTS__V1__ORDER_EVENT__INIT;
    struct atlas_bytes bytes = {0};
    char currency[] = "USD";

    event.order_id = order_id;
    event.passenger_id = user;
    event.status = (Atlas__Order__V1__OrderStatus)FINISHED;
    event.price_minor = 700;
    event.currency = currency;
    CU_ASSERT_EQUAL_FATAL(
        atlas__events__v1__order_event__encode(testhost_caller(host), &event, &bytes), ATLAS_OK);
    return testhost_record(order_id, bytes);
}

static void test_order_is_charged_under_one_spelling(void)
{
    struct testhost *host = plugin_start("wallet");
    char capitals[] = "0190A000-0000-7000-8000-00000000000A";
    char other[] = "order 7";
    struct atlas_kafka_record records[2] = {record_of(host, capitals), record_of(host, other)};
    atlas_status_t statuses[2];
    size_t count;

    script_charged(host);
    testhost_consume(host, "charge_orders", records, 2, statuses);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_OK);
    CU_ASSERT_EQUAL(statuses[1], ATLAS_INVALID_ARGUMENT);
    const struct atlas_pg_value *params = testhost_pg_params(host, "wallet_charge", &count);
    CU_ASSERT_EQUAL_FATAL(params[0].as.array.count, 1);
    CU_ASSERT(atlas_bytes_equal(params[0].as.array.items[0].as.bytes,
                                atlas_str("0190a000-0000-7000-8000-00000000000a")));
    testhost_close(host);
}

static void test_refused_batch_is_charged_one_by_one(void)
{
    struct testhost *host = plugin_start("wallet");
    struct atlas_kafka_record records[2] = {order_record(host, FINISHED, 700, "USD"),
                                            order_record(host, FINISHED, 800, "USD")};
    atlas_status_t statuses[2];

    testhost_pg_fail(host, "wallet_charge", ATLAS_OUT_OF_RANGE, NULL, ATLAS_OUTCOME_NOT_DONE);
    testhost_pg_fail(host, "wallet_charge", ATLAS_OUT_OF_RANGE, NULL, ATLAS_OUTCOME_NOT_DONE);
    script_charged(host);
    testhost_consume(host, "charge_orders", records, 2, statuses);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_EQUAL(statuses[1], ATLAS_OK);
    testhost_close(host);
}

static void test_charge_comes_again_while_the_database_is_away(void)
{
    struct testhost *host = plugin_start("wallet");
    struct atlas_kafka_record records[2] = {order_record(host, FINISHED, 700, "USD"),
                                            order_record(host, FINISHED, 800, "USD")};
    atlas_status_t statuses[2];

    testhost_pg_fail(host, "wallet_charge", ATLAS_UNAVAILABLE, NULL, ATLAS_OUTCOME_UNKNOWN);
    testhost_consume(host, "charge_orders", records, 2, statuses);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_UNAVAILABLE);
    CU_ASSERT_EQUAL(statuses[1], ATLAS_UNAVAILABLE);
    testhost_close(host);
}

UNIT_MAIN("wallet charges", UNIT_TEST(test_finished_order_is_charged),
          UNIT_TEST(test_order_that_costs_nothing_is_not_charged),
          UNIT_TEST(test_malformed_event_is_refused_alone),
          UNIT_TEST(test_order_is_charged_under_one_spelling),
          UNIT_TEST(test_refused_batch_is_charged_one_by_one),
          UNIT_TEST(test_charge_comes_again_while_the_database_is_away))
