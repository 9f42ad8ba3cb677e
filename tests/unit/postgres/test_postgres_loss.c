/* The PostgreSQL module while its server restarts, hangs, moves, or is away. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "ledger.h"
#include "runtime/task.h"
#include "support/names.h"

/* --- Loss and return --- */

static atlas_status_t open_accounts(struct call *call, void *arg)
{
    (void)arg;
    CU_ASSERT_EQUAL(put(call, "a", 8, NULL), ATLAS_OK);
    CU_ASSERT_EQUAL(put(call, "t", 12, NULL), ATLAS_OK);
    return ATLAS_OK;
}

static void test_accounts_are_opened(void)
{
    CU_ASSERT_EQUAL(run(open_accounts, NULL, 5000), ATLAS_OK);
}

static atlas_status_t put_hanging(struct call *call, void *arg)
{
    return put(call, "hanging", 1, arg);
}

/* A write with much time on the loop of run, before which others must not have to wait. */
struct patient {
    _Atomic bool has_begun;
    atlas_status_t status;
};

static atlas_status_t put_patient(struct call *call, void *arg)
{
    enum atlas_outcome outcome;
    atomic_store(&((struct patient *)arg)->has_begun, true); /* sent before the loop goes on */
    return put(call, "patient", 1, &outcome);
}

static void *put_patient_on_thread(void *arg)
{
    struct patient *patient = arg;
    patient->status = fixture_call(ledger, 1, 30000, put_patient, patient, NULL);
    return NULL;
}

static bool has_begun(void *arg)
{
    return atomic_load(&((struct patient *)arg)->has_begun);
}

static bool is_none_being_made(void *arg)
{
    (void)arg;
    return pg_server_number("postgres", "SELECT count(*) FROM pg_stat_activity WHERE usename = "
                                        "'atlas_ledger' AND state IS DISTINCT FROM 'idle'") == 0;
}

/* A server that is there and says nothing: what was sent is given up at the deadline, a write a
 * moment later, and nobody can say what became of it. */
static void test_hanging_server_leaves_the_outcome_open(void)
{
    enum atlas_outcome outcome = ATLAS_OUTCOME_DONE;
    struct patient patient = {.has_begun = false};
    pthread_t thread;
    /* For each loop one that reads and one that writes. A connection that is still being made could
     * find a server that answers. */
    long long all = 2 * FIXTURE_LOOPS;
    CU_ASSERT(fixture_eventually(has_sessions, &all));
    CU_ASSERT(fixture_eventually(is_none_being_made, NULL));
    pg_server_signal("atlas_ledger", SIGSTOP);
    pthread_create(&thread, NULL, put_patient_on_thread, &patient);
    CU_ASSERT(fixture_eventually(has_begun, &patient));
    int64_t start_ns = clock_monotonic_ns();
    CU_ASSERT_EQUAL(run(read_one, NULL, 100), ATLAS_INTERNAL);
    CU_ASSERT_EQUAL(run(put_hanging, &outcome, 300), ATLAS_UNAVAILABLE);
    CU_ASSERT_EQUAL(outcome, ATLAS_OUTCOME_UNKNOWN);
    CU_ASSERT(clock_monotonic_ns() - start_ns < 10 * NS_PER_S);
    pg_server_signal("atlas_ledger", SIGCONT);
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(patient.status, ATLAS_OK);
    CU_ASSERT_EQUAL(run(read_one, NULL, 5000), ATLAS_OK);
    atlas_status_t again = run(put_hanging, &outcome, 5000); /* the same reference settles it */
    CU_ASSERT(again == ATLAS_OK || again == ATLAS_ALREADY_EXISTS);
}

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

static void test_server_restarts_under_traffic(void)
{
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

/* --- The server is away when a plugin is loaded --- */

static bool is_serving(void *arg)
{
    return fixture_call(arg, 1, 1000, find_nobody, NULL, &ledger_error) == ATLAS_OK;
}

static void test_server_away_at_load(void)
{
    pg_fixture_add_schema("late");
    pg_server_kill();
    CU_ASSERT_PTR_NULL(
        pg_fixture_load("late", "1.0.0", &ledger_schema, true, &ledger_error)); /* a reload */
    CU_ASSERT(is_said("is away"));
    struct generation *late =
        pg_fixture_load("late", "1.0.0", &ledger_schema, false, &ledger_error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(late);
    fixture_activate(late);
    CU_ASSERT_EQUAL(fixture_call(late, 1, 1000, find_nobody, NULL, &ledger_error),
                    ATLAS_UNAVAILABLE);
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
    names_set(PG_FIXTURE_HOST, "127.0.0.2");
    pg_server_start();
    unsigned lookups = names_lookups(PG_FIXTURE_HOST);
    while (names_lookups(PG_FIXTURE_HOST) < lookups + 4) {
        CU_ASSERT_EQUAL(fixture_call(ledger, 0, 1000, find_nobody, NULL, &ledger_error),
                        ATLAS_UNAVAILABLE);
    }
    names_set(PG_FIXTURE_HOST, "::1,127.0.0.2,127.0.0.1"); /* the server is at the last */
    CU_ASSERT(fixture_eventually(is_serving, ledger));
}

/* UNAVAILABLE, since it is looked at again: what waits for it comes again as well. */
static bool is_told_what_does_not_fit(void *arg)
{
    atlas_status_t status = fixture_call(arg, 0, 1000, find_nobody, NULL, &ledger_error);
    CU_ASSERT_EQUAL(status, ATLAS_UNAVAILABLE);
    return strstr(ledger_error.text, "relation \"accounts\" does not exist") != NULL;
}

static void test_mismatch_found_late_is_told(void)
{
    struct atlas_pg_schema other = ledger_schema;
    struct atlas_pg_statement wrong = ledger_statements[FIND];
    wrong.sql = "SELECT balance FROM accounts WHERE id = $1";
    other.statements = &wrong;
    other.statement_count = 1;
    pg_server_kill();
    struct generation *late = pg_fixture_load("late", "1.0.0", &other, false, &ledger_error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(late);
    fixture_activate(late);
    pg_server_start();
    CU_ASSERT(fixture_eventually(is_told_what_does_not_fit, late));
    fixture_deactivate(late);
    fixture_unload(late);
}

LEDGER_MAIN("postgres loss", UNIT_TEST(test_accounts_are_opened),
            UNIT_TEST(test_hanging_server_leaves_the_outcome_open),
            UNIT_TEST(test_server_restarts_under_traffic),
            UNIT_TEST(test_transaction_ends_with_its_session), UNIT_TEST(test_server_away_at_load),
            UNIT_TEST(test_servers_name_is_followed), UNIT_TEST(test_mismatch_found_late_is_told))
