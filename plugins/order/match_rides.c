/*
 * The consumer of dispatched rides: gives an order its driver, once, however often and in whatever
 * order events come. An order that is CREATED takes the driver; one that has this driver already
 * has seen the event; the rest is refused with its reason.
 *
 * An event past its end is not applied: Dispatch may have given the driver away (see the head of
 * dispatch/expire_reservations.c). That is no error, the passenger asks again.
 */
#include "atlas/events/v1/events.atlas.h"
#include "common/fields.h"
#include "order/order.h"
#include "order/order_event.h"
#include "order/store.h"

/* A record of the batch on its way. */
struct ride {
    size_t index; /* in the batch */
    char order_id[ATLAS_UUID_SIZE];
    const char *driver_id;
    int64_t expires_us; /* INT64_MIN: never */
    struct atlas_bytes traceparent;
    struct order_row row; /* the order as it was read */
};

static atlas_status_t check_event(struct atlas_call *call,
                                  const Atlas__Events__V1__RideDispatchedEvent *event,
                                  struct ride *ride)
{
    atlas_status_t status = fields_parse_uuid(call, "order_id", event->order_id, ride->order_id);

    if (status == ATLAS_OK) {
        status = fields_check_id(call, "driver_id", event->driver_id);
    }
    ride->driver_id = event->driver_id;
    ride->expires_us = fields_time_us(event->expires_at);
    return status;
}

/* Unpacks one record; a malformed one is refused with its reason. */
static bool read_record(struct atlas_call *call, const struct atlas_kafka_record *record,
                        struct ride *ride, atlas_status_t *ret_status)
{
    Atlas__Events__V1__RideDispatchedEvent *event;

    atlas_status_t status =
        atlas__events__v1__ride_dispatched_event__decode(call, record->value, &event);
    if (status == ATLAS_OK) {
        status = check_event(call, event, ride);
    }
    if (status != ATLAS_OK) {
        struct atlas_bytes reason = atlas_message(call);
        *ret_status =
            atlas_kafka_reject(call, ride->index, status, "%.*s", ATLAS_BYTES_ARG(reason));
        return false;
    }
    if (!atlas_kafka_header_find(record, "traceparent", &ride->traceparent)) {
        ride->traceparent = atlas_str("");
    }
    return true;
}

/* Reads the orders of the rides; a ride without an order has row.order_id NULL. */
static atlas_status_t read_orders(struct atlas_call *call, struct ride *rides, size_t count)
{
    const char **order_ids = ATLAS_NEW(call, const char *, count);
    struct order_row *rows;

    if (order_ids == NULL) {
        return atlas_no_memory(call);
    }
    for (size_t i = 0; i < count; i++) {
        order_ids[i] = rides[i].order_id;
    }
    atlas_status_t status = order_store_find_many(call, order_ids, count, &rows);
    for (size_t i = 0; status == ATLAS_OK && i < count; i++) {
        rides[i].row = rows[i];
    }
    return status;
}

/* The ride before this one in the batch for the same order, NULL if there is none. */
static const struct ride *earlier_ride(const struct ride *rides, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rides[i].order_id, rides[n].order_id) == 0) {
            return &rides[i];
        }
    }
    return NULL;
}

/* True if rides[n] is to be written; else its status is decided. */
static bool wants_match(struct atlas_call *call, const struct ride *rides, size_t n, int64_t now_us,
                        atlas_status_t *statuses)
{
    const struct ride *ride = &rides[n];
    const struct order_row *row = &ride->row;
    atlas_status_t *ret_status = &statuses[ride->index];

    if (row->order_id == NULL) {
        *ret_status = atlas_kafka_reject(call, ride->index, ATLAS_NOT_FOUND,
                                         "order %s does not exist", ride->order_id);
    } else if (row->status != ORDER_CREATED) {
        *ret_status =
            strcmp(row->driver_id, ride->driver_id) == 0
                ? ATLAS_OK
                : atlas_kafka_reject(call, ride->index, ATLAS_FAILED_PRECONDITION,
                                     "order %s is %s with another driver than %s", ride->order_id,
                                     order_status_name(row->status), ride->driver_id);
    } else if (ride->expires_us != INT64_MIN && ride->expires_us <= now_us) {
        atlas_log_warn(call, "order %s: reservation of driver %s came after its end, ignored",
                       ride->order_id, ride->driver_id);
        *ret_status = ATLAS_OK;
    } else if (earlier_ride(rides, n) != NULL) {
        *ret_status = ATLAS_ABORTED; /* comes again, and finds what the earlier one did */
    } else {
        return true;
    }
    return false;
}

static atlas_status_t fill_match(struct atlas_call *call, const struct ride *ride, int64_t now_us,
                                 struct order_match *match)
{
    struct order_row next = ride->row;

    next.status = ORDER_MATCHED;
    next.driver_id = (char *)(uintptr_t)ride->driver_id;
    next.version += 1;
    next.updated_us = now_us;
    match->order_id = ride->order_id;
    match->driver_id = ride->driver_id;
    match->message.traceparent = ride->traceparent;
    return order_event_pack(call, &next, &match->message.payload);
}

/* Writes matches, all in one transaction, and sets their statuses. */
static atlas_status_t write_matches(struct atlas_call *call, const struct ride *const *rides,
                                    size_t count, int64_t now_us, atlas_status_t *statuses)
{
    struct order_match *matches = ATLAS_NEW(call, struct order_match, count);
    bool *is_matched = ATLAS_NEW(call, bool, count);
    atlas_status_t status = ATLAS_OK;

    if (matches == NULL || is_matched == NULL) {
        return atlas_no_memory(call);
    }
    for (size_t i = 0; status == ATLAS_OK && i < count; i++) {
        status = fill_match(call, rides[i], now_us, &matches[i]);
    }
    if (status == ATLAS_OK) {
        status = order_store_match(call, matches, count, now_us, is_matched);
    }
    for (size_t i = 0; status == ATLAS_OK && i < count; i++) {
        /* Not matched: changed since it was read. The record comes again and is judged anew. */
        statuses[rides[i]->index] = is_matched[i] ? ATLAS_OK : ATLAS_ABORTED;
    }
    return status;
}

/* After a batch that was refused as a whole: one by one, so that only the offender is refused. */
static void write_each(struct atlas_call *call, const struct ride *const *rides, size_t count,
                       int64_t now_us, atlas_status_t *statuses)
{
    for (size_t i = 0; i < count; i++) {
        atlas_status_t status = write_matches(call, &rides[i], 1, now_us, statuses);

        if (status == ATLAS_ALREADY_EXISTS) {
            status = atlas_kafka_reject(call, rides[i]->index, ATLAS_FAILED_PRECONDITION,
                                        "order %s: driver %s is on another ride",
                                        rides[i]->order_id, rides[i]->driver_id);
        }
        if (status != ATLAS_OK) {
            statuses[rides[i]->index] = status;
        }
    }
}

static atlas_status_t apply(struct atlas_call *call, const struct ride *rides, size_t count,
                            atlas_status_t *statuses)
{
    const struct ride **wanted = ATLAS_NEW(call, const struct ride *, count);
    size_t wanted_count = 0;
    int64_t now_us = atlas_now_us(call);

    if (wanted == NULL) {
        return atlas_no_memory(call);
    }
    for (size_t i = 0; i < count; i++) {
        if (wants_match(call, rides, i, now_us, statuses)) {
            wanted[wanted_count++] = &rides[i];
        }
    }
    if (wanted_count == 0) {
        return ATLAS_OK;
    }
    atlas_status_t status = write_matches(call, wanted, wanted_count, now_us, statuses);
    if (status == ATLAS_OK || atlas_status_is_transient(status)) {
        for (size_t i = 0; status != ATLAS_OK && i < wanted_count; i++) {
            statuses[wanted[i]->index] = status;
        }
        return ATLAS_OK;
    }
    write_each(call, wanted, wanted_count, now_us, statuses);
    return ATLAS_OK;
}

atlas_status_t order_match_rides(struct atlas_call *call,
                                 const struct atlas_kafka_record *const *records, size_t count,
                                 atlas_status_t *statuses)
{
    struct ride *rides = ATLAS_NEW(call, struct ride, count);
    size_t ride_count = 0;

    if (rides == NULL) {
        return atlas_no_memory(call);
    }
    for (size_t i = 0; i < count; i++) {
        rides[ride_count].index = i;
        ride_count += read_record(call, records[i], &rides[ride_count], &statuses[i]) ? 1 : 0;
    }
    if (ride_count == 0) {
        return ATLAS_OK;
    }
    atlas_status_t status = read_orders(call, rides, ride_count);
    return status == ATLAS_OK ? apply(call, rides, ride_count, statuses) : status;
}
