/*
 * One statement per change of state: a compare-and-set on the version, the line of history and the
 * outbox row. The outbox row is inserted from the changed row, so that it is written after the row
 * lock is held: the events of an order have the order of its versions.
 */
#include "order/store.h"

#include "order_migrations.h"

#define EVENT_TYPE "atlas.events.v1.OrderEvent"

enum { ORDER_CREATE, ORDER_FIND, ORDER_FIND_LATEST, ORDER_FIND_MANY, ORDER_ADVANCE, ORDER_MATCH };

#define ORDER_COLUMNS                                                                              \
    "order_id, passenger_id, driver_id, pickup_lat, pickup_long, dropoff_lat, dropoff_long, "      \
    "status, price_minor, currency, version, created_at, updated_at"
#define ORDER_COLUMN_TYPES                                                                         \
    ATLAS_PG_UUID, ATLAS_PG_TEXT, ATLAS_PG_TEXT, ATLAS_PG_FLOAT8, ATLAS_PG_FLOAT8,                 \
        ATLAS_PG_FLOAT8, ATLAS_PG_FLOAT8, ATLAS_PG_INT2, ATLAS_PG_INT8, ATLAS_PG_TEXT,             \
        ATLAS_PG_INT4, ATLAS_PG_TIMESTAMP, ATLAS_PG_TIMESTAMP

static const struct atlas_pg_statement statements[] = {
    [ORDER_CREATE] = ATLAS_PG_STATEMENT(
        "order_create", ATLAS_PG_WRITE | ATLAS_PG_OUTBOX,
        "WITH made AS ("
        "  INSERT INTO orders (order_id, passenger_id, vehicle_type, pickup_lat, pickup_long,"
        "    dropoff_lat, dropoff_long, price_minor, currency, status, version, created_at,"
        "    updated_at)"
        "  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, 1, $10, $10) RETURNING order_id),"
        " noted AS ("
        "  INSERT INTO order_change (order_id, version, from_status, to_status, changed_at)"
        "  SELECT order_id, 1, 0, 1, $10 FROM made)"
        "INSERT INTO outbox (topic, key, type, traceparent, payload)"
        " SELECT $11, order_id::text, $12, $13, $14 FROM made",
        ATLAS_PG_TYPES(ATLAS_PG_UUID, ATLAS_PG_TEXT, ATLAS_PG_TEXT, ATLAS_PG_FLOAT8,
                       ATLAS_PG_FLOAT8, ATLAS_PG_FLOAT8, ATLAS_PG_FLOAT8, ATLAS_PG_INT8,
                       ATLAS_PG_TEXT, ATLAS_PG_TIMESTAMP, ATLAS_PG_TEXT, ATLAS_PG_TEXT,
                       ATLAS_PG_TEXT, ATLAS_PG_BYTEA),
        ATLAS_PG_NO_TYPES),

    [ORDER_FIND] = ATLAS_PG_STATEMENT(
        "order_find", ATLAS_PG_READ, "SELECT " ORDER_COLUMNS " FROM orders WHERE order_id = $1",
        ATLAS_PG_TYPES(ATLAS_PG_UUID), ATLAS_PG_TYPES(ORDER_COLUMN_TYPES)),

    [ORDER_FIND_LATEST] =
        ATLAS_PG_STATEMENT("order_find_latest", ATLAS_PG_READ,
                           "SELECT " ORDER_COLUMNS " FROM orders WHERE passenger_id = $1"
                           " ORDER BY created_at DESC, order_id DESC LIMIT 1",
                           ATLAS_PG_TYPES(ATLAS_PG_TEXT), ATLAS_PG_TYPES(ORDER_COLUMN_TYPES)),

    /* The last column is the place of the id in the array. */
    [ORDER_FIND_MANY] = ATLAS_PG_STATEMENT(
        "order_find_many", ATLAS_PG_READ,
        "SELECT " ORDER_COLUMNS ", place"
        " FROM unnest($1) WITH ORDINALITY wanted (wanted_id, place)"
        " JOIN orders ON order_id = wanted_id",
        ATLAS_PG_TYPES(ATLAS_PG_UUID_ARRAY), ATLAS_PG_TYPES(ORDER_COLUMN_TYPES, ATLAS_PG_INT8)),

    [ORDER_ADVANCE] = ATLAS_PG_STATEMENT(
        "order_advance", ATLAS_PG_WRITE | ATLAS_PG_OUTBOX,
        "WITH moved AS ("
        "  UPDATE orders SET status = $4, version = version + 1, updated_at = $5"
        "  WHERE order_id = $1 AND version = $2 AND status = $3 RETURNING order_id, version),"
        " noted AS ("
        "  INSERT INTO order_change (order_id, version, from_status, to_status, changed_at)"
        "  SELECT order_id, version, $3, $4, $5 FROM moved),"
        " told AS ("
        "  INSERT INTO outbox (topic, key, type, traceparent, payload)"
        "  SELECT $6, order_id::text, $7, $8, $9 FROM moved)"
        "SELECT version FROM moved",
        ATLAS_PG_TYPES(ATLAS_PG_UUID, ATLAS_PG_INT4, ATLAS_PG_INT2, ATLAS_PG_INT2,
                       ATLAS_PG_TIMESTAMP, ATLAS_PG_TEXT, ATLAS_PG_TEXT, ATLAS_PG_TEXT,
                       ATLAS_PG_BYTEA),
        ATLAS_PG_TYPES(ATLAS_PG_INT4)),

    [ORDER_MATCH] = ATLAS_PG_STATEMENT(
        "order_match", ATLAS_PG_WRITE | ATLAS_PG_OUTBOX,
        "WITH ride AS ("
        "  SELECT * FROM unnest($1, $2, $3, $4) WITH ORDINALITY"
        "    r (order_id, driver_id, traceparent, payload, place)),"
        " moved AS ("
        "  UPDATE orders o SET status = 2, driver_id = ride.driver_id, version = 2, updated_at = $5"
        "  FROM ride WHERE o.order_id = ride.order_id AND o.status = 1 AND o.version = 1"
        "  RETURNING o.order_id),"
        " noted AS ("
        "  INSERT INTO order_change (order_id, version, from_status, to_status, changed_at)"
        "  SELECT order_id, 2, 1, 2, $5 FROM moved),"
        " told AS ("
        "  INSERT INTO outbox (topic, key, type, traceparent, payload)"
        "  SELECT $6, order_id::text, $7, ride.traceparent, ride.payload"
        "  FROM moved JOIN ride USING (order_id))"
        "SELECT ride.place FROM moved JOIN ride USING (order_id)",
        ATLAS_PG_TYPES(ATLAS_PG_UUID_ARRAY, ATLAS_PG_TEXT_ARRAY, ATLAS_PG_TEXT_ARRAY,
                       ATLAS_PG_BYTEA_ARRAY, ATLAS_PG_TIMESTAMP, ATLAS_PG_TEXT, ATLAS_PG_TEXT),
        ATLAS_PG_TYPES(ATLAS_PG_INT8)),
};

const struct atlas_pg_schema order_schema = {
    .size = sizeof order_schema,
    .flags = ATLAS_PG_HAS_OUTBOX,
    .migrations = order_migrations,
    .migration_count = ORDER_MIGRATION_COUNT,
    .statements = statements,
    .statement_count = ATLAS_COUNT(statements),
};

static struct order_row row_of(const struct atlas_pg_result *result, size_t n)
{
    return (struct order_row){
        .order_id = atlas_pg_get_text(result, n, 0),
        .passenger_id = atlas_pg_get_text(result, n, 1),
        .driver_id = atlas_pg_get_text(result, n, 2),
        .pickup = {atlas_pg_get_float8(result, n, 3), atlas_pg_get_float8(result, n, 4)},
        .dropoff = {atlas_pg_get_float8(result, n, 5), atlas_pg_get_float8(result, n, 6)},
        .status = (int)atlas_pg_get_int(result, n, 7),
        .price_minor = atlas_pg_get_int(result, n, 8),
        .currency = atlas_pg_get_text(result, n, 9),
        .version = (int32_t)atlas_pg_get_int(result, n, 10),
        .created_us = atlas_pg_get_int(result, n, 11),
        .updated_us = atlas_pg_get_int(result, n, 12),
    };
}

static struct atlas_pg_value traceparent_of(const struct order_message *message)
{
    return message->traceparent.len > 0 ? atlas_pg_text_of(message->traceparent) : atlas_pg_null();
}

atlas_status_t order_store_create(struct atlas_call *call, const struct order_row *row,
                                  const struct order_message *message)
{
    return atlas_pg_query(
        call, ORDER_CREATE,
        ATLAS_PG_PARAMS(atlas_pg_uuid(row->order_id), atlas_pg_text(row->passenger_id),
                        atlas_pg_text(row->vehicle_type), atlas_pg_float8(row->pickup.latitude),
                        atlas_pg_float8(row->pickup.longitude),
                        atlas_pg_float8(row->dropoff.latitude),
                        atlas_pg_float8(row->dropoff.longitude), atlas_pg_int8(row->price_minor),
                        atlas_pg_text(row->currency), atlas_pg_timestamp(row->created_us),
                        atlas_pg_text(order_of(call)->order_topic), atlas_pg_text(EVENT_TYPE),
                        traceparent_of(message), atlas_pg_bytea(message->payload)),
        NULL);
}

static atlas_status_t find_one(struct atlas_call *call, uint32_t statement,
                               struct atlas_pg_value key, struct order_row *ret_row)
{
    struct atlas_pg_result result;

    atlas_status_t status = atlas_pg_query(call, statement, &key, 1, &result);
    if (status != ATLAS_OK) {
        return status;
    }
    if (result.row_count == 0) {
        return ATLAS_NOT_FOUND;
    }
    *ret_row = row_of(&result, 0);
    return ATLAS_OK;
}

atlas_status_t order_store_find(struct atlas_call *call, const char *order_id,
                                struct order_row *ret_row)
{
    return find_one(call, ORDER_FIND, atlas_pg_uuid(order_id), ret_row);
}

atlas_status_t order_store_find_latest(struct atlas_call *call, const char *passenger_id,
                                       struct order_row *ret_row)
{
    return find_one(call, ORDER_FIND_LATEST, atlas_pg_text(passenger_id), ret_row);
}

/* Where a row belongs in the arrays that were asked about: the statements number from 1. */
static atlas_status_t place_of(struct atlas_call *call, const struct atlas_pg_result *result,
                               size_t row, size_t column, size_t count, size_t *ret_place)
{
    int64_t place = atlas_pg_get_int(result, row, column);

    if (place < 1 || (uint64_t)place > count) {
        return atlas_fail(call, ATLAS_INTERNAL, "the database answers about order %lld of %zu",
                          (long long)place, count);
    }
    *ret_place = (size_t)place - 1;
    return ATLAS_OK;
}

atlas_status_t order_store_find_many(struct atlas_call *call, const char *const *order_ids,
                                     size_t count, struct order_row **ret_rows)
{
    struct atlas_pg_value *ids = ATLAS_NEW(call, struct atlas_pg_value, count);
    struct order_row *rows = ATLAS_NEW(call, struct order_row, count);
    struct atlas_pg_result result;

    if (ids == NULL || rows == NULL) {
        return atlas_no_memory(call);
    }
    for (size_t i = 0; i < count; i++) {
        ids[i] = atlas_pg_uuid(order_ids[i]);
    }
    atlas_status_t status =
        atlas_pg_query(call, ORDER_FIND_MANY, ATLAS_PG_PARAMS(atlas_pg_array(ids, count)), &result);
    for (size_t n = 0; status == ATLAS_OK && n < result.row_count; n++) {
        size_t place = 0;

        status = place_of(call, &result, n, 13, count, &place);
        rows[place] = row_of(&result, n);
    }
    if (status == ATLAS_OK) {
        *ret_rows = rows;
    }
    return status;
}

atlas_status_t order_store_advance(struct atlas_call *call, const struct order_row *row,
                                   int64_t now_us, const struct order_message *message,
                                   bool *ret_is_moved)
{
    struct atlas_pg_result result;

    atlas_status_t status = atlas_pg_query(
        call, ORDER_ADVANCE,
        ATLAS_PG_PARAMS(atlas_pg_uuid(row->order_id), atlas_pg_int4(row->version),
                        atlas_pg_int4(row->status), atlas_pg_int4(row->status + 1),
                        atlas_pg_timestamp(now_us), atlas_pg_text(order_of(call)->order_topic),
                        atlas_pg_text(EVENT_TYPE), traceparent_of(message),
                        atlas_pg_bytea(message->payload)),
        &result);
    if (status != ATLAS_OK) {
        return status;
    }
    *ret_is_moved = result.row_count == 1;
    return ATLAS_OK;
}

/* One array per column of the matches. */
struct match_columns {
    struct atlas_pg_value *order_ids;
    struct atlas_pg_value *driver_ids;
    struct atlas_pg_value *traceparents;
    struct atlas_pg_value *payloads;
};

static bool match_columns_fill(struct atlas_call *call, const struct order_match *matches,
                               size_t count, struct match_columns *ret_columns)
{
    struct atlas_pg_value *values = ATLAS_NEW(call, struct atlas_pg_value, 4 * count);

    if (values == NULL) {
        return false;
    }
    *ret_columns =
        (struct match_columns){values, values + count, values + 2 * count, values + 3 * count};
    for (size_t i = 0; i < count; i++) {
        ret_columns->order_ids[i] = atlas_pg_uuid(matches[i].order_id);
        ret_columns->driver_ids[i] = atlas_pg_text(matches[i].driver_id);
        ret_columns->traceparents[i] = traceparent_of(&matches[i].message);
        ret_columns->payloads[i] = atlas_pg_bytea(matches[i].message.payload);
    }
    return true;
}

atlas_status_t order_store_match(struct atlas_call *call, const struct order_match *matches,
                                 size_t count, int64_t now_us, bool *ret_is_matched)
{
    struct match_columns columns;
    struct atlas_pg_result result;

    if (!match_columns_fill(call, matches, count, &columns)) {
        return atlas_no_memory(call);
    }
    atlas_status_t status = atlas_pg_query(
        call, ORDER_MATCH,
        ATLAS_PG_PARAMS(atlas_pg_array(columns.order_ids, count),
                        atlas_pg_array(columns.driver_ids, count),
                        atlas_pg_array(columns.traceparents, count),
                        atlas_pg_array(columns.payloads, count), atlas_pg_timestamp(now_us),
                        atlas_pg_text(order_of(call)->order_topic), atlas_pg_text(EVENT_TYPE)),
        &result);
    if (status != ATLAS_OK) {
        return status;
    }
    memset(ret_is_matched, 0, count * sizeof *ret_is_matched);
    for (size_t n = 0; status == ATLAS_OK && n < result.row_count; n++) {
        size_t place = 0;

        status = place_of(call, &result, n, 0, count, &place);
        ret_is_matched[place] |= status == ATLAS_OK;
    }
    return status;
}
