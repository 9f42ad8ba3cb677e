/* Every host call of every method of the gateway failing in turn. */
#include "gateway_script.h"

/* A method that is handed on: the handler, who answers behind it, and both messages. */
struct handed_on {
    const char *method;
    const char *path;
    const ProtobufCMessage *request;
    const ProtobufCMessage *response;
};

static atlas_status_t run_handed_on(struct testhost *host, void *arg)
{
    const struct handed_on *one = arg;
    struct atlas_bytes bytes;

    CU_ASSERT_EQUAL_FATAL(atlas_message_pack(testhost_caller(host), one->request, &bytes),
                          ATLAS_OK);
    reply(host, one->path, one->response);
    return testhost_call(host, one->method, &bytes, 1, NULL, NULL);
}

static void check_handed_on(struct handed_on *methods, size_t count)
{
    struct testhost *host = plugin_start("gateway");

    for (size_t i = 0; i < count; i++) {
        struct testhost_operation operation = {run_handed_on, testhost_verify_all_or_nothing,
                                               &methods[i]};
        plugin_check_faults(host, &operation, 1);
    }
    testhost_close(host);
}

static void test_faults_of_orders_and_rides_handed_on(void)
{
    Atlas__Order__V1__CreateOrderRequest create = ATLAS__ORDER__V1__CREATE_ORDER_REQUEST__INIT;
    Atlas__Order__V1__CreateOrderResponse created = ATLAS__ORDER__V1__CREATE_ORDER_RESPONSE__INIT;
    Atlas__Order__V1__UpdateOrderStatusRequest move =
        ATLAS__ORDER__V1__UPDATE_ORDER_STATUS_REQUEST__INIT;
    Atlas__Order__V1__UpdateOrderStatusResponse moved =
        ATLAS__ORDER__V1__UPDATE_ORDER_STATUS_RESPONSE__INIT;
    Atlas__Dispatch__V1__RequestRideRequest ride = ATLAS__DISPATCH__V1__REQUEST_RIDE_REQUEST__INIT;
    Atlas__Dispatch__V1__RequestRideResponse found =
        ATLAS__DISPATCH__V1__REQUEST_RIDE_RESPONSE__INIT;
    struct handed_on methods[] = {
        {GATEWAY "CreateOrder", CREATE_ORDER, &create.base, &created.base},
        {GATEWAY "UpdateOrderStatus", UPDATE_STATUS, &move.base, &moved.base},
        {GATEWAY "RequestRide", REQUEST_RIDE, &ride.base, &found.base},
    };

    create.passenger_id = user_id;
    created.order_id = move.order_id = moved.order_id = ride.order_id = found.ride_id = order_id;
    found.driver_id = driver_id;
    check_handed_on(methods, ATLAS_COUNT(methods));
}

static void test_faults_of_positions_and_wallets_handed_on(void)
{
    Atlas__Tracker__V1__UpdateLocationRequest place =
        ATLAS__TRACKER__V1__UPDATE_LOCATION_REQUEST__INIT;
    Atlas__Tracker__V1__UpdateLocationResponse placed =
        ATLAS__TRACKER__V1__UPDATE_LOCATION_RESPONSE__INIT;
    Atlas__Wallet__V1__GetBalanceRequest show = ATLAS__WALLET__V1__GET_BALANCE_REQUEST__INIT;
    Atlas__Wallet__V1__GetBalanceResponse shown = ATLAS__WALLET__V1__GET_BALANCE_RESPONSE__INIT;
    Atlas__Wallet__V1__CreditBalanceRequest credit =
        ATLAS__WALLET__V1__CREDIT_BALANCE_REQUEST__INIT;
    Atlas__Wallet__V1__CreditBalanceResponse credited =
        ATLAS__WALLET__V1__CREDIT_BALANCE_RESPONSE__INIT;
    struct handed_on methods[] = {
        {GATEWAY "UpdateLocation", LOCATION, &place.base, &placed.base},
        {GATEWAY "GetWallet", BALANCE, &show.base, &shown.base},
        {GATEWAY "CreditWallet", CREDIT, &credit.base, &credited.base},
    };

    place.driver_id = driver_id;
    placed.accepted = true;
    show.user_id = shown.user_id = credit.user_id = user_id;
    check_handed_on(methods, ATLAS_COUNT(methods));
}

static atlas_status_t run_get_order(struct testhost *host, void *arg)
{
    OrderView *view;

    (void)arg;
    reply_order(host, GET_ORDER, driver_id);
    reply_driver(host);
    return get_order(host, order_id, &view);
}

static atlas_status_t run_overview(struct testhost *host, void *arg)
{
    Overview *overview;

    (void)arg;
    reply_balance(host);
    reply_order(host, LATEST_ORDER, driver_id);
    reply_nearby(host);
    return get_overview(host, &overview);
}

/* A part may be missing; then the answer is there without it. */
static bool verify_some_parts(struct testhost *host, unsigned int failed, atlas_status_t status,
                              void *arg)
{
    return status == ATLAS_OK || testhost_verify_all_or_nothing(host, failed, status, arg);
}

static void test_faults_of_views_leave_parts_out(void)
{
    const struct testhost_operation operations[] = {
        {run_get_order, verify_some_parts, NULL},
        {run_overview, verify_some_parts, NULL},
    };
    struct testhost *host = plugin_start("gateway");

    plugin_check_faults(host, operations, ATLAS_COUNT(operations));
    testhost_close(host);
}

UNIT_MAIN("gateway faults", UNIT_TEST(test_faults_of_orders_and_rides_handed_on),
          UNIT_TEST(test_faults_of_positions_and_wallets_handed_on),
          UNIT_TEST(test_faults_of_views_leave_parts_out))
