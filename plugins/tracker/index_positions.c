/* The consumer of positions: a batch from Kafka becomes one write to the index. */
#include "atlas/events/v1/events.atlas.h"
#include "common/fields.h"
#include "tracker/position.h"
#include "tracker/store.h"
#include "tracker/tracker.h"

typedef Atlas__Events__V1__DriverLocationEvent Event;

/* Decodes and checks one record; its reason is the call's message. */
static atlas_status_t read_event(struct atlas_call *call, const struct atlas_kafka_record *record,
                                 struct position *ret_position)
{
    Event *event;

    atlas_status_t status =
        atlas__events__v1__driver_location_event__decode(call, record->value, &event);
    if (status == ATLAS_OK) {
        status = fields_check_id(call, "driver_id", event->driver_id);
    }
    if (status == ATLAS_OK) {
        status = position_check_point(call, ATLAS_HAS_FIELD(event, latitude), event->latitude,
                                      ATLAS_HAS_FIELD(event, longitude), event->longitude);
    }
    if (status == ATLAS_OK) {
        status = position_check_time(call, fields_time_us(event->timestamp));
    }
    if (status == ATLAS_OK) {
        ret_position->driver_id = event->driver_id;
        ret_position->latitude = event->latitude;
        ret_position->longitude = event->longitude;
        ret_position->seen_us = fields_time_us(event->timestamp);
    }
    return status;
}

/* Sorts a batch: what must be written, what is too old to ever be shown, what cannot be understood.
 */
static size_t read_batch(struct atlas_call *call, const struct atlas_kafka_record *const *records,
                         size_t count, atlas_status_t *statuses, struct position *positions)
{
    size_t position_count = 0;

    for (size_t i = 0; i < count; i++) {
        struct position *position = &positions[position_count];

        statuses[i] = read_event(call, records[i], position);
        if (statuses[i] == ATLAS_OK && position_is_fresh(call, position->seen_us)) {
            position_count++;
        } else if (statuses[i] != ATLAS_OK) {
            struct atlas_bytes reason = atlas_message(call);

            atlas_kafka_reject(call, i, statuses[i], "%.*s", ATLAS_BYTES_ARG(reason));
        }
    }
    return position_count;
}

atlas_status_t tracker_index_positions(struct atlas_call *call,
                                       const struct atlas_kafka_record *const *records,
                                       size_t count, atlas_status_t *statuses)
{
    struct position *positions = ATLAS_NEW(call, struct position, count);
    size_t position_count;

    if (positions == NULL) {
        return atlas_no_memory(call);
    }
    position_count = read_batch(call, records, count, statuses, positions);
    if (position_count == 0) {
        return ATLAS_OK;
    }
    atlas_status_t status = store_move(call, positions, position_count);
    for (size_t i = 0; i < count && status != ATLAS_OK; i++) {
        if (statuses[i] == ATLAS_OK) {
            statuses[i] = status;
        }
    }
    return status;
}
