#include "tracker_script.h"

char driver_id[] = "driver-1";
const char *const found_names[4] = {"near-0", "near-1", "near-2", "near-3"};
const int fresh[4] = {0, 1, 2, 3};

UpdateRequest update_request(double latitude, double longitude)
{
    UpdateRequest req = ATLAS__TRACKER__V1__UPDATE_LOCATION_REQUEST__INIT;

    req.driver_id = driver_id;
    atlas__tracker__v1__update_location_request__set_latitude(&req, latitude);
    atlas__tracker__v1__update_location_request__set_longitude(&req, longitude);
    return req;
}

atlas_status_t update(struct testhost *host, const UpdateRequest *req)
{
    UpdateResponse *res;

    return atlas_tracker_v1_tracker_update_location(testhost_caller(host), req, &res);
}

struct atlas_kafka_record event_record(struct testhost *host, double latitude, int64_t seconds)
{
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Event event = ATLAS__EVENTS__V1__DRIVER_LOCATION_EVENT__INIT;
    struct atlas_bytes bytes;

    time.seconds = seconds;
    event.driver_id = driver_id;
    event.timestamp = &time;
    atlas__events__v1__driver_location_event__set_latitude(&event, latitude);
    atlas__events__v1__driver_location_event__set_longitude(&event, 2.0);
    CU_ASSERT_EQUAL_FATAL(
        atlas__events__v1__driver_location_event__encode(testhost_caller(host), &event, &bytes),
        ATLAS_OK);
    return testhost_record(driver_id, bytes);
}

static struct atlas_redis_reply text_reply(const char *text)
{
    struct atlas_redis_reply reply = {.type = ATLAS_REDIS_STRING, .string = atlas_str(text)};

    return reply;
}

static struct atlas_redis_reply array_reply(const struct atlas_redis_reply *items, size_t count)
{
    struct atlas_redis_reply reply = {.type = ATLAS_REDIS_ARRAY, .items = items, .count = count};

    return reply;
}

NearbyRequest nearby_request(void)
{
    NearbyRequest req = ATLAS__TRACKER__V1__GET_NEARBY_DRIVERS_REQUEST__INIT;

    atlas__tracker__v1__get_nearby_drivers_request__set_latitude(&req, 50.0);
    atlas__tracker__v1__get_nearby_drivers_request__set_longitude(&req, 7.0);
    return req;
}

void script_search(struct testhost *host, const int *ages_s, size_t count)
{
    struct atlas_redis_reply points[8][2];
    struct atlas_redis_reply found[8][3];
    struct atlas_redis_reply items[8];
    struct atlas_redis_reply times[8];
    char texts[8][32];
    struct atlas_redis_reply all;

    for (size_t i = 0; i < count; i++) {
        points[i][0] = text_reply("7.00100");
        points[i][1] = text_reply("50.00000");
        found[i][0] = text_reply(found_names[i]);
        found[i][1] = text_reply("0.2500");
        found[i][2] = array_reply(points[i], 2);
        items[i] = array_reply(found[i], 3);
        snprintf(texts[i], sizeof texts[i], "%lld", (long long)(NOW_US - ages_s[i] * 1000000LL));
        times[i] = text_reply(texts[i]);
    }
    all = array_reply(items, count);
    testhost_redis_reply(host, "GEOSEARCH", &all);
    all = array_reply(times, count);
    if (count > 0) {
        testhost_redis_reply(host, "ZMSCORE", &all);
    }
}

void script_location(struct testhost *host, const char *seen)
{
    const struct atlas_redis_reply point[] = {text_reply("7.5"), text_reply("50.25")};
    const struct atlas_redis_reply points = array_reply(point, 2);
    const struct atlas_redis_reply nil = {.type = ATLAS_REDIS_NIL};
    const struct atlas_redis_reply reply = array_reply(seen != NULL ? &points : &nil, 1);

    testhost_redis_reply(host, "GEOPOS", &reply);
    if (seen != NULL) {
        testhost_redis_string(host, "ZSCORE", seen);
    } else {
        testhost_redis_reply(host, "ZSCORE", &nil);
    }
}
