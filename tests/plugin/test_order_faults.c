/* Every host call of every operation of the order plugin failing in turn. */
#include "order_script.h"

static atlas_status_t run_create(struct testhost *host, void *arg)
{
    Atlas__Order__V1__CreateOrderRequest req = create_request();
    Atlas__Order__V1__CreateOrderResponse *res = NULL;

    (void)arg;
    return create_order(host, &req, &res);
}

static atlas_status_t run_get(struct testhost *host, void *arg)
{
    Atlas__Order__V1__GetOrderRequest req = ATLAS__ORDER__V1__GET_ORDER_REQUEST__INIT;
    Atlas__Order__V1__GetOrderResponse *res = NULL;
    char id[] = ID;

    (void)arg;
    req.order_id = id;
    script_order(host, "dora", MATCHED);
    return atlas_order_v1_order_get_order(testhost_caller(host), &req, &res);
}

static atlas_status_t run_get_latest(struct testhost *host, void *arg)
{
    Atlas__Order__V1__GetLatestOrderRequest req = ATLAS__ORDER__V1__GET_LATEST_ORDER_REQUEST__INIT;
    Atlas__Order__V1__GetOrderResponse *res = NULL;
    char passenger[] = "alice";

    (void)arg;
    req.passenger_id = passenger;
    testhost_pg_rows(host, "order_find_latest",
                     ATLAS_PG_PARAMS(ORDER_VALUES(ID, NULL, CREATED, 1)));
    return atlas_order_v1_order_get_latest_order(testhost_caller(host), &req, &res);
}

static atlas_status_t run_update(struct testhost *host, void *arg)
{
    Atlas__Order__V1__UpdateOrderStatusResponse *res = NULL;

    (void)arg;
    script_order(host, "dora", MATCHED);
    testhost_pg_rows(host, "order_advance", ATLAS_PG_PARAMS(atlas_pg_int4(3)));
    return update(host, STARTED, "dora", &res);
}

/* Another request was faster, and moved the order to where it was asked to be. */
static atlas_status_t run_update_lost(struct testhost *host, void *arg)
{
    Atlas__Order__V1__UpdateOrderStatusResponse *res = NULL;

    (void)arg;
    script_order(host, "dora", MATCHED);
    testhost_pg_rows(host, "order_advance", ATLAS_PG_NO_PARAMS);
    script_order(host, "dora", STARTED);
    return update(host, STARTED, "dora", &res);
}

static atlas_status_t run_match(struct testhost *host, void *arg)
{
    (void)arg;
    script_orders_of_rides(host, NULL, CREATED);
    testhost_pg_rows(host, "order_match", ATLAS_PG_PARAMS(atlas_pg_int8(1)));
    return consume_one(host, ride_record(host, ID, "dora", 60));
}

static atlas_status_t run_match_again(struct testhost *host, void *arg)
{
    (void)arg;
    script_orders_of_rides(host, "dora", MATCHED);
    return consume_one(host, ride_record(host, ID, "dora", 60));
}

/* The driver is on another ride, in the batch and alone. */
static atlas_status_t run_match_busy(struct testhost *host, void *arg)
{
    (void)arg;
    script_orders_of_rides(host, NULL, CREATED);
    for (int i = 0; i < 2; i++) {
        testhost_pg_fail(host, "order_match", ATLAS_ALREADY_EXISTS, "orders_driver_busy",
                         ATLAS_OUTCOME_NOT_DONE);
    }
    return consume_one(host, ride_record(host, ID, "dora", 60));
}

static bool verify_busy(struct testhost *host, unsigned int failed, atlas_status_t status,
                        void *arg)
{
    (void)host;
    (void)arg;
    return plugin_is_refused_or_again(failed, status, ATLAS_FAILED_PRECONDITION);
}

static atlas_status_t run_match_unreadable(struct testhost *host, void *arg)
{
    (void)arg;
    return consume_one(host, ride_record(host, "no-uuid", "dora", 60));
}

static bool verify_unreadable(struct testhost *host, unsigned int failed, atlas_status_t status,
                              void *arg)
{
    (void)host;
    (void)arg;
    return plugin_is_refused_or_again(failed, status, ATLAS_INVALID_ARGUMENT);
}

static void test_faults_leave_nothing_half_done(void)
{
    const struct testhost_operation operations[] = {
        {run_create, testhost_verify_all_or_nothing, NULL},
        {run_get, testhost_verify_all_or_nothing, NULL},
        {run_get_latest, testhost_verify_all_or_nothing, NULL},
        {run_update, testhost_verify_all_or_nothing, NULL},
        {run_update_lost, testhost_verify_all_or_nothing, NULL},
        {run_match, plugin_verify_comes_again, NULL},
        {run_match_again, plugin_verify_comes_again, NULL},
        {run_match_busy, verify_busy, NULL},
        {run_match_unreadable, verify_unreadable, NULL},
    };
    struct testhost *host = plugin_start("order");

    plugin_check_faults(host, operations, ATLAS_COUNT(operations));
    testhost_close(host);
}

UNIT_MAIN("order faults", UNIT_TEST(test_faults_leave_nothing_half_done))
