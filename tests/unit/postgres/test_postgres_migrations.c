/* The PostgreSQL module against a real server: migrations, and the check of statements. */
#include <pthread.h>

#include "ledger.h"

/* --- Migrations and the check --- */

static void expect_refusal(const char *id, const char *version, const struct atlas_pg_schema *with,
                           const char *part)
{
    struct generation *generation = pg_fixture_load(id, version, with, false, &ledger_error);
    CU_ASSERT_PTR_NULL(generation);
    CU_ASSERT(is_said(part));
    fixture_unload(generation);
}

static void test_missing_role_and_schema_print_their_sql(void)
{
    expect_refusal("nowhere", "1.0.0", &ledger_schema, "CREATE ROLE \"atlas_nowhere\"");
    pg_server_run("atlas", "CREATE ROLE atlas_nowhere LOGIN");
    expect_refusal("nowhere", "1.0.0", &ledger_schema,
                   "CREATE SCHEMA \"nowhere\" AUTHORIZATION \"atlas_nowhere\"");
}

/* What pg_hba.conf asks of others than the superuser. */
static void set_method(const char *method)
{
    char sql[400];
    snprintf(sql, sizeof sql,
             "DO $do$ BEGIN EXECUTE format($$COPY (VALUES ('host all postgres 127.0.0.1/32 trust'),"
             " ('host all all 127.0.0.1/32 %s')) TO %%L$$, current_setting('hba_file')); END $do$;"
             " SELECT pg_reload_conf()",
             method);
    pg_server_run("postgres", sql);
}

/* The server reads its file a moment after it is told to. */
static bool is_refused(void *arg)
{
    const bool *is_wanted = arg;
    struct generation *generation =
        pg_fixture_load("locked", "1.0.0", &ledger_schema, false, &ledger_error);
    bool is_loaded = generation != NULL;
    fixture_unload(generation);
    return is_loaded != *is_wanted;
}

static void test_missing_password_is_refused(void)
{
    pg_fixture_add_schema("locked");
    set_method("scram-sha-256");
    CU_ASSERT(fixture_eventually(is_refused, &(bool){true}));
    CU_ASSERT(is_said("no password supplied"));
    CU_ASSERT(is_said("CREATE ROLE \"atlas_locked\" LOGIN PASSWORD"));
    set_method("trust");
    CU_ASSERT(fixture_eventually(is_refused, &(bool){false}));
}

static void test_changed_migration_is_refused(void)
{
    struct atlas_pg_migration changed[2] = {ledger_migrations[0], ledger_migrations[1]};
    struct atlas_pg_schema other = ledger_schema;
    changed[1].sql = "CREATE INDEX account_balance ON account (balance DESC)";
    other.migrations = changed;
    expect_refusal("ledger", "1.0.0", &other, "(index_account) was applied with sha256 ");
}

static void test_failed_migration_leaves_nothing(void)
{
    struct atlas_pg_migration more[4] = {ledger_migrations[0], ledger_migrations[1],
                                         ledger_migrations[1], ledger_migrations[1]};
    struct atlas_pg_schema other = ledger_schema;
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
    struct atlas_pg_schema older = LEDGER_SCHEMA(1, 2);
    struct generation *generation = pg_fixture_load("ledger", "1.0.0", &older, true, &ledger_error);
    CU_ASSERT_PTR_NOT_NULL(generation);
    fixture_unload(generation);
    pg_server_run("atlas", "UPDATE ledger.atlas_migration SET compatible_since = '1.2.0'"
                           " WHERE number = 2");
    expect_refusal("ledger", "1.1.9", &older, "works with plugin version 1.2.0 and newer");
    generation = pg_fixture_load("ledger", "1.2.0", &older, true, &ledger_error);
    CU_ASSERT_PTR_NOT_NULL(generation);
    fixture_unload(generation);
    pg_server_run("atlas", "UPDATE ledger.atlas_migration SET compatible_since = '1.0.0'"
                           " WHERE number = 2");
}

static void expect_mismatch(struct atlas_pg_statement statement, const char *part)
{
    struct atlas_pg_schema other = ledger_schema;
    other.statements = &statement;
    other.statement_count = 1;
    expect_refusal("ledger", "1.0.0", &other, part);
}

static void test_statements_must_fit_the_database(void)
{
    struct atlas_pg_statement s = ledger_statements[FIND];
    s.columns = ATLAS_PG_TYPES(ATLAS_PG_INT4);
    expect_mismatch(s, "statement find: column 1 (balance) is declared as int4, the database "
                       "returns int8");
    s = ledger_statements[FIND];
    s.columns = ATLAS_PG_TYPES(ATLAS_PG_INT8, ATLAS_PG_INT8);
    expect_mismatch(s, "2 columns are declared, the database returns 1");
    s = ledger_statements[FIND];
    s.params = ATLAS_PG_NO_TYPES;
    expect_mismatch(s, "0 parameters are declared, the SQL has 1");
    s = ledger_statements[FIND];
    s.sql = "SELECT balance FROM accounts WHERE id = $1";
    expect_mismatch(s, "relation \"accounts\" does not exist (SQLSTATE 42P01)");
    s = ledger_statements[FIND];
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
    race->generation = pg_fixture_load("slow", "1.0.0", &slow_schema, false, &race->error);
    return NULL;
}

static void test_concurrent_migrations_run_once(void)
{
    struct race races[2];
    pg_fixture_add_schema("slow");
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

LEDGER_MAIN("postgres migrations", UNIT_TEST(test_missing_role_and_schema_print_their_sql),
            UNIT_TEST(test_missing_password_is_refused),
            UNIT_TEST(test_changed_migration_is_refused),
            UNIT_TEST(test_failed_migration_leaves_nothing),
            UNIT_TEST(test_newer_database_serves_older_plugins),
            UNIT_TEST(test_statements_must_fit_the_database),
            UNIT_TEST(test_concurrent_migrations_run_once))
