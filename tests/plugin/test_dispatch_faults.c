/* Every host call of every operation of the dispatch plugin failing in turn. */
#include "dispatch_script.h"

static atlas_status_t run_request(struct testhost *host, void *arg)
{
    Atlas__Dispatch__V1__RequestRideResponse *res = NULL;

    (void)arg;
    script_no_reservation(host);
    script_order(host, "", CREATED);
    script_nearby(host, 2);
    script_picked(host, "d1", false);
    script_no_reservation(host);
    script_nearby(host, 2);
    script_picked(host, "d2", true);
    return request(host, "alice", &res);
}

static atlas_status_t run_request_again(struct testhost *host, void *arg)
{
    Atlas__Dispatch__V1__RequestRideResponse *res = NULL;

    (void)arg;
    script_reservation(host, "d1");
    return request(host, "alice", &res);
}

/* The nearest are busy, and so are those behind them. */
static atlas_status_t run_request_in_vain(struct testhost *host, void *arg)
{
    Atlas__Dispatch__V1__RequestRideResponse *res = NULL;

    (void)arg;
    script_no_reservation(host);
    script_order(host, "", CREATED);
    script_nearby(host, 2);
    testhost_pg_rows(host, "dispatch_reserve", ATLAS_PG_NO_PARAMS);
    script_nearby(host, 3);
    testhost_pg_rows(host, "dispatch_reserve", ATLAS_PG_NO_PARAMS);
    script_no_reservation(host);
    return request(host, "alice", &res);
}

static atlas_status_t run_events(struct testhost *host, void *arg)
{
    struct atlas_kafka_record records[2] = {order_record(host, MATCHED, "d1"),
                                            order_record(host, FINISHED, "d1")};
    atlas_status_t statuses[2];

    (void)arg;
    testhost_pg_affected(host, "dispatch_confirm", 1);
    testhost_pg_affected(host, "dispatch_release", 1);
    testhost_consume(host, "follow_orders", records, 2, statuses);
    return statuses[0] != ATLAS_OK ? statuses[0] : statuses[1];
}

/* A record that cannot be read in front: it is refused, or comes again with the rest. */
static atlas_status_t run_events_with_a_bad_one(struct testhost *host, void *arg)
{
    struct atlas_kafka_record records[2] = {order_record(host, 17, "d1"),
                                            order_record(host, FINISHED, "d1")};
    atlas_status_t *statuses = arg;

    testhost_pg_affected(host, "dispatch_release", 1);
    testhost_consume(host, "follow_orders", records, 2, statuses);
    return statuses[1];
}

static bool verify_bad_one(struct testhost *host, unsigned int failed, atlas_status_t status,
                           void *arg)
{
    const atlas_status_t *statuses = arg;

    return plugin_is_refused_or_again(failed, statuses[0], ATLAS_INVALID_ARGUMENT) &&
           (status == ATLAS_OK || plugin_verify_comes_again(host, failed, status, NULL));
}

static atlas_status_t run_sweep_expire(struct testhost *host, void *arg)
{
    (void)arg;
    script_order(host, "", CREATED);
    testhost_pg_affected(host, "dispatch_expire", 1);
    return sweep(host);
}

static atlas_status_t run_sweep_confirm(struct testhost *host, void *arg)
{
    (void)arg;
    script_order(host, "d1", STARTED);
    testhost_pg_affected(host, "dispatch_confirm", 1);
    return sweep(host);
}

static atlas_status_t run_sweep_release(struct testhost *host, void *arg)
{
    (void)arg;
    script_order(host, "d1", FINISHED);
    testhost_pg_affected(host, "dispatch_release", 1);
    return sweep(host);
}

static void test_faults_leave_nothing_half_done(void)
{
    atlas_status_t statuses[2];
    const struct testhost_operation operations[] = {
        {run_request, testhost_verify_all_or_nothing, NULL},
        {run_request_again, testhost_verify_all_or_nothing, NULL},
        {run_request_in_vain, testhost_verify_all_or_nothing, NULL},
        {run_events, plugin_verify_comes_again, NULL},
        {run_events_with_a_bad_one, verify_bad_one, statuses},
        {run_sweep_expire, testhost_verify_all_or_nothing, NULL},
        {run_sweep_confirm, testhost_verify_all_or_nothing, NULL},
        {run_sweep_release, testhost_verify_all_or_nothing, NULL},
    };
    struct testhost *host = start_dispatch();

    plugin_check_faults(host, operations, ATLAS_COUNT(operations));
    testhost_close(host);
}

UNIT_MAIN("dispatch faults", UNIT_TEST(test_faults_leave_nothing_half_done))
