/* The outbox relay against a real server: nothing lost, each key in order, whatever happens on
 * either side. Kafka is a function here that takes records or refuses them, as the relay sees it.
 */
#include "pg_fixture.h"
#include "pg_server.h"

#include "atlas/sdk_postgres.h"
#include "base/clock.h"
#include "runtime/task.h"
#include "support/unit.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define KEYS        5
#define RECORDS_MAX 20000

enum statement { BUMP };

/* Counts a key up and says so in the same statement: the payload is the count. */
static const struct atlas_pg_statement statements[] = {
    [BUMP] = ATLAS_PG_STATEMENT(
        "bump", ATLAS_PG_WRITE | ATLAS_PG_OUTBOX,
        "WITH c AS (INSERT INTO counter VALUES ($1, 1) ON CONFLICT (key)"
        " DO UPDATE SET n = counter.n + 1 RETURNING key, n)"
        " INSERT INTO outbox(topic, key, type, traceparent, payload)"
        " SELECT 'events', key, 'Bumped', '00-trace', convert_to(n::text, 'UTF8') FROM c",
        ATLAS_PG_TYPES(ATLAS_PG_TEXT), ATLAS_PG_NO_TYPES),
};
static const struct atlas_pg_migration migrations[] = {
    {sizeof(struct atlas_pg_migration), 1, "create_counter",
     "CREATE TABLE counter (key text PRIMARY KEY, n bigint NOT NULL);"
     "CREATE VIEW waiting AS SELECT count(*) FROM outbox", /* the outbox is there already */
     "1.0.0"},
};
static const struct atlas_pg_schema schema = {
    sizeof(struct atlas_pg_schema), ATLAS_PG_HAS_OUTBOX, migrations, 1, statements, 1};

static struct generation *bumper;

/* --- What stands for Kafka --- */

static struct {
    pthread_mutex_t mutex;
    bool is_away;
    bool is_stuck;       /* for the key "stuck" only */
    unsigned fail_every; /* the n-th record fails once; 0: none */
    unsigned calls;
    unsigned in_flight;
    unsigned in_flight_most;
    size_t count;
    struct {
        char key[16];
        long n;
    } records[RECORDS_MAX];
} kafka = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void take(struct atlas_bytes key, struct atlas_bytes value)
{
    char text[24];
    snprintf(text, sizeof text, "%.*s", (int)value.len, (const char *)value.data);
    snprintf(kafka.records[kafka.count].key, sizeof kafka.records[0].key, "%.*s", (int)key.len,
             (const char *)key.data);
    kafka.records[kafka.count++].n = strtol(text, NULL, 10);
}

static bool has_headers(const struct atlas_kafka_header *headers, size_t count)
{
    return count == 3 && strcmp(headers[0].name, "event-id") == 0 && headers[0].value.len == 36 &&
           memcmp(headers[1].value.data, "Bumped", 6) == 0 &&
           memcmp(headers[2].value.data, "00-trace", 8) == 0;
}

static atlas_status_t publish(struct atlas_call *call, const char *topic, struct atlas_bytes key,
                              struct atlas_bytes value, const struct atlas_kafka_header *headers,
                              size_t header_count, enum atlas_outcome *ret_outcome)
{
    atlas_status_t status = ATLAS_OK;
    pthread_mutex_lock(&kafka.mutex);
    kafka.calls++;
    kafka.in_flight++;
    kafka.in_flight_most =
        kafka.in_flight > kafka.in_flight_most ? kafka.in_flight : kafka.in_flight_most;
    pthread_mutex_unlock(&kafka.mutex);
    status = call->interfaces->call->sleep(call, NS_PER_MS); /* a broker's round trip */
    pthread_mutex_lock(&kafka.mutex);
    kafka.in_flight--;
    if (status == ATLAS_OK && key.len == 5 && memcmp(key.data, "large", 5) == 0) {
        status = call_fail(call_of(call), ATLAS_INVALID_ARGUMENT, "the record is too large");
    } else if (status == ATLAS_OK && kafka.is_stuck && key.len == 5 &&
               memcmp(key.data, "stuck", 5) == 0) {
        status = call_fail(call_of(call), ATLAS_UNAVAILABLE, "no such topic yet");
    } else if (status == ATLAS_OK &&
               (kafka.is_away || (kafka.fail_every != 0 && kafka.calls % kafka.fail_every == 0))) {
        status = call_fail(call_of(call), ATLAS_UNAVAILABLE, "no broker");
    } else if (status == ATLAS_OK && strcmp(topic, "events") == 0 &&
               has_headers(headers, header_count)) {
        take(key, value);
    }
    pthread_mutex_unlock(&kafka.mutex);
    *ret_outcome = status == ATLAS_OK ? ATLAS_OUTCOME_DONE : ATLAS_OUTCOME_NOT_DONE;
    return status;
}

static void reset_kafka(void)
{
    pthread_mutex_lock(&kafka.mutex);
    kafka.count = 0;
    kafka.in_flight_most = 0;
    pthread_mutex_unlock(&kafka.mutex);
}

static void set_stuck(bool is_stuck)
{
    pthread_mutex_lock(&kafka.mutex);
    kafka.is_stuck = is_stuck;
    pthread_mutex_unlock(&kafka.mutex);
}

static void fail_every(unsigned count)
{
    pthread_mutex_lock(&kafka.mutex);
    kafka.fail_every = count;
    pthread_mutex_unlock(&kafka.mutex);
}

static void set_away(bool is_away)
{
    pthread_mutex_lock(&kafka.mutex);
    kafka.is_away = is_away;
    pthread_mutex_unlock(&kafka.mutex);
}

/* The records of a key, repeats left out, are first+1, first+2, ... up to last. */
static bool is_in_order(const char *key, long first, long last)
{
    long seen = first;
    bool is_right = true;
    pthread_mutex_lock(&kafka.mutex);
    for (size_t i = 0; i < kafka.count; i++) {
        if (strcmp(kafka.records[i].key, key) == 0 && kafka.records[i].n > seen) {
            is_right = is_right && kafka.records[i].n == seen + 1;
            seen = kafka.records[i].n;
        }
    }
    pthread_mutex_unlock(&kafka.mutex);
    if (!is_right || seen != last) {
        printf("key %s: ends at %ld of %ld, in order: %d ", key, seen, last, is_right);
    }
    return is_right && seen == last;
}

static bool is_drained(void *arg)
{
    (void)arg;
    return pg_server_number("atlas", "SELECT count(*) FROM bumper.outbox") == 0;
}

static long count_of(const char *key)
{
    char sql[100];
    snprintf(sql, sizeof sql, "SELECT coalesce(max(n), 0) FROM bumper.counter WHERE key = '%s'",
             key);
    return (long)pg_server_number("atlas", sql);
}

static bool all_in_order(void)
{
    bool is_right = true;
    for (int i = 0; i < KEYS; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        is_right = is_in_order(key, 0, count_of(key)) && is_right;
    }
    return is_right;
}

static void forget_all(void)
{
    pg_server_run("atlas", "DELETE FROM bumper.counter");
    reset_kafka();
}

/* --- Writers --- */

struct writing {
    unsigned loop;
    int rounds;
    pthread_t thread;
    _Atomic long done;
};

static atlas_status_t write_many(struct atlas_call *call, void *arg)
{
    struct writing *writing = arg;
    for (int i = 0; i < writing->rounds; i++) {
        char key[8];
        enum atlas_outcome outcome;
        snprintf(key, sizeof key, "k%d", i % KEYS);
        atlas_pg_write(call, BUMP, ATLAS_PG_PARAMS(atlas_pg_text(key)), NULL, &outcome);
        writing->done += outcome == ATLAS_OUTCOME_DONE;
        if (outcome != ATLAS_OUTCOME_DONE) {
            call->interfaces->call->sleep(call, 2 * NS_PER_MS);
        }
    }
    return ATLAS_OK;
}

static atlas_status_t write_on_tasks(struct call *call, void *arg)
{
    struct atlas_task tasks[6];
    for (int i = 0; i < 6; i++) {
        tasks[i] = (struct atlas_task){.run = write_many, .arg = arg};
        task_spawn(call, &tasks[i]);
    }
    return task_join(call);
}

static void *write_on_thread(void *arg)
{
    struct writing *writing = arg;
    fixture_call(bumper, writing->loop, 60000, write_on_tasks, writing, NULL);
    return NULL;
}

static void start_writing(struct writing writings[2], int rounds)
{
    for (unsigned i = 0; i < 2; i++) {
        writings[i] = (struct writing){.loop = i, .rounds = rounds};
        pthread_create(&writings[i].thread, NULL, write_on_thread, &writings[i]);
    }
}

static long join_writing(struct writing writings[2])
{
    pthread_join(writings[0].thread, NULL);
    pthread_join(writings[1].thread, NULL);
    return writings[0].done + writings[1].done;
}

static void test_concurrent_writers_lose_nothing(void)
{
    struct writing writings[2];
    forget_all();
    start_writing(writings, 100);
    long done = join_writing(writings);
    CU_ASSERT(fixture_eventually(is_drained, NULL));
    CU_ASSERT_EQUAL(done, 1200);
    CU_ASSERT(all_in_order());
    CU_ASSERT_EQUAL(kafka.count, 1200); /* no repeats without a failure */
    CU_ASSERT(kafka.in_flight_most > 1 && kafka.in_flight_most <= KEYS);
}

static void test_a_failing_broker_changes_no_order(void)
{
    struct writing writings[2];
    forget_all();
    fail_every(37);
    start_writing(writings, 40);
    join_writing(writings);
    CU_ASSERT(fixture_eventually(is_drained, NULL));
    fail_every(0);
    CU_ASSERT(all_in_order());
}

static bool has_backlog(void *arg)
{
    (void)arg;
    return fixture_metric("atlas_outbox_backlog") >= 60 &&
           fixture_metric("atlas_outbox_age_seconds") >= 1 &&
           fixture_metric("atlas_outbox_failures_total") > 0;
}

static void test_rows_wait_while_kafka_is_away(void)
{
    struct writing writings[2];
    forget_all();
    set_away(true);
    start_writing(writings, 20);
    CU_ASSERT_EQUAL(join_writing(writings), 240);
    CU_ASSERT(fixture_eventually(has_backlog, NULL));
    CU_ASSERT_EQUAL(pg_server_number("atlas", "SELECT count(*) FROM bumper.outbox"), 240);
    set_away(false);
    CU_ASSERT(fixture_eventually(is_drained, NULL));
    CU_ASSERT(all_in_order());
}

static bool has_record(void *arg)
{
    bool is_there = false;
    pthread_mutex_lock(&kafka.mutex);
    for (size_t i = 0; i < kafka.count; i++) {
        is_there = is_there || strcmp(kafka.records[i].key, arg) == 0;
    }
    pthread_mutex_unlock(&kafka.mutex);
    return is_there;
}

static bool is_one_left(void *arg)
{
    (void)arg;
    return pg_server_number("atlas", "SELECT count(*) FROM bumper.outbox") == 1;
}

/* A row that fails time and again, for its topic is missing, costs the others no pause: thirty
 * pages with a second behind each would take much longer than this. */
static void test_a_row_that_fails_holds_up_no_others(void)
{
    set_stuck(true);
    int64_t start_ns = clock_monotonic_ns();
    pg_server_run("atlas", "INSERT INTO bumper.outbox(topic, key, type, traceparent, payload)"
                           " VALUES ('events', 'stuck', 'Bumped', '00-trace', '1');"
                           "INSERT INTO bumper.outbox(topic, key, type, traceparent, payload)"
                           " SELECT 'events', 'other' || n, 'Bumped', '00-trace', '1'"
                           " FROM generate_series(1, 3000) n");
    CU_ASSERT(fixture_eventually(is_one_left, NULL));
    CU_ASSERT(clock_monotonic_ns() - start_ns < 15 * NS_PER_S);
    set_stuck(false);
    CU_ASSERT(fixture_eventually(is_drained, NULL));
}

static void test_a_refused_row_is_set_aside(void)
{
    forget_all();
    pg_server_run("atlas", "INSERT INTO bumper.outbox(topic, key, type, traceparent, payload)"
                           " VALUES ('events', 'large', 'Bumped', '00-trace', '1'),"
                           " ('events', 'small', 'Bumped', '00-trace', '1')");
    CU_ASSERT(fixture_eventually(has_record, "small"));
    CU_ASSERT(fixture_eventually(is_drained, NULL));
    CU_ASSERT_EQUAL(pg_server_number("atlas", "SELECT count(*) FROM bumper.outbox_dead WHERE"
                                              " key = 'large' AND reason LIKE '%too large%'"),
                    1);
}

/* No page holds it, so it would stop all that stand behind it. */
static void test_a_row_beyond_the_limit_of_results_is_set_aside(void)
{
    reset_kafka();
    pg_server_run("atlas", "INSERT INTO bumper.outbox(topic, key, type, traceparent, payload)"
                           " SELECT 'events', key, 'Bumped', '00-trace', payload::bytea FROM"
                           " (VALUES ('first', '1'), ('huge', repeat('x', 5000000)),"
                           "  ('huge', '1'), ('behind', '1')) v (key, payload)");
    CU_ASSERT(fixture_eventually(has_record, "behind"));
    CU_ASSERT(fixture_eventually(is_drained, NULL));
    CU_ASSERT(is_in_order("first", 0, 1));
    CU_ASSERT(is_in_order("huge", 0, 1));
    CU_ASSERT_EQUAL(pg_server_number("atlas", "SELECT count(*) FROM bumper.outbox_dead WHERE"
                                              " key = 'huge' AND octet_length(payload) = 5000000"
                                              " AND reason LIKE '%postgres.result_limit%'"),
                    1);
}

/* --- Transactions that overlap --- */

static PGconn *session(void)
{
    char text[120];
    snprintf(text, sizeof text, "hostaddr=127.0.0.1 port=%d dbname=atlas user=postgres",
             pg_server_port());
    PGconn *connection = PQconnectdb(text);
    PQclear(PQexec(connection, "SET search_path = bumper"));
    return connection;
}

static void execute(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    CU_ASSERT_NOT_EQUAL(PQresultStatus(result), PGRES_FATAL_ERROR);
    PQclear(result);
}

static const char insert_n[] =
    "WITH c AS (INSERT INTO counter VALUES ('x', 1) ON CONFLICT (key)"
    " DO UPDATE SET n = counter.n + 1 RETURNING key, n)"
    " INSERT INTO outbox(topic, key, type, traceparent, payload)"
    " SELECT 'events', key, 'Bumped', '00-trace', convert_to(n::text, 'UTF8') FROM c";

/*
 * The order of transaction numbers is not the order of a key: one takes its number, another takes a
 * later number and the key's lock first, and a third, in between, keeps the lowest running number
 * between them. A relay that read transactions up to that number would send 2 before 1.
 */
static void test_transaction_numbers_do_not_decide_the_order(void)
{
    PGconn *early = session();
    PGconn *between = session();
    PGconn *late = session();
    forget_all();
    set_away(true); /* the relay sees all of it at once */
    execute(early, "BEGIN; SELECT pg_current_xact_id()");
    execute(between, "BEGIN; SELECT pg_current_xact_id()");
    execute(late, insert_n);
    execute(early, insert_n);
    execute(early, "COMMIT");
    set_away(false);
    CU_ASSERT(fixture_eventually(is_drained, NULL)); /* the one in between stops nobody */
    CU_ASSERT(is_in_order("x", 0, 2));
    execute(between, "COMMIT");
    PQfinish(early);
    PQfinish(between);
    PQfinish(late);
}

/* A lower id that commits after higher ones were relayed, and many polls later, is still sent. */
static void test_a_late_commit_is_not_skipped(void)
{
    PGconn *slow = session();
    forget_all();
    execute(slow, "BEGIN");
    execute(slow, "INSERT INTO outbox(topic, key, type, traceparent, payload)"
                  " VALUES ('events', 'slow', 'Bumped', '00-trace', '1')");
    struct writing writings[2];
    start_writing(writings, 30);
    join_writing(writings);
    CU_ASSERT(fixture_eventually(is_drained, NULL));
    CU_ASSERT_FALSE(has_record("slow"));
    execute(slow, "COMMIT");
    CU_ASSERT(fixture_eventually(has_record, "slow"));
    PQfinish(slow);
}

struct polls {
    long long last; /* when the relay read last */
    int count;
};

/* The relay has read the outbox four times since the first look. */
static bool has_polled(void *arg)
{
    struct polls *polls = arg;
    long long at = pg_server_number(
        "atlas", "SELECT (extract(epoch FROM max(query_start)) * 1000000)::int8"
                 " FROM pg_stat_activity"
                 " WHERE query LIKE '%outbox_id_seq%' AND pid <> pg_backend_pid()");
    polls->count += at != polls->last ? 1 : 0;
    polls->last = at;
    return polls->count > 4;
}

/* The same while nothing else commits: then the snapshot's end (xmax) is the slow transaction
 * itself. */
static void test_a_late_commit_is_not_skipped_on_a_quiet_server(void)
{
    PGconn *slow = session();
    struct polls polls = {0};
    forget_all();
    execute(slow, "BEGIN");
    execute(slow, "INSERT INTO outbox(topic, key, type, traceparent, payload)"
                  " VALUES ('events', 'quiet', 'Bumped', '00-trace', '1')");
    CU_ASSERT(fixture_eventually(has_polled, &polls));
    execute(slow, "COMMIT");
    CU_ASSERT(fixture_eventually(has_record, "quiet"));
    PQfinish(slow);
}

static bool has_high_floor(void *arg)
{
    (void)arg;
    pg_server_run("atlas", "INSERT INTO bumper.outbox(topic, key, type, traceparent, payload)"
                           " VALUES ('events', 'floor', 'Bumped', '00-trace', '1')");
    return pg_server_number("atlas", "SELECT floor FROM bumper.outbox_relay") > 1000;
}

static void test_the_floor_follows(void)
{
    CU_ASSERT(fixture_eventually(has_high_floor, NULL));
    CU_ASSERT(fixture_eventually(is_drained, NULL));
}

/* --- Several relays, and a server that goes
 * -------------------------------------------------------- */

static bool has_leader(void *arg)
{
    (void)arg;
    return fixture_metric("atlas_outbox_leader") == 1;
}

/* A second generation stands for a second process: its relay has a connection of its own. */
static void test_one_relay_leads_and_another_takes_over(void)
{
    struct error error;
    struct writing writings[2];
    forget_all();
    struct generation *second = pg_fixture_load("bumper", "1.0.0", &schema, true, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(second);
    fixture_activate(second);
    start_writing(writings, 100);
    fixture_deactivate(bumper); /* the leader goes in the middle */
    CU_ASSERT(fixture_eventually(has_leader, NULL));
    fixture_activate(bumper);
    join_writing(writings);
    CU_ASSERT(fixture_eventually(is_drained, NULL));
    CU_ASSERT(all_in_order());
    fixture_deactivate(second);
    fixture_unload(second);
    CU_ASSERT(fixture_eventually(has_leader, NULL));
}

static void test_server_restart_loses_no_row(void)
{
    struct writing writings[2];
    forget_all();
    start_writing(writings, 60);
    pg_server_kill();
    pg_server_start();
    long done = join_writing(writings);
    CU_ASSERT(fixture_eventually(has_leader, NULL));
    CU_ASSERT(fixture_eventually(is_drained, NULL));
    CU_ASSERT(all_in_order());
    CU_ASSERT(done <= pg_server_number("atlas", "SELECT sum(n) FROM bumper.counter"));
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_concurrent_writers_lose_nothing),
        UNIT_TEST(test_a_failing_broker_changes_no_order),
        UNIT_TEST(test_rows_wait_while_kafka_is_away),
        UNIT_TEST(test_a_row_that_fails_holds_up_no_others),
        UNIT_TEST(test_a_refused_row_is_set_aside),
        UNIT_TEST(test_a_row_beyond_the_limit_of_results_is_set_aside),
        UNIT_TEST(test_transaction_numbers_do_not_decide_the_order),
        UNIT_TEST(test_a_late_commit_is_not_skipped),
        UNIT_TEST(test_a_late_commit_is_not_skipped_on_a_quiet_server),
        UNIT_TEST(test_the_floor_follows),
        UNIT_TEST(test_one_relay_leads_and_another_takes_over),
        UNIT_TEST(test_server_restart_loses_no_row),
    };
    struct error error;
    pg_fixture_start("outbox_poll = \"50ms\"; outbox_batch = 60;", publish);
    pg_fixture_add_schema("bumper");
    bumper = pg_fixture_load("bumper", "1.0.0", &schema, false, &error);
    if (bumper == NULL) {
        printf("%s\n", error.text);
        pg_server_destroy();
        return EXIT_FAILURE;
    }
    fixture_activate(bumper);
    int result = unit_run("postgres_outbox", tests, sizeof tests / sizeof tests[0]);
    fixture_deactivate(bumper);
    fixture_unload(bumper);
    pg_fixture_stop();
    return result;
}
