/*
 * A driver serves one ride at a time by the unique index reservation_driver; a ride has one driver
 * by reservation_ride. Both count only reservations that live.
 *
 * Requests at one place want the same nearest drivers. So that they do not queue for the index,
 * each first tries a lock on the driver's name and takes the next driver if another transaction
 * holds it: SKIP LOCKED, for drivers that have no row of their own to lock. The index still
 * decides; the loser of a race writes nothing (DISPATCH_LOST) and asks again.
 */
#include "dispatch/store.h"

#include "dispatch/dispatch.h"
#include "dispatch_migrations.h"

#define EVENT_TYPE "atlas.events.v1.RideDispatchedEvent"

enum {
    DISPATCH_FIND,
    DISPATCH_RESERVE,
    DISPATCH_CONFIRM,
    DISPATCH_RELEASE,
    DISPATCH_OVERDUE,
    DISPATCH_EXPIRE,
};

static const struct atlas_pg_statement statements[] = {
    [DISPATCH_FIND] =
        ATLAS_PG_STATEMENT("dispatch_find", ATLAS_PG_READ,
                           "SELECT passenger_id, driver_id, distance_km FROM reservation"
                           " WHERE ride_id = $1 AND status IN (1, 2, 3)",
                           ATLAS_PG_TYPES(ATLAS_PG_UUID),
                           ATLAS_PG_TYPES(ATLAS_PG_TEXT, ATLAS_PG_TEXT, ATLAS_PG_FLOAT8)),

    /* ride, passenger; arrays: drivers, distances, events; now, end of lease, topic, type, trace.
     * OFFSET 0 keeps the lock out of the inner query: it is tried on free drivers only, nearest
     * first, until one is got. 1633971315 keeps these locks apart from others in the database. */
    [DISPATCH_RESERVE] = ATLAS_PG_STATEMENT(
        "dispatch_reserve", ATLAS_PG_WRITE | ATLAS_PG_OUTBOX,
        "WITH candidate AS ("
        "  SELECT * FROM unnest($3, $4, $5) WITH ORDINALITY"
        "    c (driver_id, distance_km, event, place)),"
        " pick AS ("
        "  SELECT driver_id, distance_km, event FROM ("
        "    SELECT * FROM candidate c"
        "    WHERE NOT EXISTS ("
        "      SELECT FROM reservation r WHERE r.driver_id = c.driver_id AND r.status IN (1, 2))"
        "    ORDER BY place OFFSET 0) free"
        "  WHERE pg_try_advisory_xact_lock(1633971315, hashtext(driver_id)) LIMIT 1),"
        " made AS ("
        "  INSERT INTO reservation"
        "    (ride_id, passenger_id, driver_id, distance_km, status, reserved_at, lease_until)"
        "  SELECT $1, $2, driver_id, distance_km, 1, $6, $7 FROM pick"
        "  ON CONFLICT DO NOTHING RETURNING driver_id),"
        " told AS ("
        "  INSERT INTO outbox (topic, key, type, traceparent, payload)"
        "  SELECT $8, $1::text, $9, $10, pick.event FROM made JOIN pick USING (driver_id))"
        "SELECT pick.driver_id, pick.distance_km, made.driver_id IS NOT NULL"
        " FROM pick LEFT JOIN made USING (driver_id)",
        ATLAS_PG_TYPES(ATLAS_PG_UUID, ATLAS_PG_TEXT, ATLAS_PG_TEXT_ARRAY, ATLAS_PG_FLOAT8_ARRAY,
                       ATLAS_PG_BYTEA_ARRAY, ATLAS_PG_TIMESTAMP, ATLAS_PG_TIMESTAMP, ATLAS_PG_TEXT,
                       ATLAS_PG_TEXT, ATLAS_PG_TEXT),
        ATLAS_PG_TYPES(ATLAS_PG_TEXT, ATLAS_PG_FLOAT8, ATLAS_PG_BOOL)),

    [DISPATCH_CONFIRM] = ATLAS_PG_STATEMENT(
        "dispatch_confirm", ATLAS_PG_WRITE,
        "UPDATE reservation r SET status = 2 FROM unnest($1, $2) p (ride_id, driver_id)"
        " WHERE r.ride_id = p.ride_id AND r.driver_id = p.driver_id AND r.status = 1",
        ATLAS_PG_TYPES(ATLAS_PG_UUID_ARRAY, ATLAS_PG_TEXT_ARRAY), ATLAS_PG_NO_TYPES),

    [DISPATCH_RELEASE] = ATLAS_PG_STATEMENT(
        "dispatch_release", ATLAS_PG_WRITE,
        "UPDATE reservation r SET status = 3, ended_at = $3"
        " FROM unnest($1, $2) p (ride_id, driver_id)"
        " WHERE r.ride_id = p.ride_id AND r.driver_id = p.driver_id AND r.status IN (1, 2)",
        ATLAS_PG_TYPES(ATLAS_PG_UUID_ARRAY, ATLAS_PG_TEXT_ARRAY, ATLAS_PG_TIMESTAMP),
        ATLAS_PG_NO_TYPES),

    [DISPATCH_OVERDUE] =
        ATLAS_PG_STATEMENT("dispatch_overdue", ATLAS_PG_READ,
                           "SELECT ride_id, driver_id FROM reservation"
                           " WHERE status = 1 AND lease_until <= $1 ORDER BY lease_until LIMIT $2",
                           ATLAS_PG_TYPES(ATLAS_PG_TIMESTAMP, ATLAS_PG_INT8),
                           ATLAS_PG_TYPES(ATLAS_PG_UUID, ATLAS_PG_TEXT)),

    [DISPATCH_EXPIRE] = ATLAS_PG_STATEMENT(
        "dispatch_expire", ATLAS_PG_WRITE,
        "UPDATE reservation SET status = 4, ended_at = $3"
        " WHERE ride_id = $1 AND driver_id = $2 AND status = 1",
        ATLAS_PG_TYPES(ATLAS_PG_UUID, ATLAS_PG_TEXT, ATLAS_PG_TIMESTAMP), ATLAS_PG_NO_TYPES),
};

const struct atlas_pg_schema dispatch_schema = {
    .size = sizeof dispatch_schema,
    .flags = ATLAS_PG_HAS_OUTBOX,
    .migrations = dispatch_migrations,
    .migration_count = DISPATCH_MIGRATION_COUNT,
    .statements = statements,
    .statement_count = ATLAS_COUNT(statements),
};

atlas_status_t dispatch_store_find(struct atlas_call *call, const char *ride_id,
                                   struct dispatch_reservation *ret_reservation)
{
    struct atlas_pg_result result;

    atlas_status_t status =
        atlas_pg_query(call, DISPATCH_FIND, ATLAS_PG_PARAMS(atlas_pg_uuid(ride_id)), &result);
    if (status != ATLAS_OK) {
        return status;
    }
    if (result.row_count == 0) {
        return ATLAS_NOT_FOUND;
    }
    ret_reservation->passenger_id = atlas_pg_get_text(&result, 0, 0);
    ret_reservation->driver_id = atlas_pg_get_text(&result, 0, 1);
    ret_reservation->distance_km = atlas_pg_get_float8(&result, 0, 2);
    return ATLAS_OK;
}

static enum dispatch_choice read_choice(const struct atlas_pg_result *result,
                                        const struct dispatch_ride *ride,
                                        struct dispatch_reservation *ret_reservation)
{
    if (result->row_count == 0) {
        return DISPATCH_NONE_FREE;
    }
    if (!atlas_pg_get_bool(result, 0, 2)) {
        return DISPATCH_LOST;
    }
    ret_reservation->passenger_id = (char *)(uintptr_t)ride->passenger_id;
    ret_reservation->driver_id = atlas_pg_get_text(result, 0, 0);
    ret_reservation->distance_km = atlas_pg_get_float8(result, 0, 1);
    return DISPATCH_RESERVED;
}

atlas_status_t dispatch_store_reserve(struct atlas_call *call, const struct dispatch_ride *ride,
                                      const struct dispatch_candidate *candidates, size_t count,
                                      struct dispatch_reservation *ret_reservation,
                                      enum dispatch_choice *ret_choice)
{
    struct atlas_pg_value *drivers = ATLAS_NEW(call, struct atlas_pg_value, 3 * count);
    struct atlas_bytes traceparent = atlas_traceparent(call);
    struct atlas_pg_result result;

    if (drivers == NULL) {
        return atlas_no_memory(call);
    }
    struct atlas_pg_value *distances = drivers + count;
    struct atlas_pg_value *events = distances + count;
    for (size_t i = 0; i < count; i++) {
        drivers[i] = atlas_pg_text(candidates[i].driver_id);
        distances[i] = atlas_pg_float8(candidates[i].distance_km);
        events[i] = atlas_pg_bytea(candidates[i].event);
    }
    atlas_status_t status = atlas_pg_query(
        call, DISPATCH_RESERVE,
        ATLAS_PG_PARAMS(atlas_pg_uuid(ride->ride_id), atlas_pg_text(ride->passenger_id),
                        atlas_pg_array(drivers, count), atlas_pg_array(distances, count),
                        atlas_pg_array(events, count), atlas_pg_timestamp(ride->now_us),
                        atlas_pg_timestamp(ride->lease_until_us),
                        atlas_pg_text(dispatch_of(call)->ride_topic), atlas_pg_text(EVENT_TYPE),
                        traceparent.len > 0 ? atlas_pg_text_of(traceparent) : atlas_pg_null()),
        &result);
    if (status != ATLAS_OK) {
        return status;
    }
    *ret_choice = read_choice(&result, ride, ret_reservation);
    return ATLAS_OK;
}

/* The pairs as two arrays; NULL if the arena is used up. */
static struct atlas_pg_value *pair_arrays(struct atlas_call *call,
                                          const struct dispatch_pair *pairs, size_t count)
{
    struct atlas_pg_value *values = ATLAS_NEW(call, struct atlas_pg_value, 2 * count);

    for (size_t i = 0; values != NULL && i < count; i++) {
        values[i] = atlas_pg_uuid(pairs[i].ride_id);
        values[count + i] = atlas_pg_text(pairs[i].driver_id);
    }
    return values;
}

atlas_status_t dispatch_store_confirm(struct atlas_call *call, const struct dispatch_pair *pairs,
                                      size_t count)
{
    struct atlas_pg_value *arrays = pair_arrays(call, pairs, count);

    if (arrays == NULL) {
        return atlas_no_memory(call);
    }
    return atlas_pg_query(
        call, DISPATCH_CONFIRM,
        ATLAS_PG_PARAMS(atlas_pg_array(arrays, count), atlas_pg_array(arrays + count, count)),
        NULL);
}

atlas_status_t dispatch_store_release(struct atlas_call *call, const struct dispatch_pair *pairs,
                                      size_t count)
{
    struct atlas_pg_value *arrays = pair_arrays(call, pairs, count);

    if (arrays == NULL) {
        return atlas_no_memory(call);
    }
    return atlas_pg_query(call, DISPATCH_RELEASE,
                          ATLAS_PG_PARAMS(atlas_pg_array(arrays, count),
                                          atlas_pg_array(arrays + count, count),
                                          atlas_pg_timestamp(atlas_now_us(call))),
                          NULL);
}

atlas_status_t dispatch_store_overdue(struct atlas_call *call, int64_t before_us, int64_t limit,
                                      struct dispatch_pair **ret_pairs, size_t *ret_count)
{
    struct atlas_pg_result result;

    atlas_status_t status = atlas_pg_query(
        call, DISPATCH_OVERDUE,
        ATLAS_PG_PARAMS(atlas_pg_timestamp(before_us), atlas_pg_int8(limit)), &result);
    if (status != ATLAS_OK) {
        return status;
    }
    struct dispatch_pair *pairs = ATLAS_NEW(call, struct dispatch_pair, result.row_count);
    if (pairs == NULL) {
        return atlas_no_memory(call);
    }
    for (size_t n = 0; n < result.row_count; n++) {
        pairs[n].ride_id = atlas_pg_get_text(&result, n, 0);
        pairs[n].driver_id = atlas_pg_get_text(&result, n, 1);
    }
    *ret_pairs = pairs;
    *ret_count = result.row_count;
    return ATLAS_OK;
}

atlas_status_t dispatch_store_expire(struct atlas_call *call, const struct dispatch_pair *pair)
{
    return atlas_pg_query(call, DISPATCH_EXPIRE,
                          ATLAS_PG_PARAMS(atlas_pg_uuid(pair->ride_id),
                                          atlas_pg_text(pair->driver_id),
                                          atlas_pg_timestamp(atlas_now_us(call))),
                          NULL);
}
