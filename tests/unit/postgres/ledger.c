#include "ledger.h"

#include <stdio.h>
#include <string.h>

#include "base/readiness.h"

const struct atlas_pg_statement ledger_statements[LEDGER_STATEMENTS] = {
    [FIND] = ATLAS_PG_STATEMENT("find", ATLAS_PG_READ, "SELECT balance FROM account WHERE id = $1",
                                ATLAS_PG_TYPES(ATLAS_PG_TEXT), ATLAS_PG_TYPES(ATLAS_PG_INT8)),
    [PUT] = ATLAS_PG_STATEMENT("put", ATLAS_PG_WRITE, "INSERT INTO account VALUES ($1, $2)",
                               ATLAS_PG_TYPES(ATLAS_PG_TEXT, ATLAS_PG_INT8), ATLAS_PG_NO_TYPES),
    [ADD] = ATLAS_PG_STATEMENT("add", ATLAS_PG_WRITE,
                               "UPDATE account SET balance = balance + $2 WHERE id = $1"
                               " RETURNING balance",
                               ATLAS_PG_TYPES(ATLAS_PG_TEXT, ATLAS_PG_INT8),
                               ATLAS_PG_TYPES(ATLAS_PG_INT8)),
    [TYPES_BACK] = ATLAS_PG_STATEMENT(
        "types_back", ATLAS_PG_READ,
        "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $9 = '2001-02-03 04:05:06.789+00'",
        ATLAS_PG_TYPES(ATLAS_PG_BOOL, ATLAS_PG_INT2, ATLAS_PG_INT4, ATLAS_PG_INT8, ATLAS_PG_FLOAT8,
                       ATLAS_PG_TEXT, ATLAS_PG_BYTEA, ATLAS_PG_UUID, ATLAS_PG_TIMESTAMP,
                       ATLAS_PG_TEXT_ARRAY, ATLAS_PG_TIMESTAMP_ARRAY),
        ATLAS_PG_TYPES(ATLAS_PG_BOOL, ATLAS_PG_INT2, ATLAS_PG_INT4, ATLAS_PG_INT8, ATLAS_PG_FLOAT8,
                       ATLAS_PG_TEXT, ATLAS_PG_BYTEA, ATLAS_PG_UUID, ATLAS_PG_TIMESTAMP,
                       ATLAS_PG_TEXT_ARRAY, ATLAS_PG_TIMESTAMP_ARRAY, ATLAS_PG_BOOL)),
    [SLEEP] = ATLAS_PG_STATEMENT("sleep", ATLAS_PG_READ, "SELECT pg_sleep($1)::text",
                                 ATLAS_PG_TYPES(ATLAS_PG_FLOAT8), ATLAS_PG_TYPES(ATLAS_PG_TEXT)),
    [SLEEP_WRITE] =
        ATLAS_PG_STATEMENT("sleep_write", ATLAS_PG_WRITE, "SELECT pg_sleep($1)::text",
                           ATLAS_PG_TYPES(ATLAS_PG_FLOAT8), ATLAS_PG_TYPES(ATLAS_PG_TEXT)),
    [BAD_READ] = ATLAS_PG_STATEMENT("bad_read", ATLAS_PG_READ, "DELETE FROM account",
                                    ATLAS_PG_NO_TYPES, ATLAS_PG_NO_TYPES),
    [LIST] = ATLAS_PG_STATEMENT("list", ATLAS_PG_READ, "SELECT generate_series(1, $1)",
                                ATLAS_PG_TYPES(ATLAS_PG_INT4), ATLAS_PG_TYPES(ATLAS_PG_INT4)),
    [DEFERRED] = ATLAS_PG_STATEMENT("deferred", ATLAS_PG_WRITE, "INSERT INTO child VALUES ($1)",
                                    ATLAS_PG_TYPES(ATLAS_PG_TEXT), ATLAS_PG_NO_TYPES),
    [PUT_FRESH] =
        ATLAS_PG_STATEMENT("put_fresh", ATLAS_PG_WRITE, "INSERT INTO account VALUES ($1, 1)",
                           ATLAS_PG_TYPES(ATLAS_PG_TEXT), ATLAS_PG_NO_TYPES),
    [SETTING] = ATLAS_PG_STATEMENT("setting", ATLAS_PG_READ, "SELECT current_setting($1)",
                                   ATLAS_PG_TYPES(ATLAS_PG_TEXT), ATLAS_PG_TYPES(ATLAS_PG_TEXT)),
};

const struct atlas_pg_migration ledger_migrations[2] = {
    {sizeof(struct atlas_pg_migration), 1, "create_account",
     "CREATE TABLE account (id text PRIMARY KEY, balance bigint NOT NULL"
     " CONSTRAINT no_overdraft CHECK (balance >= 0));"
     "CREATE TABLE child (id text REFERENCES account DEFERRABLE INITIALLY DEFERRED)",
     "1.0.0"},
    {sizeof(struct atlas_pg_migration), 2, "index_account",
     "CREATE INDEX account_balance ON account (balance)", "1.0.0"},
};

const struct atlas_pg_schema ledger_schema = LEDGER_SCHEMA(2, LEDGER_STATEMENTS);

struct generation *ledger;
struct error ledger_error;

atlas_status_t run(atlas_status_t (*fn)(struct call *call, void *arg), void *arg,
                   int64_t timeout_ms)
{
    ledger_error.text[0] = '\0';
    return fixture_call(ledger, 1, timeout_ms, fn, arg, &ledger_error);
}

bool is_said(const char *part)
{
    bool is_there = strstr(ledger_error.text, part) != NULL;
    if (!is_there) {
        printf("\n    \"%s\" is not in \"%s\"\n", part, ledger_error.text);
    }
    return is_there;
}

atlas_status_t put(struct call *call, const char *id, int64_t balance,
                   enum atlas_outcome *ret_outcome)
{
    return atlas_pg_write(&call->public, PUT,
                          ATLAS_PG_PARAMS(atlas_pg_text(id), atlas_pg_int8(balance)), NULL,
                          ret_outcome);
}

int64_t balance_of(struct call *call, const char *id)
{
    struct atlas_pg_result result;
    atlas_status_t status =
        atlas_pg_query(&call->public, FIND, ATLAS_PG_PARAMS(atlas_pg_text(id)), &result);
    return status == ATLAS_OK && result.row_count == 1 ? atlas_pg_get_int(&result, 0, 0) : -1;
}

atlas_status_t read_one(struct call *call, void *arg)
{
    (void)arg;
    return balance_of(call, "a") >= 0 ? ATLAS_OK : ATLAS_INTERNAL;
}

atlas_status_t add_in(struct call *call, struct atlas_handle transaction, int64_t amount)
{
    return atlas_pg_query_in(&call->public, transaction, ADD,
                             ATLAS_PG_PARAMS(atlas_pg_text("t"), atlas_pg_int8(amount)), NULL);
}

bool is_ready(void *arg)
{
    return readiness_is_ready() == (arg != NULL);
}

/* Sessions of the plugin that have done their first work or wait for it: connecting ones do not
 * count. */
long long count_sessions(void)
{
    return pg_server_number("postgres", "SELECT count(*) FROM pg_stat_activity WHERE usename = "
                                        "'atlas_ledger' AND state = 'idle'");
}

bool has_sessions(void *arg)
{
    return count_sessions() >= *(const long long *)arg;
}

atlas_status_t find_nobody(struct call *call, void *arg)
{
    (void)arg;
    return atlas_pg_query(&call->public, FIND, ATLAS_PG_PARAMS(atlas_pg_text("nobody")), NULL);
}

int ledger_main(const char *suite, const struct unit_test *tests, size_t count)
{
    pg_fixture_start("lease_wait = \"300ms\";", NULL);
    pg_fixture_add_schema("ledger");
    ledger = pg_fixture_load("ledger", "1.0.0", &ledger_schema, false, &ledger_error);
    if (ledger == NULL) {
        printf("%s\n", ledger_error.text);
        pg_server_destroy();
        return EXIT_FAILURE;
    }
    int result = unit_run(suite, tests, count);
    fixture_unload(ledger);
    pg_fixture_stop();
    return result;
}
