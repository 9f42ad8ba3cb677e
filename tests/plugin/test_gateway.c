/* The gateway's operations in the test host; the services behind it are scripted. */
#include "gateway_script.h"

enum {
    AVAILABLE = ATLAS__GATEWAY__V1__PART_STATE__AVAILABLE,
    NONE = ATLAS__GATEWAY__V1__PART_STATE__NONE,
    UNAVAILABLE = ATLAS__GATEWAY__V1__PART_STATE__UNAVAILABLE,
};

static char upper_case_id[] = "01890A5D-AC96-774B-BCCE-B302099A8057";

/* --- What is handed on --- */

/* The handler must ask path with the same message and answer with the reply. */
static void expect_handed_on(const char *method, const char *path, const ProtobufCMessage *request,
                             const ProtobufCMessage *response)
{
    struct testhost *host = plugin_start("gateway");
    struct atlas_bytes bytes;
    const struct atlas_bytes *replies = NULL;
    struct atlas_bytes wanted;

    CU_ASSERT_EQUAL_FATAL(atlas_message_pack(testhost_caller(host), request, &bytes), ATLAS_OK);
    CU_ASSERT_EQUAL_FATAL(atlas_message_pack(testhost_caller(host), response, &wanted), ATLAS_OK);
    testhost_client_reply(host, path, wanted);
    CU_ASSERT_EQUAL_FATAL(testhost_call(host, method, &bytes, 1, &replies, NULL), ATLAS_OK);
    CU_ASSERT_TRUE(atlas_bytes_equal(testhost_client_request(host, path), bytes));
    CU_ASSERT_TRUE(atlas_bytes_equal(replies[0], wanted));
    testhost_client_fail(host, path, ATLAS_FAILED_PRECONDITION, "not now");
    CU_ASSERT_EQUAL(testhost_call(host, method, &bytes, 1, NULL, NULL), ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_STRING_EQUAL(testhost_message(host), "not now");
    testhost_close(host);
}

static void test_gateway_hands_on_orders(void)
{
    Atlas__Order__V1__CreateOrderRequest create = ATLAS__ORDER__V1__CREATE_ORDER_REQUEST__INIT;
    Atlas__Order__V1__CreateOrderResponse created = ATLAS__ORDER__V1__CREATE_ORDER_RESPONSE__INIT;
    Atlas__Order__V1__UpdateOrderStatusRequest move =
        ATLAS__ORDER__V1__UPDATE_ORDER_STATUS_REQUEST__INIT;
    Atlas__Order__V1__UpdateOrderStatusResponse moved =
        ATLAS__ORDER__V1__UPDATE_ORDER_STATUS_RESPONSE__INIT;

    create.passenger_id = user_id;
    atlas__order__v1__create_order_request__set_pickup_lat(&create, 0.0);
    created.order_id = order_id;
    created.price_minor = 99;
    expect_handed_on(GATEWAY "CreateOrder", CREATE_ORDER, &create.base, &created.base);
    move.order_id = order_id;
    move.status = ATLAS__ORDER__V1__ORDER_STATUS__STARTED;
    moved.status = ATLAS__ORDER__V1__ORDER_STATUS__STARTED;
    expect_handed_on(GATEWAY "UpdateOrderStatus", UPDATE_STATUS, &move.base, &moved.base);
}

static void test_gateway_hands_on_rides_and_positions(void)
{
    Atlas__Dispatch__V1__RequestRideRequest ride = ATLAS__DISPATCH__V1__REQUEST_RIDE_REQUEST__INIT;
    Atlas__Dispatch__V1__RequestRideResponse found =
        ATLAS__DISPATCH__V1__REQUEST_RIDE_RESPONSE__INIT;
    Atlas__Tracker__V1__UpdateLocationRequest place =
        ATLAS__TRACKER__V1__UPDATE_LOCATION_REQUEST__INIT;
    Atlas__Tracker__V1__UpdateLocationResponse placed =
        ATLAS__TRACKER__V1__UPDATE_LOCATION_RESPONSE__INIT;

    ride.order_id = order_id;
    found.driver_id = driver_id;
    found.status = ATLAS__DISPATCH__V1__RIDE_STATUS__DRIVERS_FOUND;
    expect_handed_on(GATEWAY "RequestRide", REQUEST_RIDE, &ride.base, &found.base);
    place.driver_id = driver_id;
    atlas__tracker__v1__update_location_request__set_latitude(&place, 1.0);
    placed.accepted = true;
    expect_handed_on(GATEWAY "UpdateLocation", LOCATION, &place.base, &placed.base);
}

static void test_gateway_hands_on_wallets(void)
{
    Atlas__Wallet__V1__GetBalanceRequest show = ATLAS__WALLET__V1__GET_BALANCE_REQUEST__INIT;
    Atlas__Wallet__V1__GetBalanceResponse shown = ATLAS__WALLET__V1__GET_BALANCE_RESPONSE__INIT;
    Atlas__Wallet__V1__CreditBalanceRequest credit =
        ATLAS__WALLET__V1__CREDIT_BALANCE_REQUEST__INIT;
    Atlas__Wallet__V1__CreditBalanceResponse credited =
        ATLAS__WALLET__V1__CREDIT_BALANCE_RESPONSE__INIT;

    show.user_id = user_id;
    shown.balance_minor = 7;
    expect_handed_on(GATEWAY "GetWallet", BALANCE, &show.base, &shown.base);
    credit.user_id = user_id;
    credit.amount_minor = 5;
    credited.balance_minor = 12;
    expect_handed_on(GATEWAY "CreditWallet", CREDIT, &credit.base, &credited.base);
}

/* --- GetOrder --- */

static void test_gateway_order_shows_its_driver(void)
{
    struct testhost *host = plugin_start("gateway");
    OrderView *view = NULL;

    reply_order(host, GET_ORDER, driver_id);
    reply_driver(host);
    CU_ASSERT_EQUAL_FATAL(get_order(host, upper_case_id, &view), ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(view->order_id, ORDER_ID);
    CU_ASSERT_STRING_EQUAL(view->passenger_id, user_id);
    CU_ASSERT_EQUAL(view->pickup_long, 11.25);
    CU_ASSERT_EQUAL(view->price_minor, 1234);
    CU_ASSERT_EQUAL(view->status, ATLAS__ORDER__V1__ORDER_STATUS__MATCHED);
    CU_ASSERT_PTR_NOT_NULL_FATAL(view->driver);
    CU_ASSERT_EQUAL(view->driver->latitude, 48.25);
    testhost_close(host);
}

static void test_gateway_order_without_driver_asks_nobody(void)
{
    struct testhost *host = plugin_start("gateway");
    char nobody[] = "";
    OrderView *view = NULL;

    reply_order(host, GET_ORDER, nobody);
    CU_ASSERT_EQUAL_FATAL(get_order(host, order_id, &view), ATLAS_OK);
    CU_ASSERT_PTR_NULL(view->driver);
    CU_ASSERT_FALSE(testhost_did(host, "client " DRIVER));
    testhost_close(host);
}

static void test_gateway_order_is_shown_without_tracker(void)
{
    struct testhost *host = plugin_start("gateway");
    OrderView *view = NULL;

    reply_order(host, GET_ORDER, driver_id);
    testhost_client_fail(host, DRIVER, ATLAS_UNAVAILABLE, "no tracker");
    CU_ASSERT_EQUAL_FATAL(get_order(host, order_id, &view), ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(view->driver_id, driver_id);
    CU_ASSERT_PTR_NULL(view->driver);
    testhost_close(host);
}

static void test_gateway_order_needs_a_uuid_that_exists(void)
{
    struct testhost *host = plugin_start("gateway");
    char bad[] = "12";
    OrderView *view;

    CU_ASSERT_EQUAL(get_order(host, bad, &view), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_EQUAL(strstr(testhost_message(host), "id:"), testhost_message(host));
    testhost_client_fail(host, GET_ORDER, ATLAS_NOT_FOUND, "order " ORDER_ID " does not exist");
    CU_ASSERT_EQUAL(get_order(host, order_id, &view), ATLAS_NOT_FOUND);
    testhost_close(host);
}

/* --- GetOverview --- */

static void expect_states(struct testhost *host, int wallet, int order, int drivers)
{
    Overview *overview = NULL;

    CU_ASSERT_EQUAL_FATAL(get_overview(host, &overview), ATLAS_OK);
    CU_ASSERT_EQUAL((int)overview->wallet->state, wallet);
    CU_ASSERT_EQUAL((int)overview->order->state, order);
    CU_ASSERT_EQUAL((int)overview->drivers->state, drivers);
    CU_ASSERT_EQUAL(overview->wallet->balance != NULL, wallet == AVAILABLE);
    CU_ASSERT_EQUAL(overview->order->order != NULL, order == AVAILABLE);
    CU_ASSERT_EQUAL(overview->drivers->n_drivers, drivers == AVAILABLE ? 1 : 0);
}

static void test_gateway_overview_shows_all_parts(void)
{
    struct testhost *host = plugin_start("gateway");

    reply_balance(host);
    reply_order(host, LATEST_ORDER, driver_id);
    reply_nearby(host);
    expect_states(host, AVAILABLE, AVAILABLE, AVAILABLE);
    testhost_close(host);
}

static void test_gateway_overview_of_a_new_user(void)
{
    struct testhost *host = plugin_start("gateway");

    testhost_client_fail(host, BALANCE, ATLAS_NOT_FOUND, "no wallet");
    testhost_client_fail(host, LATEST_ORDER, ATLAS_NOT_FOUND, "no order");
    expect_states(host, NONE, NONE, NONE);
    testhost_close(host);
}

static void test_gateway_overview_marks_what_does_not_answer(void)
{
    struct testhost *host = plugin_start("gateway");

    testhost_client_fail(host, BALANCE, ATLAS_UNAVAILABLE, "no wallet service");
    reply_order(host, LATEST_ORDER, driver_id);
    testhost_client_fail(host, NEARBY, ATLAS_DEADLINE_EXCEEDED, "too slow");
    expect_states(host, UNAVAILABLE, AVAILABLE, UNAVAILABLE);
    CU_ASSERT_EQUAL(testhost_metric(host, "gateway_parts_missing_total"), 2);
    reply_balance(host);
    testhost_client_fail(host, LATEST_ORDER, ATLAS_UNAVAILABLE, "no order service");
    expect_states(host, AVAILABLE, UNAVAILABLE, UNAVAILABLE);
    testhost_close(host);
}

UNIT_MAIN("gateway", UNIT_TEST(test_gateway_hands_on_orders),
          UNIT_TEST(test_gateway_hands_on_rides_and_positions),
          UNIT_TEST(test_gateway_hands_on_wallets), UNIT_TEST(test_gateway_order_shows_its_driver),
          UNIT_TEST(test_gateway_order_without_driver_asks_nobody),
          UNIT_TEST(test_gateway_order_is_shown_without_tracker),
          UNIT_TEST(test_gateway_order_needs_a_uuid_that_exists),
          UNIT_TEST(test_gateway_overview_shows_all_parts),
          UNIT_TEST(test_gateway_overview_of_a_new_user),
          UNIT_TEST(test_gateway_overview_marks_what_does_not_answer))
