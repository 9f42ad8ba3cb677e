/* The PostgreSQL module against a real server: queries and their deadlines. */
#include <string.h>

#include "base/clock.h"
#include "ledger.h"
#include "runtime/task.h"
#include "runtime/wait.h"

/* --- Queries --- */

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

/* Somebody takes away what was there when the statements were checked, and mends it. */
static void test_database_that_was_changed_is_no_fault_of_the_call(void)
{
    pg_server_run("atlas", "ALTER TABLE ledger.account RENAME TO gone");
    CU_ASSERT_EQUAL(run(find_nobody, NULL, 5000), ATLAS_UNAVAILABLE);
    CU_ASSERT(is_said("relation \"account\" does not exist"));
    pg_server_run("atlas", "ALTER TABLE ledger.gone RENAME TO account");
    CU_ASSERT_EQUAL(run(find_nobody, NULL, 5000), ATLAS_OK);
    pg_server_run("atlas", "REVOKE SELECT ON ledger.account FROM atlas_ledger");
    CU_ASSERT_EQUAL(run(find_nobody, NULL, 5000), ATLAS_UNAVAILABLE);
    CU_ASSERT(is_said("permission denied"));
    pg_server_run("atlas", "GRANT SELECT ON ledger.account TO atlas_ledger");
    CU_ASSERT_EQUAL(run(find_nobody, NULL, 5000), ATLAS_OK);
}

static void expect_setting(struct call *call, const char *name, const char *value)
{
    struct atlas_pg_result result;
    atlas_status_t status =
        atlas_pg_query(&call->public, SETTING, ATLAS_PG_PARAMS(atlas_pg_text(name)), &result);
    CU_ASSERT_EQUAL_FATAL(status, ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(atlas_pg_get_text(&result, 0, 0), value);
}

/* The defaults are two hours of silence, and a quarter of one for an answer on its way, in which a
 * host that lost its power would still lead. */
static atlas_status_t read_keepalives(struct call *call, void *arg)
{
    (void)arg;
    expect_setting(call, "tcp_keepalives_idle", "10");
    expect_setting(call, "tcp_keepalives_interval", "5");
    expect_setting(call, "tcp_keepalives_count", "3");
    expect_setting(call, "tcp_user_timeout", "25000");
    return ATLAS_OK;
}

static atlas_status_t put_where_the_disk_is_full(struct call *call, void *arg)
{
    (void)arg;
    return put(call, "full", 1, NULL);
}

/* As PostgreSQL says it when it cannot extend a file; a consumer repeats the record then. */
static void test_full_disk_of_the_server_is_no_fault_of_the_call(void)
{
    pg_server_run("atlas", "CREATE FUNCTION ledger.fill() RETURNS trigger LANGUAGE plpgsql AS $$ "
                           "BEGIN RAISE 'no space left' USING ERRCODE = 'disk_full'; END $$; "
                           "CREATE TRIGGER fill BEFORE INSERT ON ledger.account FOR EACH ROW "
                           "WHEN (NEW.id = 'full') EXECUTE FUNCTION ledger.fill()");
    CU_ASSERT_EQUAL(run(put_where_the_disk_is_full, NULL, 5000), ATLAS_UNAVAILABLE);
    CU_ASSERT(is_said("out of connections, memory or disk"));
    pg_server_run("atlas", "DROP TRIGGER fill ON ledger.account; DROP FUNCTION ledger.fill");
    CU_ASSERT_EQUAL(run(put_where_the_disk_is_full, NULL, 5000), ATLAS_OK);
}

static void test_server_notices_a_host_that_vanished(void)
{
    CU_ASSERT_EQUAL(run(read_keepalives, NULL, 5000), ATLAS_OK);
}

/* --- Many at once --- */

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

/* --- Deadlines --- */

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

LEDGER_MAIN("postgres", UNIT_TEST(test_write_then_read), UNIT_TEST(test_every_type_there_and_back),
            UNIT_TEST(test_constraint_failures_have_names),
            UNIT_TEST(test_statement_whose_first_use_fails_stays_prepared),
            UNIT_TEST(test_misuse_is_explained),
            UNIT_TEST(test_database_that_was_changed_is_no_fault_of_the_call),
            UNIT_TEST(test_full_disk_of_the_server_is_no_fault_of_the_call),
            UNIT_TEST(test_server_notices_a_host_that_vanished),
            UNIT_TEST(test_many_fibers_share_few_connections),
            UNIT_TEST(test_reads_pass_a_slow_one), UNIT_TEST(test_read_is_given_up_at_the_deadline),
            UNIT_TEST(test_write_is_ended_by_the_server_at_the_deadline))
