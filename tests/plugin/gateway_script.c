#include "gateway_script.h"

char user_id[] = "user-1";
char driver_id[] = "driver-1";
char order_id[] = ORDER_ID;

void reply(struct testhost *host, const char *path, const ProtobufCMessage *message)
{
    struct atlas_bytes bytes;

    CU_ASSERT_EQUAL_FATAL(atlas_message_pack(testhost_caller(host), message, &bytes), ATLAS_OK);
    testhost_client_reply(host, path, bytes);
}

void reply_order(struct testhost *host, const char *path, char *driver)
{
    Atlas__Order__V1__GetOrderResponse order = ATLAS__ORDER__V1__GET_ORDER_RESPONSE__INIT;

    order.order_id = order_id;
    order.passenger_id = user_id;
    order.driver_id = driver;
    order.pickup_lat = 48.5;
    order.pickup_long = 11.25;
    order.status = ATLAS__ORDER__V1__ORDER_STATUS__MATCHED;
    order.price_minor = 1234;
    order.version = 2;
    reply(host, path, &order.base);
}

void reply_driver(struct testhost *host)
{
    Atlas__Tracker__V1__GetDriverLocationResponse location =
        ATLAS__TRACKER__V1__GET_DRIVER_LOCATION_RESPONSE__INIT;

    location.driver_id = driver_id;
    location.latitude = 48.25;
    reply(host, DRIVER, &location.base);
}

void reply_balance(struct testhost *host)
{
    Atlas__Wallet__V1__GetBalanceResponse balance = ATLAS__WALLET__V1__GET_BALANCE_RESPONSE__INIT;

    balance.user_id = user_id;
    balance.balance_minor = 500;
    reply(host, BALANCE, &balance.base);
}

void reply_nearby(struct testhost *host)
{
    Atlas__Tracker__V1__NearbyDriver driver = ATLAS__TRACKER__V1__NEARBY_DRIVER__INIT;
    Atlas__Tracker__V1__NearbyDriver *drivers[] = {&driver};
    Atlas__Tracker__V1__GetNearbyDriversResponse nearby =
        ATLAS__TRACKER__V1__GET_NEARBY_DRIVERS_RESPONSE__INIT;

    driver.driver_id = driver_id;
    nearby.drivers = drivers;
    nearby.n_drivers = 1;
    reply(host, NEARBY, &nearby.base);
}

atlas_status_t get_order(struct testhost *host, char *id, OrderView **ret_view)
{
    Atlas__Gateway__V1__GetOrderRequest req = ATLAS__GATEWAY__V1__GET_ORDER_REQUEST__INIT;

    req.id = id;
    return atlas_gateway_v1_gateway_get_order(testhost_caller(host), &req, ret_view);
}

atlas_status_t get_overview(struct testhost *host, Overview **ret_overview)
{
    Atlas__Gateway__V1__GetOverviewRequest req = ATLAS__GATEWAY__V1__GET_OVERVIEW_REQUEST__INIT;

    req.user_id = user_id;
    return atlas_gateway_v1_gateway_get_overview(testhost_caller(host), &req, ret_overview);
}
