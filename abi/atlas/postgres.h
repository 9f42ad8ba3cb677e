/*
 * "atlas.postgres/1": PostgreSQL through pools that the host owns.
 *
 * A plugin declares its schema as data: migrations, run at load under a lock, and statements with
 * parameter and column types, prepared and checked against the database before the plugin is routed
 * to. Statements are named by their index in the declaration.
 */
#ifndef ATLAS_POSTGRES_H
#define ATLAS_POSTGRES_H

#include "atlas/call.h"

#define ATLAS_POSTGRES "atlas.postgres/1"

enum atlas_pg_type {
    ATLAS_PG_BOOL = 1,      /* integer: 0 or 1 */
    ATLAS_PG_INT2 = 2,      /* integer */
    ATLAS_PG_INT4 = 3,      /* integer */
    ATLAS_PG_INT8 = 4,      /* integer */
    ATLAS_PG_FLOAT8 = 5,    /* number */
    ATLAS_PG_TEXT = 6,      /* bytes, UTF-8; a NUL ends the byte after the last (results) */
    ATLAS_PG_BYTEA = 7,     /* bytes */
    ATLAS_PG_UUID = 8,      /* bytes: 36 characters, lower case, as RFC 4122 writes it */
    ATLAS_PG_TIMESTAMP = 9, /* integer: microseconds since 1970-01-01 UTC ("timestamptz") */
    ATLAS_PG_TEXT_ARRAY = 10,
    ATLAS_PG_INT8_ARRAY = 11,
    ATLAS_PG_FLOAT8_ARRAY = 12,
    ATLAS_PG_UUID_ARRAY = 13,
    ATLAS_PG_BYTEA_ARRAY = 14,
    ATLAS_PG_TIMESTAMP_ARRAY = 15,
};

/* A parameter or a column: which member counts follows from the declared type. Frozen. */
struct atlas_pg_value {
    bool is_null;
    union {
        int64_t integer;
        double number;
        struct atlas_bytes bytes;
        struct {
            const struct atlas_pg_value *items;
            size_t count;
        } array;
    } as;
};

enum atlas_pg_statement_flags {
    ATLAS_PG_READ = 0,         /* shares pipelined connections; may be given up at any time */
    ATLAS_PG_WRITE = 1u << 0,  /* commits; once sent, its result is waited for until the deadline */
    ATLAS_PG_OUTBOX = 1u << 1, /* writes outbox rows: wakes the relay after the commit */
};

/* Grows. */
struct atlas_pg_statement {
    uint32_t size;
    uint32_t flags;
    const char *name;       /* for messages and metrics: "order_find" */
    const char *sql;        /* one statement, parameters $1, $2, ... $64 at most */
    const uint8_t *params;  /* enum atlas_pg_type, ended by 0 */
    const uint8_t *columns; /* enum atlas_pg_type, ended by 0 */
};

/* Grows. */
struct atlas_pg_migration {
    uint32_t size;
    uint32_t number;              /* 1, 2, 3, ... without gaps; never changed once released */
    const char *name;             /* "create_orders" */
    const char *sql;              /* may hold several statements; runs in one transaction */
    const char *compatible_since; /* oldest plugin version that still works afterwards, not newer
                                     than the plugin itself */
};

/* Declared in struct atlas_plugin. The schema has the plugin's id as its name. Grows. */
struct atlas_pg_schema {
    uint32_t size;
    uint32_t flags; /* enum atlas_pg_schema_flags */
    const struct atlas_pg_migration *migrations;
    size_t migration_count;
    const struct atlas_pg_statement *statements;
    size_t statement_count;
};

enum atlas_pg_schema_flags {
    /*
     * The host keeps a table in the schema and relays its rows to Kafka in order:
     *   outbox(topic text, key text, type text, traceparent text, payload bytea)
     * with host columns beside them. Insert in the statement that changes the state, after the row
     * lock of the aggregate is held; rows of one key arrive in the order of their insertion, each
     * at least once, with the headers event-id, type and traceparent.
     */
    ATLAS_PG_HAS_OUTBOX = 1u << 0,
};

/* Rows of a result, in the arena of the call. values[row * column_count + column]. Frozen. */
struct atlas_pg_result {
    size_t row_count;
    size_t column_count;
    const struct atlas_pg_value *values;
    int64_t affected; /* rows changed, as the command tag says */
};

/* The constraint or SQLSTATE behind the last failure of this call, empty if there is none.
 * Frozen. */
struct atlas_pg_error {
    char sqlstate[6];
    char constraint[64];
};

struct atlas_postgres_interface {
    uint32_t size;

    /* Runs one statement in a transaction of its own. params are borrowed until it returns.
     * ALREADY_EXISTS: a unique or exclusion constraint; FAILED_PRECONDITION: another constraint, or
     * RAISE EXCEPTION; INVALID_ARGUMENT, OUT_OF_RANGE: a value that its type does not take (class
     * 22); ABORTED: serialization, deadlock; UNAVAILABLE: the connection was lost or is not there,
     * the server is out of connections, memory or disk, or the database no longer is as it was when
     * the plugin was loaded; DEADLINE_EXCEEDED: the call's deadline or postgres.statement_timeout;
     * RESOURCE_EXHAUSTED: a result over postgres.rows or postgres.result_limit, or postgres.queue
     * statements wait; INTERNAL: no such statement, or another number of params than declared. For
     * ATLAS_PG_WRITE ret_outcome (may be NULL) says whether the change happened. ret_result may be
     * NULL; its rows lie in the arena. [call] [waits] */
    atlas_status_t (*query)(struct atlas_call *call, uint32_t statement,
                            const struct atlas_pg_value *params, size_t param_count,
                            struct atlas_pg_result *ret_result, enum atlas_outcome *ret_outcome);

    /* Leases a connection and opens a transaction (READ COMMITTED). RESOURCE_EXHAUSTED when none
     * became free within postgres.lease_wait, as when a call begins more than there are. The handle
     * belongs to call, not to its tasks; if the fiber ends first, the transaction is rolled back
     * before the connection is used again. [call] [waits] */
    atlas_status_t (*begin)(struct atlas_call *call, struct atlas_handle *ret_transaction);
    /* As query, inside the transaction. After a statement that failed every other one and commit
     * fail with its status: only rollback is left. FAILED_PRECONDITION for a transaction that has
     * ended or is another call's. [call] [waits] */
    atlas_status_t (*query_in)(struct atlas_call *call, struct atlas_handle transaction,
                               uint32_t statement, const struct atlas_pg_value *params,
                               size_t param_count, struct atlas_pg_result *ret_result);
    /* COMMIT is sent only if every statement before it succeeded, and is never abandoned: whatever
     * ends the call, ret_outcome (may be NULL) is what became of it. The handle ends with commit,
     * whatever it returns, and with rollback, which does nothing for one that has ended.
     * [call] [waits] */
    atlas_status_t (*commit)(struct atlas_call *call, struct atlas_handle transaction,
                             enum atlas_outcome *ret_outcome);
    void (*rollback)(struct atlas_call *call, struct atlas_handle transaction);

    /* Details of the last failed statement on this call; empty texts if there was none. [call] */
    void (*last_error)(struct atlas_call *call, struct atlas_pg_error *ret_error);
};

#endif
