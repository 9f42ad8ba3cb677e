/* Every host call of every operation of the tracker failing in turn. */
#include "tracker_script.h"

static atlas_status_t run_update(struct testhost *host, void *arg)
{
    UpdateRequest req = update_request(1.0, 1.0);

    (void)arg;
    return update(host, &req);
}

static atlas_status_t run_update_with_a_time(struct testhost *host, void *arg)
{
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    UpdateRequest req = update_request(1.0, 1.0);

    (void)arg;
    time.seconds = NOW_S - 1;
    req.timestamp = &time;
    return update(host, &req);
}

static atlas_status_t run_nearby(struct testhost *host, void *arg)
{
    NearbyRequest req = nearby_request();
    NearbyResponse *res;

    (void)arg;
    atlas__tracker__v1__get_nearby_drivers_request__set_limit(&req, 4);
    script_search(host, fresh, 1);
    script_search(host, fresh, 4);
    return atlas_tracker_v1_tracker_get_nearby_drivers(testhost_caller(host), &req, &res);
}

static atlas_status_t run_location(struct testhost *host, void *arg)
{
    LocationRequest req = ATLAS__TRACKER__V1__GET_DRIVER_LOCATION_REQUEST__INIT;
    LocationResponse *res;

    (void)arg;
    req.driver_id = driver_id;
    script_location(host, "1704067199500000");
    return atlas_tracker_v1_tracker_get_driver_location(testhost_caller(host), &req, &res);
}

/* The batch as a whole, as its statuses tell it: nothing may be taken for done that is not. */
static atlas_status_t consume_two(struct testhost *host)
{
    struct atlas_kafka_record records[] = {event_record(host, 1.0, NOW_S),
                                           event_record(host, 2.0, NOW_S)};
    atlas_status_t statuses[2];

    testhost_consume(host, "index_positions", records, 2, statuses);
    return statuses[0] != ATLAS_OK ? statuses[0] : statuses[1];
}

static atlas_status_t run_batch(struct testhost *host, void *arg)
{
    (void)arg;
    testhost_redis_integer(host, "EVALSHA", 2);
    return consume_two(host);
}

static atlas_status_t run_batch_without_script(struct testhost *host, void *arg)
{
    (void)arg;
    testhost_redis_error(host, "EVALSHA", "NOSCRIPT No matching script.");
    testhost_redis_integer(host, "EVAL", 2);
    return consume_two(host);
}

static atlas_status_t run_expire(struct testhost *host, void *arg)
{
    (void)arg;
    testhost_redis_integer(host, "EVALSHA", 1000);
    testhost_redis_integer(host, "EVALSHA", 7);
    return testhost_background(host, "expire_drivers", 0);
}

static void test_faults_leave_nothing_half_done(void)
{
    const struct testhost_operation operations[] = {
        {run_update, testhost_verify_all_or_nothing, NULL},
        {run_update_with_a_time, testhost_verify_all_or_nothing, NULL},
        {run_nearby, testhost_verify_all_or_nothing, NULL},
        {run_location, testhost_verify_all_or_nothing, NULL},
        {run_batch, plugin_verify_comes_again, NULL},
        {run_batch_without_script, plugin_verify_comes_again, NULL},
        {run_expire, testhost_verify_all_or_nothing, NULL},
    };
    struct testhost *host = plugin_start("tracker");

    plugin_check_faults(host, operations, ATLAS_COUNT(operations));
    testhost_close(host);
}

UNIT_MAIN("tracker faults", UNIT_TEST(test_faults_leave_nothing_half_done))
