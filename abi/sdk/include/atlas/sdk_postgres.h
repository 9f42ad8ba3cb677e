/* PostgreSQL: parameters, statements and rows without ceremony. */
#ifndef ATLAS_SDK_POSTGRES_H
#define ATLAS_SDK_POSTGRES_H

#include "atlas/postgres.h"
#include "atlas/sdk_call.h"

/* --- Declarations -------------------------------------------------------------------------------
 */

/* Types of parameters or columns; ATLAS_PG_NO_TYPES for none. */
#define ATLAS_PG_TYPES(...) ((const uint8_t[]){__VA_ARGS__, 0})
#define ATLAS_PG_NO_TYPES   ((const uint8_t[]){0})

/* One member of an array of struct atlas_pg_statement:
 *     [ORDER_FIND] = ATLAS_PG_STATEMENT("order_find", ATLAS_PG_READ, "SELECT ... WHERE id = $1",
 *                                       ATLAS_PG_TYPES(ATLAS_PG_UUID), ATLAS_PG_TYPES(...)), */
#define ATLAS_PG_STATEMENT(name_, flags_, sql_, params_, columns_)                                 \
    {                                                                                              \
        .size = sizeof(struct atlas_pg_statement), .flags = (flags_), .name = (name_),             \
        .sql = (sql_), .params = (params_), .columns = (columns_)                                  \
    }

/* --- Parameters ---------------------------------------------------------------------------------
 */

/* Two arguments, the values and their number: atlas_pg_query(call, FIND, ATLAS_PG_PARAMS(...),
 * &rows) where one value is one of the constructors below. ATLAS_PG_NO_PARAMS for none. */
#define ATLAS_PG_PARAMS(...)                                                                       \
    ((const struct atlas_pg_value[]){__VA_ARGS__}),                                                \
        (sizeof((const struct atlas_pg_value[]){__VA_ARGS__}) / sizeof(struct atlas_pg_value))
#define ATLAS_PG_NO_PARAMS NULL, 0

/* An SQL NULL, for a parameter of any type. */
static inline struct atlas_pg_value atlas_pg_null(void)
{
    struct atlas_pg_value value;

    memset(&value, 0, sizeof value);
    value.is_null = true;
    return value;
}

/* BOOL, INT2, INT4, INT8 and TIMESTAMP are all carried as an integer. */
static inline struct atlas_pg_value atlas_pg_int8(int64_t integer)
{
    struct atlas_pg_value value;

    memset(&value, 0, sizeof value);
    value.as.integer = integer;
    return value;
}

static inline struct atlas_pg_value atlas_pg_int4(int32_t integer)
{
    return atlas_pg_int8(integer);
}

static inline struct atlas_pg_value atlas_pg_bool(bool boolean)
{
    return atlas_pg_int8(boolean ? 1 : 0);
}

/* Microseconds since 1970-01-01 UTC. */
static inline struct atlas_pg_value atlas_pg_timestamp(int64_t wall_us)
{
    return atlas_pg_int8(wall_us);
}

static inline struct atlas_pg_value atlas_pg_float8(double number)
{
    struct atlas_pg_value value;

    memset(&value, 0, sizeof value);
    value.as.number = number;
    return value;
}

/* BYTEA, and TEXT that has a length; borrowed until the query returns. */
static inline struct atlas_pg_value atlas_pg_bytea(struct atlas_bytes bytes)
{
    struct atlas_pg_value value;

    memset(&value, 0, sizeof value);
    value.as.bytes = bytes;
    return value;
}

static inline struct atlas_pg_value atlas_pg_text_of(struct atlas_bytes text)
{
    return atlas_pg_bytea(text);
}

/* Borrowed until the query returns; NULL is an SQL NULL. */
static inline struct atlas_pg_value atlas_pg_text(const char *text)
{
    return text != NULL ? atlas_pg_bytea(atlas_str(text)) : atlas_pg_null();
}

/* NULL and "" are an SQL NULL: proto3 strings without presence. */
static inline struct atlas_pg_value atlas_pg_text_or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? atlas_pg_text(text) : atlas_pg_null();
}

/* 36 characters, lower case (atlas_uuid, atlas_uuid_parse). */
static inline struct atlas_pg_value atlas_pg_uuid(const char *uuid)
{
    return atlas_pg_text(uuid);
}

/* An array of values made by the constructors above; borrowed until the query returns. */
static inline struct atlas_pg_value atlas_pg_array(const struct atlas_pg_value *items, size_t count)
{
    struct atlas_pg_value value;

    memset(&value, 0, sizeof value);
    value.as.array.items = items;
    value.as.array.count = count;
    return value;
}

/* --- Queries ------------------------------------------------------------------------------------
 */

/* Runs a statement in a transaction of its own. ret_result may be NULL; its rows lie in the arena
 * of call. [waits] */
static inline atlas_status_t atlas_pg_query(struct atlas_call *call, uint32_t statement,
                                            const struct atlas_pg_value *params, size_t param_count,
                                            struct atlas_pg_result *ret_result)
{
    const struct atlas_postgres_interface *pg = call->interfaces->postgres;

    return pg != NULL ? pg->query(call, statement, params, param_count, ret_result, NULL)
                      : atlas_not_granted(call, ATLAS_POSTGRES);
}

/* The same for a statement that changes something: ret_outcome says whether it happened. [waits] */
static inline atlas_status_t atlas_pg_write(struct atlas_call *call, uint32_t statement,
                                            const struct atlas_pg_value *params, size_t param_count,
                                            struct atlas_pg_result *ret_result,
                                            enum atlas_outcome *ret_outcome)
{
    const struct atlas_postgres_interface *pg = call->interfaces->postgres;

    if (pg == NULL) {
        *ret_outcome = ATLAS_OUTCOME_NOT_DONE;
        return atlas_not_granted(call, ATLAS_POSTGRES);
    }
    return pg->query(call, statement, params, param_count, ret_result, ret_outcome);
}

/* Begins a transaction of several steps, to be ended by commit, rollback or abandon. [waits] */
static inline atlas_status_t atlas_pg_begin(struct atlas_call *call,
                                            struct atlas_handle *ret_transaction)
{
    const struct atlas_postgres_interface *pg = call->interfaces->postgres;

    return pg != NULL ? pg->begin(call, ret_transaction) : atlas_not_granted(call, ATLAS_POSTGRES);
}

/* One step of it. After one that failed only rollback is left. [waits] */
static inline atlas_status_t atlas_pg_query_in(struct atlas_call *call,
                                               struct atlas_handle transaction, uint32_t statement,
                                               const struct atlas_pg_value *params,
                                               size_t param_count,
                                               struct atlas_pg_result *ret_result)
{
    const struct atlas_postgres_interface *pg = call->interfaces->postgres;

    return pg != NULL ? pg->query_in(call, transaction, statement, params, param_count, ret_result)
                      : atlas_not_granted(call, ATLAS_POSTGRES);
}

/* ret_outcome may be NULL. The transaction ends here or with rollback, whatever the result. [waits]
 */
static inline atlas_status_t atlas_pg_commit(struct atlas_call *call,
                                             struct atlas_handle transaction,
                                             enum atlas_outcome *ret_outcome)
{
    const struct atlas_postgres_interface *pg = call->interfaces->postgres;

    return pg != NULL ? pg->commit(call, transaction, ret_outcome)
                      : atlas_not_granted(call, ATLAS_POSTGRES);
}

/* Ends it without a change; nothing for one that has ended. */
static inline void atlas_pg_rollback(struct atlas_call *call, struct atlas_handle transaction)
{
    if (call->interfaces->postgres != NULL) {
        call->interfaces->postgres->rollback(call, transaction);
    }
}

/* Rolls back and passes status on: return atlas_pg_abandon(call, transaction, status). The message
 * of the failure stays. */
static inline atlas_status_t
atlas_pg_abandon(struct atlas_call *call, struct atlas_handle transaction, atlas_status_t status)
{
    struct atlas_bytes message = atlas_message(call);
    char text[ATLAS_MESSAGE_LIMIT];

    snprintf(text, sizeof text, "%.*s", ATLAS_BYTES_ARG(message));
    atlas_pg_rollback(call, transaction);
    atlas_set_message(call, text);
    return status;
}

/* True if the last failure on this call came from that constraint. */
static inline bool atlas_pg_failed_on(struct atlas_call *call, const char *constraint)
{
    struct atlas_pg_error error;

    if (call->interfaces->postgres == NULL) {
        return false;
    }
    call->interfaces->postgres->last_error(call, &error);
    return strcmp(error.constraint, constraint) == 0;
}

/* --- Rows ---------------------------------------------------------------------------------------
 */

/* The value at a row and a column of the declaration; both must exist. */
static inline const struct atlas_pg_value *atlas_pg_at(const struct atlas_pg_result *result,
                                                       size_t row, size_t column)
{
    return &result->values[row * result->column_count + column];
}

static inline bool atlas_pg_is_null(const struct atlas_pg_result *result, size_t row, size_t column)
{
    return atlas_pg_at(result, row, column)->is_null;
}

/* Integers of any width, booleans and timestamps; 0 for NULL. */
static inline int64_t atlas_pg_get_int(const struct atlas_pg_result *result, size_t row,
                                       size_t column)
{
    const struct atlas_pg_value *value = atlas_pg_at(result, row, column);

    return value->is_null ? 0 : value->as.integer;
}

static inline bool atlas_pg_get_bool(const struct atlas_pg_result *result, size_t row,
                                     size_t column)
{
    return atlas_pg_get_int(result, row, column) != 0;
}

static inline double atlas_pg_get_float8(const struct atlas_pg_result *result, size_t row,
                                         size_t column)
{
    const struct atlas_pg_value *value = atlas_pg_at(result, row, column);

    return value->is_null ? 0.0 : value->as.number;
}

/* TEXT and UUID as a C string in the arena; "" for NULL. Not const, since the fields of
 * protobuf-c's structs are char *; do not write to it. */
static inline char *atlas_pg_get_text(const struct atlas_pg_result *result, size_t row,
                                      size_t column)
{
    const struct atlas_pg_value *value = atlas_pg_at(result, row, column);

    return (char *)(uintptr_t)(value->is_null ? "" : value->as.bytes.data);
}

/* BYTEA, TEXT and UUID, in the arena; no data for NULL. */
static inline struct atlas_bytes atlas_pg_get_bytes(const struct atlas_pg_result *result,
                                                    size_t row, size_t column)
{
    const struct atlas_pg_value *value = atlas_pg_at(result, row, column);

    return value->is_null ? atlas_bytes_of(NULL, 0) : value->as.bytes;
}

#endif
