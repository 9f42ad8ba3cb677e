/* A plugin "ledger" with accounts, for the tests of the PostgreSQL module: its statements and
 * schema, and small calls of it. */
#ifndef TESTS_LEDGER_H
#define TESTS_LEDGER_H

#include "atlas/sdk_postgres.h"
#include "pg_fixture.h"
#include "pg_server.h"
#include "support/unit.h"

enum ledger_statement {
    FIND,
    PUT,
    ADD,
    TYPES_BACK,
    SLEEP,
    SLEEP_WRITE,
    BAD_READ,
    LIST,
    DEFERRED,
    PUT_FRESH,
    SETTING
};

#define LEDGER_STATEMENTS ((size_t)SETTING + 1)

extern const struct atlas_pg_statement ledger_statements[LEDGER_STATEMENTS];
extern const struct atlas_pg_migration ledger_migrations[2];
extern const struct atlas_pg_schema ledger_schema;

/* A schema with the first of the migrations and of the statements. */
#define LEDGER_SCHEMA(migration_count_, statement_count_)                                          \
    {                                                                                              \
        sizeof(struct atlas_pg_schema), 0, ledger_migrations, (migration_count_),                  \
            ledger_statements, (statement_count_)                                                  \
    }

/* Starts the server and loads the plugin, runs the tests, ends all. Returns an exit code. */
int ledger_main(const char *suite, const struct unit_test *tests, size_t count);

/* The plugin, and the message of the last call or load that failed. */
extern struct generation *ledger;
extern struct error ledger_error;

/* Runs fn as a call of the plugin on the second loop. */
atlas_status_t run(atlas_status_t (*fn)(struct call *call, void *arg), void *arg,
                   int64_t timeout_ms);

/* True if the last message has this part; prints both if not. */
bool is_said(const char *part);

/* Statements of the plugin, in a call. balance_of: -1 if there is no such account. */
atlas_status_t put(struct call *call, const char *id, int64_t balance,
                   enum atlas_outcome *ret_outcome);
atlas_status_t add_in(struct call *call, struct atlas_handle transaction, int64_t amount);
int64_t balance_of(struct call *call, const char *id);

/* Calls for run: reads an account, that there is or is not. */
atlas_status_t read_one(struct call *call, void *arg);
atlas_status_t find_nobody(struct call *call, void *arg);

/* Conditions for fixture_eventually: the module is connected; the server has so many sessions of
 * the plugin (long long *arg). */
bool is_ready(void *arg);
long long count_sessions(void);
bool has_sessions(void *arg);

#define LEDGER_MAIN(suite, ...)                                                                    \
    int main(void)                                                                                 \
    {                                                                                              \
        static const struct unit_test unit_tests[] = {__VA_ARGS__};                                \
        return ledger_main(suite, unit_tests, sizeof unit_tests / sizeof unit_tests[0]);           \
    }

#endif
