#include "order_script.h"

void script_order(struct testhost *host, const char *driver, int status)
{
    testhost_pg_rows(host, "order_find", ATLAS_PG_PARAMS(ORDER_VALUES(ID, driver, status, status)));
}

Atlas__Events__V1__OrderEvent *event_of(struct testhost *host, const char *statement,
                                        size_t payload_index)
{
    Atlas__Events__V1__OrderEvent *event = NULL;
    size_t count;
    const struct atlas_pg_value *params = testhost_pg_params(host, statement, &count);

    CU_ASSERT_PTR_NOT_NULL_FATAL(params);
    const struct atlas_pg_value *payload = &params[payload_index];
    if (strcmp(statement, "order_match") == 0) { /* an array of them */
        payload = payload->as.array.items;
    }
    CU_ASSERT_EQUAL_FATAL(
        atlas__events__v1__order_event__decode(testhost_caller(host), payload->as.bytes, &event),
        ATLAS_OK);
    return event;
}

Atlas__Order__V1__CreateOrderRequest create_request(void)
{
    Atlas__Order__V1__CreateOrderRequest req = ATLAS__ORDER__V1__CREATE_ORDER_REQUEST__INIT;
    static char passenger[] = "alice";

    req.passenger_id = passenger;
    atlas__order__v1__create_order_request__set_pickup_lat(&req, 52.0);
    atlas__order__v1__create_order_request__set_pickup_long(&req, 13.0);
    atlas__order__v1__create_order_request__set_dropoff_lat(&req, 53.0);
    atlas__order__v1__create_order_request__set_dropoff_long(&req, 13.0);
    return req;
}

atlas_status_t create_order(struct testhost *host, const Atlas__Order__V1__CreateOrderRequest *req,
                            Atlas__Order__V1__CreateOrderResponse **ret_res)
{
    testhost_pg_rows(host, "order_create", ATLAS_PG_NO_PARAMS);
    return atlas_order_v1_order_create_order(testhost_caller(host), req, ret_res);
}

atlas_status_t update(struct testhost *host, int asked, const char *driver,
                      Atlas__Order__V1__UpdateOrderStatusResponse **ret_res)
{
    Atlas__Order__V1__UpdateOrderStatusRequest req =
        ATLAS__ORDER__V1__UPDATE_ORDER_STATUS_REQUEST__INIT;
    char id[] = ID;
    char driver_id[65];

    req.order_id = id;
    req.status = (Atlas__Order__V1__OrderStatus)asked;
    if (driver != NULL) {
        snprintf(driver_id, sizeof driver_id, "%s", driver);
        atlas__order__v1__update_order_status_request__set_driver_id(&req, driver_id);
    }
    return atlas_order_v1_order_update_order_status(testhost_caller(host), &req, ret_res);
}

struct atlas_kafka_record ride_record(struct testhost *host, const char *order, const char *driver,
                                      int64_t expires_s)
{
    Atlas__Events__V1__RideDispatchedEvent event = ATLAS__EVENTS__V1__RIDE_DISPATCHED_EVENT__INIT;
    Google__Protobuf__Timestamp expires = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    struct atlas_bytes bytes = {0};

    event.order_id = atlas_strdup(testhost_caller(host), order);
    event.driver_id = atlas_strdup(testhost_caller(host), driver);
    expires.seconds = NOW_US / 1000000 + expires_s;
    event.expires_at = &expires;
    CU_ASSERT_EQUAL_FATAL(
        atlas__events__v1__ride_dispatched_event__encode(testhost_caller(host), &event, &bytes),
        ATLAS_OK);
    return testhost_record(order, bytes);
}

void script_orders_of_rides(struct testhost *host, const char *driver, int status)
{
    testhost_pg_rows(host, "order_find_many",
                     ATLAS_PG_PARAMS(ORDER_VALUES(ID, driver, status, status), atlas_pg_int8(1)));
}

atlas_status_t consume_one(struct testhost *host, struct atlas_kafka_record record)
{
    atlas_status_t status = ATLAS_UNKNOWN;

    testhost_consume(host, "match_rides", &record, 1, &status);
    return status;
}
