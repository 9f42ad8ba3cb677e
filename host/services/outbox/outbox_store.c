#include "services/outbox/outbox_store.h"

#include <stdio.h>
#include <string.h>

#include "services/postgres/pg_prepared.h"
#include "services/postgres/pg_value.h"

#define TYPES(...) ((const uint8_t[]){__VA_ARGS__, 0})

/* What a result of one row takes beside the row's own bytes, and more than that. */
#define ROW_OVERHEAD 16384

enum store_statement { LEAD, READ_FLOOR, READ_PAGE, DELETE_ROWS, BURY, COUNT };

static const struct atlas_pg_statement declared[] = {
    [LEAD] = {.name = "outbox_lead",
              .sql = "SELECT pg_try_advisory_lock($1) FROM"
                     " (SELECT set_config('synchronous_commit', 'off', false)) s",
              .params = TYPES(ATLAS_PG_INT8),
              .columns = TYPES(ATLAS_PG_BOOL)},
    [READ_FLOOR] = {.name = "outbox_read_floor",
                    .sql = "SELECT floor FROM outbox_relay",
                    .columns = TYPES(ATLAS_PG_INT8)},
    /* Always at least one row: that of the reading. Of a row with more than $4 bytes only its id
     * and its topic come, for what is too large for a page would stop all that stand behind it. */
    [READ_PAGE] =
        {.name = "outbox_read_page",
         .sql = "SELECT s.xmin, s.taken, q.last_id, o.id, o.event_id, o.topic, o.key, o.type,"
                " o.traceparent, o.payload, coalesce(o.is_huge, false),"
                " (extract(epoch FROM clock_timestamp() - o.created_at) * 1000000)::int8"
                " FROM (SELECT pg_snapshot_xmin(c)::text::int8 AS xmin,"
                "  CASE WHEN $3 THEN pg_current_xact_id()::text::int8 ELSE 0 END AS taken"
                "  FROM pg_current_snapshot() c) s"
                " CROSS JOIN (SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS last_id"
                "  FROM outbox_id_seq) q"
                " LEFT JOIN LATERAL (SELECT id, event_id, is_huge, created_at,"
                "  CASE WHEN is_huge THEN left(topic, 249) ELSE topic END AS topic,"
                "  CASE WHEN is_huge THEN '' ELSE key END AS key,"
                "  CASE WHEN is_huge THEN '' ELSE type END AS type,"
                "  CASE WHEN NOT is_huge THEN traceparent END AS traceparent,"
                "  CASE WHEN is_huge THEN '' ELSE payload END AS payload"
                "  FROM (SELECT *, octet_length(payload)::int8 + octet_length(topic) +"
                "   octet_length(key) + octet_length(type) +"
                "   coalesce(octet_length(traceparent), 0) > $4 AS is_huge"
                "   FROM outbox WHERE id >= $1 ORDER BY id LIMIT $2) r) o"
                " ON true ORDER BY o.id",
         .params = TYPES(ATLAS_PG_INT8, ATLAS_PG_INT8, ATLAS_PG_BOOL, ATLAS_PG_INT8),
         .columns = TYPES(ATLAS_PG_INT8, ATLAS_PG_INT8, ATLAS_PG_INT8, ATLAS_PG_INT8, ATLAS_PG_UUID,
                          ATLAS_PG_TEXT, ATLAS_PG_TEXT, ATLAS_PG_TEXT, ATLAS_PG_TEXT,
                          ATLAS_PG_BYTEA, ATLAS_PG_BOOL, ATLAS_PG_INT8)},
    [DELETE_ROWS] = {.name = "outbox_delete",
                     .sql = "WITH d AS (DELETE FROM outbox WHERE id = ANY($1) RETURNING 1)"
                            " UPDATE outbox_relay SET floor = greatest(floor, $2),"
                            " relayed = relayed + (SELECT count(*) FROM d), updated_at = now()",
                     .params = TYPES(ATLAS_PG_INT8_ARRAY, ATLAS_PG_INT8)},
    [BURY] = {.name = "outbox_bury",
              .sql = "WITH d AS (DELETE FROM outbox WHERE id = $1 RETURNING *)"
                     " INSERT INTO outbox_dead SELECT d.*, $2 FROM d",
              .params = TYPES(ATLAS_PG_INT8, ATLAS_PG_TEXT)},
    [COUNT] = {.name = "outbox_count",
               .sql = "SELECT count(*) FROM (SELECT FROM outbox WHERE id >= $1 LIMIT $2) b",
               .params = TYPES(ATLAS_PG_INT8, ATLAS_PG_INT8),
               .columns = TYPES(ATLAS_PG_INT8)},
};

enum page_column {
    PAGE_XMIN,
    PAGE_TAKEN,
    PAGE_LAST_ID,
    PAGE_ID,
    PAGE_EVENT_ID,
    PAGE_TOPIC,
    PAGE_KEY,
    PAGE_TYPE,
    PAGE_TRACEPARENT,
    PAGE_PAYLOAD,
    PAGE_IS_HUGE,
    PAGE_AGE,
};

static atlas_status_t run(struct pg_session *session, enum store_statement which,
                          const struct atlas_pg_value *params, size_t count,
                          struct atlas_pg_result *ret_result, struct error *error)
{
    return pg_session_run(session, &declared[which], params, count, ret_result, error);
}

atlas_status_t outbox_store_try_lead(struct pg_session *session, bool *ret_is_leader,
                                     struct error *error)
{
    char name[96];
    struct atlas_pg_result result;
    snprintf(name, sizeof name, "atlas.outbox:%s", pg_session_settings(session)->schema);
    struct atlas_pg_value key = pg_value_of_int((int64_t)pg_prepared_hash(name, NULL));
    atlas_status_t status = run(session, LEAD, &key, 1, &result, error);
    if (status == ATLAS_OK) {
        *ret_is_leader = result.values[0].as.integer != 0;
    }
    return status;
}

static atlas_status_t read_int(struct pg_session *session, enum store_statement which,
                               const struct atlas_pg_value *params, size_t count,
                               int64_t *ret_integer, struct error *error)
{
    struct atlas_pg_result result;
    atlas_status_t status = run(session, which, params, count, &result, error);
    if (status == ATLAS_OK) {
        *ret_integer = result.row_count > 0 ? result.values[0].as.integer : 0;
    }
    return status;
}

atlas_status_t outbox_store_read_floor(struct pg_session *session, int64_t *ret_floor,
                                       struct error *error)
{
    return read_int(session, READ_FLOOR, NULL, 0, ret_floor, error);
}

atlas_status_t outbox_store_count(struct pg_session *session, int64_t floor, int64_t limit,
                                  int64_t *ret_count, struct error *error)
{
    const struct atlas_pg_value params[] = {pg_value_of_int(floor), pg_value_of_int(limit)};
    return read_int(session, COUNT, params, 2, ret_count, error);
}

static void fill_row(struct outbox_row *row, const struct atlas_pg_value *values)
{
    *row = (struct outbox_row){
        .id = values[PAGE_ID].as.integer,
        .event_id = values[PAGE_EVENT_ID].as.bytes,
        .topic = values[PAGE_TOPIC].as.bytes.data,
        .key = values[PAGE_KEY].as.bytes,
        .type = values[PAGE_TYPE].as.bytes,
        .payload = values[PAGE_PAYLOAD].as.bytes,
        .is_huge = values[PAGE_IS_HUGE].as.integer != 0,
        .age_us = values[PAGE_AGE].as.integer,
    };
    if (!values[PAGE_TRACEPARENT].is_null) {
        row->traceparent = values[PAGE_TRACEPARENT].as.bytes;
    }
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A row of so many bytes fits alone into a result and into the call's memory. */
static int64_t row_limit(const struct pg_session *session)
{
    int64_t result = pg_session_settings(session)->result_limit;
    int64_t memory = (int64_t)pg_session_call(session)->arena.limit;
    return smaller(result - smaller(ROW_OVERHEAD, result / 2), memory / 2);
}

atlas_status_t outbox_store_read_page(struct pg_session *session,
                                      const struct outbox_window *window, unsigned limit,
                                      struct outbox_page *ret_page, struct error *error)
{
    const struct atlas_pg_value params[] = {pg_value_of_int(window->floor), pg_value_of_int(limit),
                                            pg_value_of_int(outbox_window_wants_xact(window)),
                                            pg_value_of_int(row_limit(session))};
    struct atlas_pg_result result;
    atlas_status_t status = run(session, READ_PAGE, params, 4, &result, error);
    if (status != ATLAS_OK) {
        return status;
    }
    const struct atlas_pg_value *first = result.values;
    size_t count = first[PAGE_ID].is_null ? 0 : result.row_count;
    struct outbox_row *rows =
        arena_alloc(&pg_session_call(session)->arena, (count + 1) * sizeof *rows);
    if (rows == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "no memory for a page of %zu rows",
                         count);
    }
    for (size_t i = 0; i < count; i++) {
        fill_row(&rows[i], result.values + i * result.column_count);
    }
    *ret_page = (struct outbox_page){
        .rows = rows,
        .count = count,
        .reading = {.oldest_running = first[PAGE_XMIN].as.integer,
                    .taken_xact = first[PAGE_TAKEN].as.integer,
                    .last_id = first[PAGE_LAST_ID].as.integer,
                    .is_drained = count < limit},
    };
    return ATLAS_OK;
}

atlas_status_t outbox_store_delete(struct pg_session *session, const int64_t *ids, size_t count,
                                   int64_t floor, struct error *error)
{
    struct atlas_pg_value *items =
        arena_alloc(&pg_session_call(session)->arena, (count + 1) * sizeof *items);
    if (items == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "no memory for %zu ids", count);
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = pg_value_of_int(ids[i]);
    }
    struct atlas_pg_value params[] = {{.is_null = false}, pg_value_of_int(floor)};
    params[0].as.array.items = items;
    params[0].as.array.count = count;
    return run(session, DELETE_ROWS, params, 2, NULL, error);
}

atlas_status_t outbox_store_bury(struct pg_session *session, int64_t id, const char *reason,
                                 struct error *error)
{
    struct atlas_pg_value params[] = {pg_value_of_int(id), {.is_null = false}};
    params[1].as.bytes = (struct atlas_bytes){reason, strlen(reason)};
    return run(session, BURY, params, 2, NULL, error);
}
