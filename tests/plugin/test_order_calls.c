/* CreateOrder, GetOrder and UpdateOrderStatus in the test host. */
#include "order_script.h"

/* --- CreateOrder --- */

static void test_create_order_prices_and_tells(void)
{
    struct testhost *host = plugin_start("order");
    Atlas__Order__V1__CreateOrderRequest req = create_request();
    Atlas__Order__V1__CreateOrderResponse *res = NULL;
    char uuid[ATLAS_UUID_SIZE];

    CU_ASSERT_EQUAL_FATAL(create_order(host, &req, &res), ATLAS_OK);
    CU_ASSERT(atlas_uuid_parse(res->order_id, uuid));
    CU_ASSERT_EQUAL(res->status, CREATED);
    CU_ASSERT_STRING_EQUAL(res->currency, "USD");
    /* One degree of latitude is 111,195 m: 250 + 120 * 111.195, rounded. */
    CU_ASSERT_EQUAL(res->price_minor, 13593);

    Atlas__Events__V1__OrderEvent *event = event_of(host, "order_create", 13);
    CU_ASSERT_STRING_EQUAL(event->order_id, res->order_id);
    CU_ASSERT_STRING_EQUAL(event->passenger_id, "alice");
    CU_ASSERT_STRING_EQUAL(event->driver_id, "");
    CU_ASSERT_EQUAL(event->status, CREATED);
    CU_ASSERT_EQUAL(event->price_minor, 13593);
    CU_ASSERT_EQUAL(event->version, 1);
    CU_ASSERT_EQUAL(event->occurred_at->seconds, NOW_US / 1000000);
    testhost_close(host);
}

static void test_create_order_uses_configured_fare(void)
{
    struct testhost *host = plugin_open("order");
    Atlas__Order__V1__CreateOrderRequest req = create_request();
    Atlas__Order__V1__CreateOrderResponse *res = NULL;

    testhost_set(host, "fare_base_minor", "1000");
    testhost_set(host, "fare_per_km_minor", "0");
    testhost_set(host, "currency", "EUR");
    CU_ASSERT_EQUAL_FATAL(testhost_start(host), ATLAS_OK);
    CU_ASSERT_EQUAL_FATAL(create_order(host, &req, &res), ATLAS_OK);
    CU_ASSERT_EQUAL(res->price_minor, 1000);
    CU_ASSERT_STRING_EQUAL(res->currency, "EUR");
    testhost_close(host);
}

static void test_create_order_measures_over_the_date_line(void)
{
    struct testhost *host = plugin_start("order");
    Atlas__Order__V1__CreateOrderRequest req = create_request();
    Atlas__Order__V1__CreateOrderResponse *res = NULL;

    req.pickup_lat = req.dropoff_lat = 0;
    req.pickup_long = 179.5;
    req.dropoff_long = -179.5;
    CU_ASSERT_EQUAL_FATAL(create_order(host, &req, &res), ATLAS_OK);
    CU_ASSERT_EQUAL(res->price_minor, 13593);
    testhost_close(host);
}

static void check_refused(struct testhost *host, const Atlas__Order__V1__CreateOrderRequest *req,
                          const char *message)
{
    Atlas__Order__V1__CreateOrderResponse *res = NULL;

    CU_ASSERT_EQUAL(create_order(host, req, &res), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(testhost_message(host), message);
    CU_ASSERT_FALSE(testhost_did(host, "pg"));
    testhost_reset(host);
}

static void test_create_order_names_the_bad_field(void)
{
    struct testhost *host = plugin_start("order");
    Atlas__Order__V1__CreateOrderRequest req = create_request();
    char long_id[66];

    req.pickup_lat = 90.5;
    check_refused(host, &req, "pickup_lat: must be from -90 to 90 degrees");
    req = create_request();
    req.dropoff_long = -180.01;
    check_refused(host, &req, "dropoff_long: must be from -180 to 180 degrees");
    req = create_request();
    req.pickup_long = strtod("nan", NULL);
    check_refused(host, &req, "pickup_long: must be from -180 to 180 degrees");
    req = create_request();
    req._dropoff_lat_case = ATLAS__ORDER__V1__CREATE_ORDER_REQUEST___DROPOFF_LAT__NOT_SET;
    check_refused(host, &req, "dropoff_lat: must be given");
    req = create_request();
    memset(long_id, 'x', 65);
    long_id[65] = '\0';
    req.passenger_id = long_id;
    check_refused(host, &req, "passenger_id: must have 1 to 64 characters");
    snprintf(long_id, sizeof long_id, "tab\there");
    check_refused(host, &req, "passenger_id: has a character that is not printable");
    testhost_close(host);
}

static void test_ids_are_counted_in_characters(void)
{
    struct testhost *host = plugin_start("order");
    Atlas__Order__V1__CreateOrderRequest req = create_request();
    Atlas__Order__V1__CreateOrderResponse *res = NULL;
    char id[2 * 65 + 1];

    for (size_t i = 0; i < 65; i++) {
        memcpy(id + 2 * i, "\xc3\xa4", 2);
    }
    id[2 * 64] = '\0';
    req.passenger_id = id;
    CU_ASSERT_EQUAL(create_order(host, &req, &res), ATLAS_OK);
    testhost_close(host);
}

static void test_bad_currency_is_refused_at_start(void)
{
    struct testhost *host = plugin_open("order");

    testhost_set(host, "currency", "dollars");
    CU_ASSERT_EQUAL(testhost_start(host), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(
        testhost_message(host),
        "currency: \"dollars\" is no ISO 4217 code; give three capital letters: \"USD\"");
    testhost_close(host);
}

/* --- GetOrder --- */

static void test_get_order_shows_the_row(void)
{
    struct testhost *host = plugin_start("order");
    Atlas__Order__V1__GetOrderRequest req = ATLAS__ORDER__V1__GET_ORDER_REQUEST__INIT;
    Atlas__Order__V1__GetOrderResponse *res = NULL;
    char id[] = "01890A5D-AC96-774B-BCCE-B302099A8057";

    req.order_id = id;
    script_order(host, "dora", MATCHED);
    CU_ASSERT_EQUAL_FATAL(atlas_order_v1_order_get_order(testhost_caller(host), &req, &res),
                          ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(res->order_id, ID);
    CU_ASSERT_STRING_EQUAL(res->passenger_id, "alice");
    CU_ASSERT_STRING_EQUAL(res->driver_id, "dora");
    CU_ASSERT_DOUBLE_EQUAL(res->pickup_lat, 52.5, 0);
    CU_ASSERT_DOUBLE_EQUAL(res->dropoff_long, 13.5, 0);
    CU_ASSERT_EQUAL(res->status, MATCHED);
    CU_ASSERT_EQUAL(res->price_minor, 1830);
    CU_ASSERT_EQUAL(res->version, 2);
    CU_ASSERT_EQUAL(res->created_at->seconds, NOW_US / 1000000 - 2);
    CU_ASSERT(testhost_did(host, "pg order_find " ID));
    testhost_close(host);
}

static void test_get_order_knows_what_is_not_there(void)
{
    struct testhost *host = plugin_start("order");
    Atlas__Order__V1__GetOrderRequest req = ATLAS__ORDER__V1__GET_ORDER_REQUEST__INIT;
    Atlas__Order__V1__GetOrderResponse *res = NULL;
    char id[] = ID;
    char no_id[] = "customer-123";

    req.order_id = id;
    testhost_pg_rows(host, "order_find", ATLAS_PG_NO_PARAMS);
    CU_ASSERT_EQUAL(atlas_order_v1_order_get_order(testhost_caller(host), &req, &res),
                    ATLAS_NOT_FOUND);
    CU_ASSERT_STRING_EQUAL(testhost_message(host), "order " ID " does not exist");
    req.order_id = no_id;
    CU_ASSERT_EQUAL(atlas_order_v1_order_get_order(testhost_caller(host), &req, &res),
                    ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_message(host), "order_id: must be a UUID"));
    testhost_close(host);
}

static void test_get_latest_order(void)
{
    struct testhost *host = plugin_start("order");
    Atlas__Order__V1__GetLatestOrderRequest req = ATLAS__ORDER__V1__GET_LATEST_ORDER_REQUEST__INIT;
    Atlas__Order__V1__GetOrderResponse *res = NULL;
    char passenger[] = "alice";

    req.passenger_id = passenger;
    testhost_pg_rows(host, "order_find_latest",
                     ATLAS_PG_PARAMS(ORDER_VALUES(ID, NULL, CREATED, 1)));
    CU_ASSERT_EQUAL_FATAL(atlas_order_v1_order_get_latest_order(testhost_caller(host), &req, &res),
                          ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(res->order_id, ID);
    CU_ASSERT_STRING_EQUAL(res->driver_id, "");
    testhost_pg_rows(host, "order_find_latest", ATLAS_PG_NO_PARAMS);
    CU_ASSERT_EQUAL(atlas_order_v1_order_get_latest_order(testhost_caller(host), &req, &res),
                    ATLAS_NOT_FOUND);
    testhost_close(host);
}

/* --- UpdateOrderStatus --- */

static void test_update_moves_to_the_next_state(void)
{
    struct testhost *host = plugin_start("order");
    Atlas__Order__V1__UpdateOrderStatusResponse *res = NULL;

    script_order(host, "dora", MATCHED);
    testhost_pg_rows(host, "order_advance", ATLAS_PG_PARAMS(atlas_pg_int4(3)));
    CU_ASSERT_EQUAL_FATAL(update(host, STARTED, "dora", &res), ATLAS_OK);
    CU_ASSERT_EQUAL(res->status, STARTED);
    CU_ASSERT_EQUAL(res->updated_at->seconds, NOW_US / 1000000);
    CU_ASSERT(testhost_did(host, "pg order_advance " ID " 2 2 3 "));

    Atlas__Events__V1__OrderEvent *event = event_of(host, "order_advance", 8);
    CU_ASSERT_EQUAL(event->status, STARTED);
    CU_ASSERT_EQUAL(event->version, 3);
    CU_ASSERT_STRING_EQUAL(event->driver_id, "dora");
    CU_ASSERT_EQUAL(event->price_minor, 1830);
    testhost_close(host);
}

static void test_update_repeated_is_answered_alike(void)
{
    struct testhost *host = plugin_start("order");
    Atlas__Order__V1__UpdateOrderStatusResponse *res = NULL;

    script_order(host, "dora", FINISHED);
    CU_ASSERT_EQUAL_FATAL(update(host, FINISHED, NULL, &res), ATLAS_OK);
    CU_ASSERT_EQUAL(res->status, FINISHED);
    CU_ASSERT_EQUAL(res->updated_at->seconds, NOW_US / 1000000 - 1);
    CU_ASSERT_FALSE(testhost_did(host, "pg order_advance"));
    testhost_close(host);
}

static void check_transition_refused(struct testhost *host, int current, int asked,
                                     const char *message)
{
    Atlas__Order__V1__UpdateOrderStatusResponse *res = NULL;

    script_order(host, current == CREATED ? NULL : "dora", current);
    CU_ASSERT_EQUAL(update(host, asked, NULL, &res), ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_STRING_EQUAL(testhost_message(host), message);
    CU_ASSERT_FALSE(testhost_did(host, "pg order_advance"));
    testhost_reset(host);
}

static void test_update_refuses_illegal_transitions(void)
{
    struct testhost *host = plugin_start("order");

    check_transition_refused(host, CREATED, STARTED,
                             "order " ID " is CREATED and cannot become STARTED");
    check_transition_refused(host, CREATED, FINISHED,
                             "order " ID " is CREATED and cannot become FINISHED");
    check_transition_refused(host, MATCHED, FINISHED,
                             "order " ID " is MATCHED and cannot become FINISHED");
    check_transition_refused(host, FINISHED, STARTED,
                             "order " ID " is FINISHED and cannot become STARTED");
    check_transition_refused(host, STARTED, CREATED,
                             "order " ID " is STARTED and cannot become CREATED");
    check_transition_refused(
        host, CREATED, MATCHED,
        "order " ID " is CREATED and cannot become MATCHED; a driver is found by RequestRide");
    testhost_close(host);
}

static void test_update_refuses_unknown_states_and_drivers(void)
{
    struct testhost *host = plugin_start("order");
    Atlas__Order__V1__UpdateOrderStatusResponse *res = NULL;

    CU_ASSERT_EQUAL(update(host, 0, NULL, &res), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(update(host, 9, NULL, &res), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(testhost_message(host),
                           "status: must be one of CREATED, MATCHED, STARTED, FINISHED");
    script_order(host, "dora", MATCHED);
    CU_ASSERT_EQUAL(update(host, STARTED, "emil", &res), ATLAS_PERMISSION_DENIED);
    testhost_pg_rows(host, "order_find", ATLAS_PG_NO_PARAMS);
    CU_ASSERT_EQUAL(update(host, STARTED, NULL, &res), ATLAS_NOT_FOUND);
    testhost_close(host);
}

static void test_update_judges_anew_after_a_lost_race(void)
{
    struct testhost *host = plugin_start("order");
    Atlas__Order__V1__UpdateOrderStatusResponse *res = NULL;

    script_order(host, "dora", MATCHED);
    testhost_pg_rows(host, "order_advance", ATLAS_PG_NO_PARAMS);
    script_order(host, "dora", STARTED);
    CU_ASSERT_EQUAL_FATAL(update(host, STARTED, "dora", &res), ATLAS_OK);
    CU_ASSERT_EQUAL(res->status, STARTED);

    script_order(host, "dora", MATCHED);
    testhost_pg_rows(host, "order_advance", ATLAS_PG_NO_PARAMS);
    script_order(host, "dora", FINISHED);
    CU_ASSERT_EQUAL(update(host, STARTED, "dora", &res), ATLAS_FAILED_PRECONDITION);
    testhost_close(host);
}

UNIT_MAIN("order calls", UNIT_TEST(test_create_order_prices_and_tells),
          UNIT_TEST(test_create_order_uses_configured_fare),
          UNIT_TEST(test_create_order_measures_over_the_date_line),
          UNIT_TEST(test_create_order_names_the_bad_field),
          UNIT_TEST(test_ids_are_counted_in_characters),
          UNIT_TEST(test_bad_currency_is_refused_at_start), UNIT_TEST(test_get_order_shows_the_row),
          UNIT_TEST(test_get_order_knows_what_is_not_there), UNIT_TEST(test_get_latest_order),
          UNIT_TEST(test_update_moves_to_the_next_state),
          UNIT_TEST(test_update_repeated_is_answered_alike),
          UNIT_TEST(test_update_refuses_illegal_transitions),
          UNIT_TEST(test_update_refuses_unknown_states_and_drivers),
          UNIT_TEST(test_update_judges_anew_after_a_lost_race))
