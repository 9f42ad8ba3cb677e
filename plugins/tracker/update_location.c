/* UpdateLocation: a position goes to Kafka; the reply means that the broker has it. */
#include "atlas/events/v1/events.atlas.h"
#include "atlas/tracker/v1/tracker.atlas.h"
#include "common/fields.h"
#include "tracker/position.h"
#include "tracker/tracker.h"

typedef Atlas__Tracker__V1__UpdateLocationRequest Request;
typedef Atlas__Events__V1__DriverLocationEvent Event;

static atlas_status_t check_request(struct atlas_call *call, const Request *req,
                                    int64_t *ret_seen_us)
{
    int64_t seen_us = req->timestamp != NULL ? fields_time_us(req->timestamp) : atlas_now_us(call);

    atlas_status_t status = fields_check_id(call, "driver_id", req->driver_id);
    if (status == ATLAS_OK) {
        status = position_check_point(call, ATLAS_HAS_FIELD(req, latitude), req->latitude,
                                      ATLAS_HAS_FIELD(req, longitude), req->longitude);
    }
    if (status == ATLAS_OK) {
        status = position_check_time(call, seen_us);
    }
    *ret_seen_us = seen_us;
    return status;
}

static atlas_status_t encode_event(struct atlas_call *call, const Request *req, int64_t seen_us,
                                   struct atlas_bytes *ret_bytes)
{
    Event event = ATLAS__EVENTS__V1__DRIVER_LOCATION_EVENT__INIT;

    event.driver_id = req->driver_id;
    event.timestamp = fields_time_new(call, seen_us);
    if (event.timestamp == NULL) {
        return atlas_no_memory(call);
    }
    atlas__events__v1__driver_location_event__set_latitude(&event, req->latitude);
    atlas__events__v1__driver_location_event__set_longitude(&event, req->longitude);
    return atlas__events__v1__driver_location_event__encode(call, &event, ret_bytes);
}

static atlas_status_t publish(struct atlas_call *call, const char *driver_id,
                              struct atlas_bytes event)
{
    char event_id[ATLAS_UUID_SIZE];

    atlas_uuid(call, event_id);
    const struct atlas_kafka_header headers[] = {
        {"event-id", atlas_str(event_id)},
        {"type", atlas_str("atlas.events.v1.DriverLocationEvent")},
        {"traceparent", atlas_traceparent(call)},
    };
    return atlas_kafka_publish(call, tracker_of(call)->gps_topic, atlas_str(driver_id), event,
                               headers, ATLAS_COUNT(headers), NULL);
}

atlas_status_t tracker_update_location(struct atlas_call *call, const Request *req,
                                       Atlas__Tracker__V1__UpdateLocationResponse *ret_res)
{
    struct atlas_bytes event;
    int64_t seen_us;

    atlas_status_t status = check_request(call, req, &seen_us);
    if (status == ATLAS_OK) {
        status = encode_event(call, req, seen_us, &event);
    }
    if (status == ATLAS_OK) {
        status = publish(call, req->driver_id, event);
    }
    ret_res->accepted = status == ATLAS_OK;
    return status;
}
