/* The PostgreSQL module against a real server: queries, transactions, loss and return of the
 * server, migrations and the check of statements. */
#include "pg_fixture.h"
#include "pg_server.h"

#include "atlas/sdk_postgres.h"
#include "base/clock.h"
#include "base/readiness.h"
#include "runtime/task.h"
#include "runtime/wait.h"
#include "support/names.h"
#include "support/unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

enum statement {
    FIND,
    PUT,
    ADD,
    TYPES_BACK,
    SLEEP,
    SLEEP_WRITE,
    BAD_READ,
    LIST,
    DEFERRED,
    PUT_FRESH
};

static const struct atlas_pg_statement statements[] = {
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
};

static const struct atlas_pg_migration migrations[] = {
    {sizeof(struct atlas_pg_migration), 1, "create_account",
     "CREATE TABLE account (id text PRIMARY KEY, balance bigint NOT NULL"
     " CONSTRAINT no_overdraft CHECK (balance >= 0));"
     "CREATE TABLE child (id text REFERENCES account DEFERRABLE INITIALLY DEFERRED)",
     "1.0.0"},
    {sizeof(struct atlas_pg_migration), 2, "index_account",
     "CREATE INDEX account_balance ON account (balance)", "1.0.0"},
};

#define SCHEMA(migration_count_, statement_count_)                                                 \
    {                                                                                              \
        sizeof(struct atlas_pg_schema), 0, migrations, (migration_count_), statements,             \
            (statement_count_)                                                                     \
    }

static const struct atlas_pg_schema schema = SCHEMA(2, sizeof statements / sizeof statements[0]);

static struct generation *ledger;
static struct error error;

static atlas_status_t run(atlas_status_t (*fn)(struct call *call, void *arg), void *arg,
                          int64_t timeout_ms)
{
    error.text[0] = '\0';
    return fixture_call(ledger, 1, timeout_ms, fn, arg, &error);
}

static bool is_said(const char *part)
{
    bool is_there = strstr(error.text, part) != NULL;
    if (!is_there) {
        printf("\n    \"%s\" is not in \"%s\"\n", part, error.text);
    }
    return is_there;
}

/* --- Queries -----------------------------------------------------------------------------------
 */

static atlas_status_t put(struct call *call, const char *id, int64_t balance,
                          enum atlas_outcome *ret_outcome)
{
    return atlas_pg_write(&call->public, PUT,
                          ATLAS_PG_PARAMS(atlas_pg_text(id), atlas_pg_int8(balance)), NULL,
                          ret_outcome);
}

static int64_t balance_of(struct call *call, const char *id)
{
    struct atlas_pg_result result;
    atlas_status_t status =
        atlas_pg_query(&call->public, FIND, ATLAS_PG_PARAMS(atlas_pg_text(id)), &result);
    return status == ATLAS_OK && result.row_count == 1 ? atlas_pg_get_int(&result, 0, 0) : -1;
}

static atlas_status_t write_then_read(struct call *call, void *arg)
{
    (void)arg;
    struct atlas_pg_result result;
    enum atlas_outcome outcome = ATLAS_OUTCOME_UNKNOWN;
    CU_ASSERT_EQUAL(put(call, "a", 5, &outcome), ATLAS_OK);
    CU_ASSERT_EQUAL(outcome, ATLAS_OUTCOME_DONE);
    CU_ASSERT_EQUAL(balance_of(call, "a"), 5);
    CU_ASSERT_EQUAL(balance_of(call, "nobody"), -1);
    CU_ASSERT_EQUAL(atlas_pg_write(&call->public, ADD,
                                   ATLAS_PG_PARAMS(atlas_pg_text("a"), atlas_pg_int8(3)), &result,
                                   &outcome),
                    ATLAS_OK);
    CU_ASSERT_EQUAL(result.affected, 1);
    CU_ASSERT_EQUAL(atlas_pg_get_int(&result, 0, 0), 8);
    return ATLAS_OK;
}

static void test_write_then_read(void)
{
    CU_ASSERT_EQUAL(run(write_then_read, NULL, 5000), ATLAS_OK);
}

static atlas_status_t every_type(struct call *call, void *arg)
{
    (void)arg;
    struct atlas_pg_result r;
    static const char uuid[] = "0b5a6c1e-90ab-4cde-8f01-23456789abcd";
    const int64_t time_us = INT64_C(981173106789000); /* 2001-02-03 04:05:06.789 UTC */
    const struct atlas_pg_value texts[] = {atlas_pg_text("x"), atlas_pg_null()};
    const struct atlas_pg_value times[] = {atlas_pg_timestamp(0)};
    atlas_status_t status = atlas_pg_query(
        &call->public, TYPES_BACK,
        ATLAS_PG_PARAMS(atlas_pg_bool(true), atlas_pg_int8(-2), atlas_pg_int4(-4),
                        atlas_pg_int8(INT64_MIN), atlas_pg_float8(2.5), atlas_pg_text("Grüße"),
                        atlas_pg_bytea(atlas_bytes_of("\0\1", 2)), atlas_pg_uuid(uuid),
                        atlas_pg_timestamp(time_us), atlas_pg_array(texts, 2),
                        atlas_pg_array(times, 1)),
        &r);
    CU_ASSERT_EQUAL_FATAL(status, ATLAS_OK);
    CU_ASSERT(atlas_pg_get_bool(&r, 0, 0));
    CU_ASSERT_EQUAL(atlas_pg_get_int(&r, 0, 1), -2);
    CU_ASSERT_EQUAL(atlas_pg_get_int(&r, 0, 2), -4);
    CU_ASSERT_EQUAL(atlas_pg_get_int(&r, 0, 3), INT64_MIN);
    CU_ASSERT_EQUAL(atlas_pg_get_float8(&r, 0, 4), 2.5);
    CU_ASSERT_STRING_EQUAL(atlas_pg_get_text(&r, 0, 5), "Grüße");
    CU_ASSERT_EQUAL(atlas_pg_get_bytes(&r, 0, 6).len, 2);
    CU_ASSERT_STRING_EQUAL(atlas_pg_get_text(&r, 0, 7), uuid);
    CU_ASSERT_EQUAL(atlas_pg_get_int(&r, 0, 8), time_us);
    CU_ASSERT_EQUAL(atlas_pg_at(&r, 0, 9)->as.array.count, 2);
    CU_ASSERT(atlas_pg_at(&r, 0, 9)->as.array.items[1].is_null);
    CU_ASSERT_EQUAL(atlas_pg_at(&r, 0, 10)->as.array.items[0].as.integer, 0);
    CU_ASSERT(atlas_pg_get_bool(&r, 0, 11)); /* the server agrees on the time */
    return ATLAS_OK;
}

static void test_every_type_there_and_back(void)
{
    CU_ASSERT_EQUAL(run(every_type, NULL, 5000), ATLAS_OK);
}

static atlas_status_t break_constraints(struct call *call, void *arg)
{
    (void)arg;
    enum atlas_outcome outcome = ATLAS_OUTCOME_UNKNOWN;
    struct atlas_pg_error details;
    CU_ASSERT_EQUAL(put(call, "c", 1, &outcome), ATLAS_OK);
    CU_ASSERT_EQUAL(put(call, "c", 1, &outcome), ATLAS_ALREADY_EXISTS);
    CU_ASSERT_EQUAL(outcome, ATLAS_OUTCOME_NOT_DONE);
    call->public.interfaces->postgres->last_error(&call->public, &details);
    CU_ASSERT_STRING_EQUAL(details.sqlstate, "23505");
    CU_ASSERT_STRING_EQUAL(details.constraint, "account_pkey");
    CU_ASSERT_PTR_NOT_NULL(strstr(call->message, "statement put: "));
    CU_ASSERT_EQUAL(put(call, "d", -1, &outcome), ATLAS_FAILED_PRECONDITION);
    CU_ASSERT(atlas_pg_failed_on(&call->public, "no_overdraft"));
    /* a constraint that is checked at commit fails the request all the same */
    CU_ASSERT_EQUAL(atlas_pg_write(&call->public, DEFERRED, ATLAS_PG_PARAMS(atlas_pg_text("none")),
                                   NULL, &outcome),
                    ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_EQUAL(outcome, ATLAS_OUTCOME_NOT_DONE);
    /* the connection goes on, and the next success forgets the failure */
    CU_ASSERT_EQUAL(balance_of(call, "c"), 1);
    CU_ASSERT_FALSE(atlas_pg_failed_on(&call->public, "no_overdraft"));
    return ATLAS_OK;
}

static atlas_status_t fail_at_first(struct call *call, void *arg)
{
    (void)arg;
    for (int i = 0; i < 6; i++) { /* the first use on a connection prepares, and fails */
        CU_ASSERT_EQUAL(
            atlas_pg_query(&call->public, PUT_FRESH, ATLAS_PG_PARAMS(atlas_pg_text("c")), NULL),
            ATLAS_ALREADY_EXISTS);
    }
    return ATLAS_OK;
}

static void test_statement_whose_first_use_fails_stays_prepared(void)
{
    CU_ASSERT_EQUAL(run(fail_at_first, NULL, 5000), ATLAS_OK);
}

static void test_constraint_failures_have_names(void)
{
    CU_ASSERT_EQUAL(run(break_constraints, NULL, 5000), ATLAS_OK);
}

static atlas_status_t misuse(struct call *call, void *arg)
{
    (void)arg;
    struct atlas_pg_result result;
    CU_ASSERT_EQUAL(atlas_pg_query(&call->public, BAD_READ, ATLAS_PG_NO_PARAMS, NULL),
                    ATLAS_INTERNAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(call->message, "declare it with ATLAS_PG_WRITE"));
    CU_ASSERT_EQUAL(atlas_pg_query(&call->public, FIND, ATLAS_PG_NO_PARAMS, &result),
                    ATLAS_INTERNAL);
    CU_ASSERT_EQUAL(atlas_pg_query(&call->public, 99, ATLAS_PG_NO_PARAMS, &result), ATLAS_INTERNAL);
    CU_ASSERT_EQUAL(
        atlas_pg_query(&call->public, LIST, ATLAS_PG_PARAMS(atlas_pg_int8(INT64_C(1) << 40)), NULL),
        ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(
        atlas_pg_query(&call->public, LIST, ATLAS_PG_PARAMS(atlas_pg_int4(20000)), &result),
        ATLAS_RESOURCE_EXHAUSTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(call->message, "raise postgres.rows"));
    CU_ASSERT_EQUAL(
        atlas_pg_query(&call->public, LIST, ATLAS_PG_PARAMS(atlas_pg_int4(100)), &result),
        ATLAS_OK);
    CU_ASSERT_EQUAL(result.row_count, 100);
    return ATLAS_OK;
}

static void test_misuse_is_explained(void)
{
    CU_ASSERT_EQUAL(run(misuse, NULL, 5000), ATLAS_OK);
}

/* --- Many at once ------------------------------------------------------------------------------
 */

#define TASKS       40
#define TASK_ROUNDS 25

static atlas_status_t add_many(struct atlas_call *call, void *arg)
{
    (void)arg;
    for (int i = 0; i < TASK_ROUNDS; i++) {
        enum atlas_outcome outcome;
        atlas_status_t status = atlas_pg_write(
            call, ADD, ATLAS_PG_PARAMS(atlas_pg_text("many"), atlas_pg_int8(1)), NULL, &outcome);
        if (status != ATLAS_OK || balance_of(call_of(call), "many") < 1) {
            return ATLAS_INTERNAL;
        }
    }
    return ATLAS_OK;
}

static atlas_status_t fan_out(struct call *call, void *arg)
{
    (void)arg;
    static struct atlas_task tasks[TASKS];
    enum atlas_outcome outcome;
    CU_ASSERT_EQUAL(put(call, "many", 0, &outcome), ATLAS_OK);
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = (struct atlas_task){.run = add_many};
        CU_ASSERT_EQUAL(task_spawn(call, &tasks[i]), ATLAS_OK);
    }
    CU_ASSERT_EQUAL(task_join(call), ATLAS_OK);
    CU_ASSERT_EQUAL(balance_of(call, "many"), TASKS * TASK_ROUNDS);
    return ATLAS_OK;
}

static void test_many_fibers_share_few_connections(void)
{
    CU_ASSERT_EQUAL(run(fan_out, NULL, 20000), ATLAS_OK);
    CU_ASSERT(pg_server_number("atlas", "SELECT count(*) FROM pg_stat_activity WHERE"
                                        " usename = 'atlas_ledger'") <= 2 * (2 + 4 + 2));
}

static atlas_status_t read_slowly(struct atlas_call *call, void *arg)
{
    struct atlas_pg_result result;
    atlas_status_t status =
        atlas_pg_query(call, SLEEP, ATLAS_PG_PARAMS(atlas_pg_float8(2.0)), &result);
    *(bool *)arg = true;
    return status;
}

static atlas_status_t read_beside_a_slow_one(struct call *call, void *arg)
{
    bool is_slow_done = false;
    struct atlas_task slow = {.run = read_slowly, .arg = &is_slow_done};
    (void)arg;
    CU_ASSERT_EQUAL(task_spawn(call, &slow), ATLAS_OK);
    struct wait nothing; /* by then it is known to be slow */
    wait_init(&nothing, call);
    CU_ASSERT_EQUAL(wait_for_at_most(&nothing, 50 * NS_PER_MS), ATLAS_DEADLINE_EXCEEDED);
    for (int i = 0; i < 20; i++) {
        CU_ASSERT(balance_of(call, "a") >= 0);
    }
    CU_ASSERT_FALSE(is_slow_done);
    return task_join(call);
}

static void test_reads_pass_a_slow_one(void)
{
    CU_ASSERT_EQUAL(run(read_beside_a_slow_one, NULL, 20000), ATLAS_OK);
}

/* --- Deadlines ---------------------------------------------------------------------------------
 */

static atlas_status_t sleep_read(struct call *call, void *arg)
{
    (void)arg;
    return atlas_pg_query(&call->public, SLEEP, ATLAS_PG_PARAMS(atlas_pg_float8(1.0)), NULL);
}

static atlas_status_t sleep_write(struct call *call, void *arg)
{
    return atlas_pg_write(&call->public, SLEEP_WRITE, ATLAS_PG_PARAMS(atlas_pg_float8(5.0)), NULL,
                          arg);
}

static atlas_status_t read_one(struct call *call, void *arg)
{
    (void)arg;
    return balance_of(call, "a") >= 0 ? ATLAS_OK : ATLAS_INTERNAL;
}

static void test_read_is_given_up_at_the_deadline(void)
{
    int64_t start_ns = clock_monotonic_ns();
    CU_ASSERT_EQUAL(run(sleep_read, NULL, 100), ATLAS_DEADLINE_EXCEEDED);
    CU_ASSERT(clock_monotonic_ns() - start_ns < 600 * NS_PER_MS);
    /* its late answer is dropped, and does not hold back the next one */
    CU_ASSERT_EQUAL(run(read_one, NULL, 5000), ATLAS_OK);
    CU_ASSERT(clock_monotonic_ns() - start_ns < 800 * NS_PER_MS);
}

static void test_write_is_ended_by_the_server_at_the_deadline(void)
{
    enum atlas_outcome outcome = ATLAS_OUTCOME_UNKNOWN;
    int64_t start_ns = clock_monotonic_ns();
    CU_ASSERT_EQUAL(run(sleep_write, &outcome, 300), ATLAS_DEADLINE_EXCEEDED);
    CU_ASSERT_EQUAL(outcome, ATLAS_OUTCOME_NOT_DONE);
    CU_ASSERT(clock_monotonic_ns() - start_ns < 1500 * NS_PER_MS);
    CU_ASSERT(is_said("ran out of time"));
}

/* --- Transactions ------------------------------------------------------------------------------
 */

static atlas_status_t add_in(struct call *call, struct atlas_handle transaction, int64_t amount)
{
    return atlas_pg_query_in(&call->public, transaction, ADD,
                             ATLAS_PG_PARAMS(atlas_pg_text("t"), atlas_pg_int8(amount)), NULL);
}

static atlas_status_t transactions(struct call *call, void *arg)
{
    (void)arg;
    struct atlas_handle transaction;
    enum atlas_outcome outcome;
    CU_ASSERT_EQUAL(put(call, "t", 10, &outcome), ATLAS_OK);

    CU_ASSERT_EQUAL(atlas_pg_begin(&call->public, &transaction), ATLAS_OK);
    CU_ASSERT_EQUAL(add_in(call, transaction, 1), ATLAS_OK);
    CU_ASSERT_EQUAL(balance_of(call, "t"), 10); /* not seen outside */
    CU_ASSERT_EQUAL(add_in(call, transaction, 1), ATLAS_OK);
    CU_ASSERT_EQUAL(atlas_pg_commit(&call->public, transaction, &outcome), ATLAS_OK);
    CU_ASSERT_EQUAL(outcome, ATLAS_OUTCOME_DONE);
    CU_ASSERT_EQUAL(balance_of(call, "t"), 12);
    CU_ASSERT_EQUAL(atlas_pg_commit(&call->public, transaction, &outcome),
                    ATLAS_FAILED_PRECONDITION); /* the handle is stale */
    CU_ASSERT_EQUAL(outcome, ATLAS_OUTCOME_NOT_DONE);

    CU_ASSERT_EQUAL(atlas_pg_begin(&call->public, &transaction), ATLAS_OK);
    CU_ASSERT_EQUAL(add_in(call, transaction, 5), ATLAS_OK);
    atlas_pg_rollback(&call->public, transaction);
    CU_ASSERT_EQUAL(balance_of(call, "t"), 12);

    CU_ASSERT_EQUAL(atlas_pg_begin(&call->public, &transaction), ATLAS_OK);
    CU_ASSERT_EQUAL(add_in(call, transaction, 5), ATLAS_OK);
    CU_ASSERT_EQUAL(add_in(call, transaction, -100), ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_EQUAL(add_in(call, transaction, 1), ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_EQUAL(atlas_pg_commit(&call->public, transaction, &outcome),
                    ATLAS_FAILED_PRECONDITION); /* is not sent */
    CU_ASSERT_EQUAL(outcome, ATLAS_OUTCOME_NOT_DONE);
    CU_ASSERT_EQUAL(balance_of(call, "t"), 12);
    return ATLAS_OK;
}

static void test_transactions_commit_or_leave_nothing(void)
{
    CU_ASSERT_EQUAL(run(transactions, NULL, 5000), ATLAS_OK);
}

/* Takes every lease of the loop and returns with the transactions open. */
static atlas_status_t abandon_all(struct call *call, void *arg)
{
    (void)arg;
    struct atlas_handle transaction;
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(atlas_pg_begin(&call->public, &transaction), ATLAS_OK);
    }
    CU_ASSERT_EQUAL(add_in(call, transaction, 7), ATLAS_OK);
    CU_ASSERT_EQUAL(atlas_pg_begin(&call->public, &transaction), ATLAS_RESOURCE_EXHAUSTED);
    return ATLAS_OK;
}

/* Ends at its deadline in the middle of a statement. */
static atlas_status_t abandon_busy(struct call *call, void *arg)
{
    (void)arg;
    struct atlas_handle transaction;
    CU_ASSERT_EQUAL(atlas_pg_begin(&call->public, &transaction), ATLAS_OK);
    CU_ASSERT_EQUAL(add_in(call, transaction, 7), ATLAS_OK);
    return atlas_pg_query_in(&call->public, transaction, SLEEP_WRITE,
                             ATLAS_PG_PARAMS(atlas_pg_float8(0.4)), NULL);
}

static void test_abandoned_transactions_are_rolled_back(void)
{
    CU_ASSERT_EQUAL(run(abandon_all, NULL, 5000), ATLAS_OK);
    CU_ASSERT_EQUAL(run(abandon_all, NULL, 5000), ATLAS_OK); /* the leases are free again */
    CU_ASSERT_EQUAL(run(abandon_busy, NULL, 150), ATLAS_DEADLINE_EXCEEDED);
    CU_ASSERT_EQUAL(run(abandon_all, NULL, 5000), ATLAS_OK);
    CU_ASSERT_EQUAL(pg_server_number("atlas", "SELECT balance FROM ledger.account WHERE id = 't'"),
                    12);
}

/* --- Loss and return ---------------------------------------------------------------------------
 */

struct traffic {
    _Atomic bool is_stopping;
    _Atomic long done;
    _Atomic long unknown;
    _Atomic long failed;
    _Atomic long odd; /* statuses that a caller could not make sense of */
};

static atlas_status_t drive_one(struct atlas_call *call, void *arg)
{
    struct traffic *traffic = arg;
    while (!atomic_load(&traffic->is_stopping)) {
        enum atlas_outcome outcome;
        atlas_status_t status = atlas_pg_write(
            call, ADD, ATLAS_PG_PARAMS(atlas_pg_text("traffic"), atlas_pg_int8(1)), NULL, &outcome);
        traffic->done += outcome == ATLAS_OUTCOME_DONE;
        traffic->unknown += outcome == ATLAS_OUTCOME_UNKNOWN;
        traffic->failed += status != ATLAS_OK;
        traffic->odd += (status == ATLAS_OK) != (outcome == ATLAS_OUTCOME_DONE);
        if (status != ATLAS_OK) {
            traffic->odd += status != ATLAS_UNAVAILABLE && status != ATLAS_RESOURCE_EXHAUSTED;
            call->interfaces->call->sleep(call, 5 * NS_PER_MS);
        }
    }
    return ATLAS_OK;
}

static atlas_status_t drive(struct call *call, void *arg)
{
    static struct atlas_task tasks[16];
    for (int i = 0; i < 16; i++) {
        tasks[i] = (struct atlas_task){.run = drive_one, .arg = arg};
        task_spawn(call, &tasks[i]);
    }
    return task_join(call);
}

static void *drive_on_thread(void *arg)
{
    fixture_call(ledger, 0, 60000, drive, arg, NULL);
    return NULL;
}

static bool has_progress(void *arg)
{
    struct traffic *traffic = arg;
    static long before;
    long done = atomic_load(&traffic->done);
    bool is_more = done > before + 100;
    before = is_more ? done : before;
    return is_more;
}

static bool has_failed(void *arg)
{
    return atomic_load(&((struct traffic *)arg)->failed) > 20;
}

static bool is_ready(void *arg)
{
    return readiness_is_ready() == (arg != NULL);
}

/* Sessions of the plugin that have done their first work or wait for it: connecting ones do not
 * count. */
static long long count_sessions(void)
{
    return pg_server_number("postgres", "SELECT count(*) FROM pg_stat_activity WHERE usename = "
                                        "'atlas_ledger' AND state = 'idle'");
}

static bool has_sessions(void *arg)
{
    return count_sessions() >= *(const long long *)arg;
}

static long long sessions_before_restarts;

static void test_server_restarts_under_traffic(void)
{
    sessions_before_restarts = count_sessions();
    struct traffic traffic = {.done = 0};
    pthread_t thread;
    pg_server_run("atlas", "INSERT INTO ledger.account VALUES ('traffic', 0)");
    pthread_create(&thread, NULL, drive_on_thread, &traffic);
    CU_ASSERT(fixture_eventually(has_progress, &traffic));
    for (int round = 0; round < 2; round++) {
        long failed_before = traffic.failed;
        pg_server_kill();
        CU_ASSERT(fixture_eventually(has_failed, &traffic));
        CU_ASSERT(fixture_eventually(is_ready, NULL));
        pg_server_start();
        CU_ASSERT(fixture_eventually(has_progress, &traffic));
        CU_ASSERT(fixture_eventually(is_ready, &traffic));
        CU_ASSERT(traffic.failed >= failed_before);
    }
    traffic.is_stopping = true;
    pthread_join(thread, NULL);
    long long balance =
        pg_server_number("atlas", "SELECT balance FROM ledger.account WHERE id = 'traffic'");
    /* what was reported as done is there, and nothing beyond it but what was left open */
    CU_ASSERT(balance >= traffic.done && balance <= traffic.done + traffic.unknown);
    CU_ASSERT_EQUAL(traffic.odd, 0);
    printf("done %ld, unknown %ld, failed %ld, in the table %lld ", traffic.done, traffic.unknown,
           traffic.failed, balance);
}

static atlas_status_t put_hanging(struct call *call, void *arg)
{
    return put(call, "hanging", 1, arg);
}

/* A server that is there and says nothing: what was sent is given up after its time and a grace,
 * and nobody can say what became of it. */
static void test_hanging_server_leaves_the_outcome_open(void)
{
    enum atlas_outcome outcome = ATLAS_OUTCOME_DONE;
    /* A connection that is still being made would find a server that answers. */
    CU_ASSERT(fixture_eventually(has_sessions, &sessions_before_restarts));
    int64_t start_ns = clock_monotonic_ns();
    pg_server_signal("atlas_ledger", SIGSTOP);
    CU_ASSERT_EQUAL(run(read_one, NULL, 100), ATLAS_INTERNAL);
    CU_ASSERT_EQUAL(run(put_hanging, &outcome, 300), ATLAS_UNAVAILABLE);
    CU_ASSERT_EQUAL(outcome, ATLAS_OUTCOME_UNKNOWN);
    CU_ASSERT(clock_monotonic_ns() - start_ns < 3000 * NS_PER_MS);
    pg_server_signal("atlas_ledger", SIGCONT);
    CU_ASSERT_EQUAL(run(read_one, NULL, 5000), ATLAS_OK);
    atlas_status_t again = run(put_hanging, &outcome, 5000); /* the same reference settles it */
    CU_ASSERT(again == ATLAS_OK || again == ATLAS_ALREADY_EXISTS);
}

/* A transaction does not go on in a session that it was not opened in. */
static atlas_status_t lose_lease(struct call *call, void *arg)
{
    (void)arg;
    struct atlas_handle transaction;
    enum atlas_outcome outcome;
    CU_ASSERT_EQUAL(atlas_pg_begin(&call->public, &transaction), ATLAS_OK);
    CU_ASSERT_EQUAL(add_in(call, transaction, 1), ATLAS_OK);
    pg_server_run("atlas", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                           " WHERE usename = 'atlas_ledger' AND state = 'idle in transaction'");
    call->public.interfaces->call->sleep(&call->public, 400 * NS_PER_MS);
    CU_ASSERT_EQUAL(add_in(call, transaction, 1), ATLAS_UNAVAILABLE);
    CU_ASSERT_EQUAL(atlas_pg_commit(&call->public, transaction, &outcome), ATLAS_UNAVAILABLE);
    CU_ASSERT_EQUAL(outcome, ATLAS_OUTCOME_NOT_DONE);
    CU_ASSERT_EQUAL(atlas_pg_begin(&call->public, &transaction), ATLAS_OK);
    CU_ASSERT_EQUAL(add_in(call, transaction, 1), ATLAS_OK);
    CU_ASSERT_EQUAL(atlas_pg_commit(&call->public, transaction, &outcome), ATLAS_OK);
    CU_ASSERT_EQUAL(balance_of(call, "t"), 13);
    return ATLAS_OK;
}

static atlas_status_t begin_and_end(struct call *call, void *arg)
{
    (void)arg;
    struct atlas_handle transaction;
    return atlas_pg_begin(&call->public, &transaction);
}

static bool has_lease(void *arg)
{
    return run(begin_and_end, arg, 1000) == ATLAS_OK;
}

static void test_transaction_ends_with_its_session(void)
{
    CU_ASSERT(fixture_eventually(has_lease, NULL)); /* loop 1 is back as well */
    CU_ASSERT_EQUAL(run(lose_lease, NULL, 5000), ATLAS_OK);
}

/* --- Migrations and the check ------------------------------------------------------------------
 */

static void expect_refusal(const char *id, const char *version, const struct atlas_pg_schema *with,
                           const char *part)
{
    struct generation *generation = fixture_load(id, version, with, false, &error);
    CU_ASSERT_PTR_NULL(generation);
    CU_ASSERT(is_said(part));
    fixture_unload(generation);
}

static void test_missing_role_and_schema_print_their_sql(void)
{
    expect_refusal("nowhere", "1.0.0", &schema, "CREATE ROLE \"atlas_nowhere\"");
    pg_server_run("atlas", "CREATE ROLE atlas_nowhere LOGIN");
    expect_refusal("nowhere", "1.0.0", &schema,
                   "CREATE SCHEMA \"nowhere\" AUTHORIZATION \"atlas_nowhere\"");
}

static void test_changed_migration_is_refused(void)
{
    struct atlas_pg_migration changed[2] = {migrations[0], migrations[1]};
    struct atlas_pg_schema other = schema;
    changed[1].sql = "CREATE INDEX account_balance ON account (balance DESC)";
    other.migrations = changed;
    expect_refusal("ledger", "1.0.0", &other, "(index_account) was applied with sha256 ");
}

static void test_failed_migration_leaves_nothing(void)
{
    struct atlas_pg_migration more[4] = {migrations[0], migrations[1], migrations[1],
                                         migrations[1]};
    struct atlas_pg_schema other = schema;
    other.migrations = more;
    other.migration_count = 4;
    more[2] = (struct atlas_pg_migration){sizeof more[2], 3, "half",
                                          "CREATE TABLE half (); SELECT 1/0", "1.0.0"};
    expect_refusal("ledger", "1.1.0", &other, "migration 3 (half): division by zero");
    more[2].sql = "COMMIT; CREATE TABLE half ()";
    expect_refusal("ledger", "1.1.0", &other, "its SQL ends the transaction");
    pg_server_run("atlas", "DROP TABLE IF EXISTS ledger.half");
    CU_ASSERT_EQUAL(pg_server_number("atlas", "SELECT count(*) FROM ledger.atlas_migration"), 2);
}

static void test_newer_database_serves_older_plugins(void)
{
    struct atlas_pg_schema older = SCHEMA(1, 2);
    struct generation *generation = fixture_load("ledger", "1.0.0", &older, true, &error);
    CU_ASSERT_PTR_NOT_NULL(generation);
    fixture_unload(generation);
    pg_server_run("atlas", "UPDATE ledger.atlas_migration SET compatible_since = '1.2.0'"
                           " WHERE number = 2");
    expect_refusal("ledger", "1.1.9", &older, "works with plugin version 1.2.0 and newer");
    generation = fixture_load("ledger", "1.2.0", &older, true, &error);
    CU_ASSERT_PTR_NOT_NULL(generation);
    fixture_unload(generation);
    pg_server_run("atlas", "UPDATE ledger.atlas_migration SET compatible_since = '1.0.0'"
                           " WHERE number = 2");
}

static void expect_mismatch(struct atlas_pg_statement statement, const char *part)
{
    struct atlas_pg_schema other = schema;
    other.statements = &statement;
    other.statement_count = 1;
    expect_refusal("ledger", "1.0.0", &other, part);
}

static void test_statements_must_fit_the_database(void)
{
    struct atlas_pg_statement s = statements[FIND];
    s.columns = ATLAS_PG_TYPES(ATLAS_PG_INT4);
    expect_mismatch(s, "statement find: column 1 (balance) is declared as int4, the database "
                       "returns int8");
    s = statements[FIND];
    s.columns = ATLAS_PG_TYPES(ATLAS_PG_INT8, ATLAS_PG_INT8);
    expect_mismatch(s, "2 columns are declared, the database returns 1");
    s = statements[FIND];
    s.params = ATLAS_PG_NO_TYPES;
    expect_mismatch(s, "0 parameters are declared, the SQL has 1");
    s = statements[FIND];
    s.sql = "SELECT balance FROM accounts WHERE id = $1";
    expect_mismatch(s, "relation \"accounts\" does not exist (SQLSTATE 42P01)");
    s = statements[FIND];
    s.params = ATLAS_PG_TYPES(200);
    expect_mismatch(s, "a type is no enum atlas_pg_type");
}

/* Two processes start at the same time: here two threads, each with a loop of its own. */
struct race {
    pthread_t thread;
    struct generation *generation;
    struct error error;
};

static const struct atlas_pg_migration slow_migrations[] = {
    {sizeof(struct atlas_pg_migration), 1, "slow",
     "CREATE TABLE slow (id int); SELECT pg_sleep(0.3); INSERT INTO slow VALUES (1)", "1.0.0"},
};
static const struct atlas_pg_schema slow_schema = {
    sizeof(struct atlas_pg_schema), 0, slow_migrations, 1, NULL, 0};

static void *load_slow(void *arg)
{
    struct race *race = arg;
    race->generation = fixture_load("slow", "1.0.0", &slow_schema, false, &race->error);
    return NULL;
}

static void test_concurrent_migrations_run_once(void)
{
    struct race races[2];
    fixture_add_schema("slow");
    for (int i = 0; i < 2; i++) {
        pthread_create(&races[i].thread, NULL, load_slow, &races[i]);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(races[i].thread, NULL);
        CU_ASSERT_PTR_NOT_NULL(races[i].generation);
        fixture_unload(races[i].generation);
    }
    CU_ASSERT_EQUAL(pg_server_number("atlas", "SELECT count(*) FROM slow.slow"), 1);
}

/* --- The server is away when a plugin is loaded -------------------------------------------------
 */

static atlas_status_t find_nobody(struct call *call, void *arg)
{
    (void)arg;
    return atlas_pg_query(&call->public, FIND, ATLAS_PG_PARAMS(atlas_pg_text("nobody")), NULL);
}

static bool is_serving(void *arg)
{
    return fixture_call(arg, 1, 1000, find_nobody, NULL, &error) == ATLAS_OK;
}

static void test_server_away_at_load(void)
{
    fixture_add_schema("late");
    pg_server_kill();
    CU_ASSERT_PTR_NULL(fixture_load("late", "1.0.0", &schema, true, &error)); /* a reload */
    CU_ASSERT(is_said("is away"));
    struct generation *late = fixture_load("late", "1.0.0", &schema, false, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(late);
    fixture_activate(late);
    CU_ASSERT_EQUAL(fixture_call(late, 1, 1000, find_nobody, NULL, &error), ATLAS_UNAVAILABLE);
    CU_ASSERT(is_said("has not been reached since plugin late was loaded"));
    pg_server_start();
    CU_ASSERT(fixture_eventually(is_serving, late)); /* migrated, checked, open */
    fixture_deactivate(late);
    fixture_unload(late);
}

static void test_servers_name_is_followed(void)
{
    pg_server_kill();
    CU_ASSERT(fixture_eventually(is_ready, NULL));
    names_set(FIXTURE_HOST, "127.0.0.2");
    pg_server_start();
    unsigned lookups = names_lookups(FIXTURE_HOST);
    while (names_lookups(FIXTURE_HOST) < lookups + 4) {
        CU_ASSERT_EQUAL(fixture_call(ledger, 0, 1000, find_nobody, NULL, &error),
                        ATLAS_UNAVAILABLE);
    }
    names_set(FIXTURE_HOST, "::1,127.0.0.2,127.0.0.1"); /* the server is at the last */
    CU_ASSERT(fixture_eventually(is_serving, ledger));
}

static void test_mismatch_found_late_is_told(void)
{
    struct atlas_pg_schema other = schema;
    struct atlas_pg_statement wrong = statements[FIND];
    wrong.sql = "SELECT balance FROM accounts WHERE id = $1";
    other.statements = &wrong;
    other.statement_count = 1;
    pg_server_kill();
    struct generation *late = fixture_load("late", "1.0.0", &other, false, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(late);
    fixture_activate(late);
    pg_server_start();
    while (fixture_call(late, 0, 1000, find_nobody, NULL, &error) == ATLAS_UNAVAILABLE) {
    }
    CU_ASSERT_EQUAL(error.status, ATLAS_FAILED_PRECONDITION);
    CU_ASSERT(is_said("relation \"accounts\" does not exist"));
    fixture_deactivate(late);
    fixture_unload(late);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_write_then_read),
        UNIT_TEST(test_every_type_there_and_back),
        UNIT_TEST(test_constraint_failures_have_names),
        UNIT_TEST(test_statement_whose_first_use_fails_stays_prepared),
        UNIT_TEST(test_misuse_is_explained),
        UNIT_TEST(test_many_fibers_share_few_connections),
        UNIT_TEST(test_reads_pass_a_slow_one),
        UNIT_TEST(test_read_is_given_up_at_the_deadline),
        UNIT_TEST(test_write_is_ended_by_the_server_at_the_deadline),
        UNIT_TEST(test_transactions_commit_or_leave_nothing),
        UNIT_TEST(test_abandoned_transactions_are_rolled_back),
        UNIT_TEST(test_server_restarts_under_traffic),
        UNIT_TEST(test_hanging_server_leaves_the_outcome_open),
        UNIT_TEST(test_transaction_ends_with_its_session),
        UNIT_TEST(test_missing_role_and_schema_print_their_sql),
        UNIT_TEST(test_changed_migration_is_refused),
        UNIT_TEST(test_failed_migration_leaves_nothing),
        UNIT_TEST(test_newer_database_serves_older_plugins),
        UNIT_TEST(test_statements_must_fit_the_database),
        UNIT_TEST(test_concurrent_migrations_run_once),
        UNIT_TEST(test_server_away_at_load),
        UNIT_TEST(test_servers_name_is_followed),
        UNIT_TEST(test_mismatch_found_late_is_told),
    };
    fixture_start("lease_wait = \"300ms\";", NULL);
    fixture_add_schema("ledger");
    ledger = fixture_load("ledger", "1.0.0", &schema, false, &error);
    if (ledger == NULL) {
        printf("%s\n", error.text);
        pg_server_destroy();
        return EXIT_FAILURE;
    }
    int result = unit_run("postgres", tests, sizeof tests / sizeof tests[0]);
    fixture_unload(ledger);
    fixture_stop();
    return result;
}
