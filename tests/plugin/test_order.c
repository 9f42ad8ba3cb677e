/* The order plugin in the test host. */
#include "atlas/events/v1/events.atlas.h"
#include "atlas/order/v1/order.atlas.h"
#include "atlas/testhost.h"
#include "support/unit.h"

#define PLUGIN ATLAS_BUILD_DIR "/plugins/order.so"
#define ID     "01890a5d-ac96-774b-bcce-b302099a8057"
#define OTHER  "01890a5d-ac96-774b-bcce-b302099a8058"
#define NOW_US 1704067200000000 /* where the clock of the test host starts */

#define CREATED  ATLAS__ORDER__V1__ORDER_STATUS__CREATED
#define MATCHED  ATLAS__ORDER__V1__ORDER_STATUS__MATCHED
#define STARTED  ATLAS__ORDER__V1__ORDER_STATUS__STARTED
#define FINISHED ATLAS__ORDER__V1__ORDER_STATUS__FINISHED

static struct testhost *open_order(void)
{
    struct testhost *host = testhost_open(PLUGIN);

    CU_ASSERT_PTR_NOT_NULL_FATAL(host);
    CU_ASSERT_EQUAL_FATAL(testhost_start(host), ATLAS_OK);
    return host;
}

/* The columns of an order as the store reads them. */
#define ORDER_VALUES(id, driver, status, version)                                                  \
    atlas_pg_uuid(id), atlas_pg_text("alice"), atlas_pg_text(driver), atlas_pg_float8(52.5),       \
        atlas_pg_float8(13.4), atlas_pg_float8(52.6), atlas_pg_float8(13.5),                       \
        atlas_pg_int4(status), atlas_pg_int8(1830), atlas_pg_text("USD"), atlas_pg_int4(version),  \
        atlas_pg_timestamp(NOW_US - 2000000), atlas_pg_timestamp(NOW_US - 1000000)

static void script_order(struct testhost *host, const char *driver, int status)
{
    testhost_pg_rows(host, "order_find", ATLAS_PG_PARAMS(ORDER_VALUES(ID, driver, status, status)));
}

static Atlas__Events__V1__OrderEvent *event_of(struct testhost *host, const char *statement,
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

/* --- CreateOrder --------------------------------------------------------------------------------
 */

static Atlas__Order__V1__CreateOrderRequest create_request(void)
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

static atlas_status_t create_order(struct testhost *host,
                                   const Atlas__Order__V1__CreateOrderRequest *req,
                                   Atlas__Order__V1__CreateOrderResponse **ret_res)
{
    testhost_pg_rows(host, "order_create", ATLAS_PG_NO_PARAMS);
    return atlas_order_v1_order_create_order(testhost_caller(host), req, ret_res);
}

static void test_create_order_prices_and_tells(void)
{
    struct testhost *host = open_order();
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
    struct testhost *host = testhost_open(PLUGIN);
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
    struct testhost *host = open_order();
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
    struct testhost *host = open_order();
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
    struct testhost *host = open_order();
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

/* --- GetOrder -----------------------------------------------------------------------------------
 */

static void test_get_order_shows_the_row(void)
{
    struct testhost *host = open_order();
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
    struct testhost *host = open_order();
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
    struct testhost *host = open_order();
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

/* --- UpdateOrderStatus --------------------------------------------------------------------------
 */

static atlas_status_t update(struct testhost *host, int asked, const char *driver,
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

static void test_update_moves_to_the_next_state(void)
{
    struct testhost *host = open_order();
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
    struct testhost *host = open_order();
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
    struct testhost *host = open_order();

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
    struct testhost *host = open_order();
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
    struct testhost *host = open_order();
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

/* --- Dispatched rides ---------------------------------------------------------------------------
 */

static struct atlas_kafka_record ride_record(struct testhost *host, const char *order,
                                             const char *driver, int64_t expires_s)
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

static void script_found(struct testhost *host, const char *driver, int status)
{
    testhost_pg_rows(host, "order_find_many",
                     ATLAS_PG_PARAMS(ORDER_VALUES(ID, driver, status, status), atlas_pg_int8(1)));
}

static atlas_status_t consume_one(struct testhost *host, struct atlas_kafka_record record)
{
    atlas_status_t status = ATLAS_UNKNOWN;

    testhost_consume(host, "match_rides", &record, 1, &status);
    return status;
}

static void test_ride_matches_a_created_order(void)
{
    struct testhost *host = open_order();

    script_found(host, NULL, CREATED);
    testhost_pg_rows(host, "order_match", ATLAS_PG_PARAMS(atlas_pg_int8(1)));
    CU_ASSERT_EQUAL(consume_one(host, ride_record(host, ID, "dora", 60)), ATLAS_OK);

    Atlas__Events__V1__OrderEvent *event = event_of(host, "order_match", 3);
    CU_ASSERT_EQUAL(event->status, MATCHED);
    CU_ASSERT_EQUAL(event->version, 2);
    CU_ASSERT_STRING_EQUAL(event->driver_id, "dora");
    testhost_close(host);
}

static void test_ride_repeated_changes_nothing(void)
{
    struct testhost *host = open_order();

    script_found(host, "dora", STARTED);
    CU_ASSERT_EQUAL(consume_one(host, ride_record(host, ID, "dora", 60)), ATLAS_OK);
    CU_ASSERT_FALSE(testhost_did(host, "pg order_match"));
    testhost_close(host);
}

static void test_ride_of_another_driver_is_refused(void)
{
    struct testhost *host = open_order();

    script_found(host, "dora", MATCHED);
    CU_ASSERT_EQUAL(consume_one(host, ride_record(host, ID, "emil", 60)),
                    ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_STRING_EQUAL(testhost_reason(host, 0),
                           "order " ID " is MATCHED with another driver than emil");
    testhost_pg_rows(host, "order_find_many", ATLAS_PG_NO_PARAMS);
    CU_ASSERT_EQUAL(consume_one(host, ride_record(host, ID, "emil", 60)), ATLAS_NOT_FOUND);
    testhost_close(host);
}

static void test_ride_past_its_end_is_ignored(void)
{
    struct testhost *host = open_order();

    script_found(host, NULL, CREATED);
    CU_ASSERT_EQUAL(consume_one(host, ride_record(host, ID, "dora", 0)), ATLAS_OK);
    CU_ASSERT_FALSE(testhost_did(host, "pg order_match"));
    CU_ASSERT(testhost_did(host, "log "));
    testhost_close(host);
}

static void test_ride_of_a_busy_driver_is_refused_alone(void)
{
    struct testhost *host = open_order();
    struct atlas_kafka_record records[2] = {ride_record(host, ID, "dora", 60),
                                            ride_record(host, OTHER, "emil", 60)};
    atlas_status_t statuses[2];

    testhost_pg_rows(host, "order_find_many",
                     ATLAS_PG_PARAMS(ORDER_VALUES(ID, NULL, CREATED, 1), atlas_pg_int8(1),
                                     ORDER_VALUES(OTHER, NULL, CREATED, 1), atlas_pg_int8(2)));
    testhost_pg_fail(host, "order_match", ATLAS_ALREADY_EXISTS, "orders_driver_busy",
                     ATLAS_OUTCOME_NOT_DONE);
    testhost_pg_fail(host, "order_match", ATLAS_ALREADY_EXISTS, "orders_driver_busy",
                     ATLAS_OUTCOME_NOT_DONE);
    testhost_pg_rows(host, "order_match", ATLAS_PG_PARAMS(atlas_pg_int8(1)));
    testhost_consume(host, "match_rides", records, 2, statuses);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_STRING_EQUAL(testhost_reason(host, 0),
                           "order " ID ": driver dora is on another ride");
    CU_ASSERT_EQUAL(statuses[1], ATLAS_OK);
    testhost_close(host);
}

static void test_malformed_ride_is_refused_alone(void)
{
    struct testhost *host = open_order();
    struct atlas_kafka_record records[3] = {testhost_record("x", atlas_str("\xff\xff")),
                                            ride_record(host, ID, "dora", 60),
                                            ride_record(host, "no-uuid", "dora", 60)};
    atlas_status_t statuses[3];

    script_found(host, NULL, CREATED);
    testhost_pg_rows(host, "order_match", ATLAS_PG_PARAMS(atlas_pg_int8(1)));
    testhost_consume(host, "match_rides", records, 3, statuses);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_STRING_NOT_EQUAL(testhost_reason(host, 0), "");
    CU_ASSERT_EQUAL(statuses[1], ATLAS_OK);
    CU_ASSERT_EQUAL(statuses[2], ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_reason(host, 2), "order_id: "));
    testhost_close(host);
}

static void test_ride_twice_in_a_batch_is_written_once(void)
{
    struct testhost *host = open_order();
    struct atlas_kafka_record records[2] = {ride_record(host, ID, "dora", 60),
                                            ride_record(host, ID, "dora", 60)};
    atlas_status_t statuses[2];
    size_t count;

    testhost_pg_rows(host, "order_find_many",
                     ATLAS_PG_PARAMS(ORDER_VALUES(ID, NULL, CREATED, 1), atlas_pg_int8(1),
                                     ORDER_VALUES(ID, NULL, CREATED, 1), atlas_pg_int8(2)));
    testhost_pg_rows(host, "order_match", ATLAS_PG_PARAMS(atlas_pg_int8(1)));
    testhost_consume(host, "match_rides", records, 2, statuses);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_OK);
    CU_ASSERT(atlas_status_is_transient(statuses[1]));
    CU_ASSERT_EQUAL(testhost_pg_params(host, "order_match", &count)[0].as.array.count, 1);
    testhost_close(host);
}

/* --- Faults -------------------------------------------------------------------------------------
 */

static atlas_status_t run_create(struct testhost *host, void *arg)
{
    Atlas__Order__V1__CreateOrderRequest req = create_request();
    Atlas__Order__V1__CreateOrderResponse *res = NULL;

    (void)arg;
    return create_order(host, &req, &res);
}

static atlas_status_t run_update(struct testhost *host, void *arg)
{
    Atlas__Order__V1__UpdateOrderStatusResponse *res = NULL;

    (void)arg;
    script_order(host, "dora", MATCHED);
    testhost_pg_rows(host, "order_advance", ATLAS_PG_PARAMS(atlas_pg_int4(3)));
    return update(host, STARTED, "dora", &res);
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

static atlas_status_t run_match(struct testhost *host, void *arg)
{
    (void)arg;
    script_found(host, NULL, CREATED);
    testhost_pg_rows(host, "order_match", ATLAS_PG_PARAMS(atlas_pg_int8(1)));
    return consume_one(host, ride_record(host, ID, "dora", 60));
}

/* A record is done, or comes again; it is never refused for a fault of the host. */
static bool verify_comes_again(struct testhost *host, unsigned int failed, atlas_status_t status,
                               void *arg)
{
    (void)host;
    (void)arg;
    return failed == 0 ? status == ATLAS_OK : atlas_status_is_transient(status);
}

static void test_faults_leave_nothing_half_done(void)
{
    struct testhost *host = open_order();
    const struct testhost_operation operations[] = {
        {run_create, testhost_verify_all_or_nothing, NULL},
        {run_update, testhost_verify_all_or_nothing, NULL},
        {run_get, testhost_verify_all_or_nothing, NULL},
        {run_match, verify_comes_again, NULL},
    };

    for (size_t i = 0; i < ATLAS_COUNT(operations); i++) {
        CU_ASSERT_EQUAL(testhost_enumerate_faults(host, &operations[i]), 0);
    }
    testhost_close(host);
}

static void test_bad_currency_is_refused_at_start(void)
{
    struct testhost *host = testhost_open(PLUGIN);

    testhost_set(host, "currency", "dollars");
    CU_ASSERT_EQUAL(testhost_start(host), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(
        testhost_message(host),
        "currency: \"dollars\" is no ISO 4217 code; give three capital letters: \"USD\"");
    testhost_close(host);
}

UNIT_MAIN("order", UNIT_TEST(test_create_order_prices_and_tells),
          UNIT_TEST(test_create_order_uses_configured_fare),
          UNIT_TEST(test_create_order_measures_over_the_date_line),
          UNIT_TEST(test_create_order_names_the_bad_field),
          UNIT_TEST(test_ids_are_counted_in_characters), UNIT_TEST(test_get_order_shows_the_row),
          UNIT_TEST(test_get_order_knows_what_is_not_there), UNIT_TEST(test_get_latest_order),
          UNIT_TEST(test_update_moves_to_the_next_state),
          UNIT_TEST(test_update_repeated_is_answered_alike),
          UNIT_TEST(test_update_refuses_illegal_transitions),
          UNIT_TEST(test_update_refuses_unknown_states_and_drivers),
          UNIT_TEST(test_update_judges_anew_after_a_lost_race),
          UNIT_TEST(test_ride_matches_a_created_order),
          UNIT_TEST(test_ride_repeated_changes_nothing),
          UNIT_TEST(test_ride_of_another_driver_is_refused),
          UNIT_TEST(test_ride_past_its_end_is_ignored),
          UNIT_TEST(test_ride_of_a_busy_driver_is_refused_alone),
          UNIT_TEST(test_malformed_ride_is_refused_alone),
          UNIT_TEST(test_ride_twice_in_a_batch_is_written_once),
          UNIT_TEST(test_faults_leave_nothing_half_done),
          UNIT_TEST(test_bad_currency_is_refused_at_start))
