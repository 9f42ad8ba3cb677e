#include "services/postgres/pg_migration.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "services/postgres/pg_outbox.h"
#include "services/postgres/pg_plugin.h"
#include "services/postgres/pg_prepared.h"
#include "services/postgres/pg_value.h"

#define TYPES(...) ((const uint8_t[]){__VA_ARGS__, 0})

/* One row of atlas_migration; in the arena. */
struct applied {
    int64_t number;
    const char *name;
    const char *sha256;
    const char *compatible_since;
};

struct migrator {
    struct pg_session *session;
    const struct pg_plugin *plugin;
    int64_t lock_key;
    const struct atlas_pg_value *rows;
    size_t row_count;
};

enum own_statement {
    FIND_SCHEMA,
    LOCK,
    UNLOCK,
    LIST,
    HASH,
    RECORD,
};

static const struct atlas_pg_statement declared[] = {
    [FIND_SCHEMA] = {.name = "find_schema",
                     .sql = "SELECT has_schema_privilege(oid, 'CREATE') AND "
                            "has_schema_privilege(oid, 'USAGE') FROM pg_namespace "
                            "WHERE nspname = $1::name",
                     .params = TYPES(ATLAS_PG_TEXT),
                     .columns = TYPES(ATLAS_PG_BOOL)},
    [LOCK] = {.name = "lock",
              .sql = "SELECT true FROM (SELECT pg_advisory_lock($1)) l",
              .params = TYPES(ATLAS_PG_INT8),
              .columns = TYPES(ATLAS_PG_BOOL)},
    [UNLOCK] = {.name = "unlock",
                .sql = "SELECT pg_advisory_unlock($1)",
                .params = TYPES(ATLAS_PG_INT8),
                .columns = TYPES(ATLAS_PG_BOOL)},
    [LIST] = {.name = "list",
              .sql = "SELECT number, name, sha256, compatible_since FROM atlas_migration "
                     "ORDER BY number",
              .columns = TYPES(ATLAS_PG_INT8, ATLAS_PG_TEXT, ATLAS_PG_TEXT, ATLAS_PG_TEXT)},
    [HASH] = {.name = "hash",
              .sql = "SELECT encode(sha256($1), 'hex')",
              .params = TYPES(ATLAS_PG_BYTEA),
              .columns = TYPES(ATLAS_PG_TEXT)},
    [RECORD] = {.name = "record",
                .sql = "INSERT INTO atlas_migration(number, name, sha256, compatible_since) "
                       "VALUES ($1, $2, $3, $4)",
                .params = TYPES(ATLAS_PG_INT8, ATLAS_PG_TEXT, ATLAS_PG_TEXT, ATLAS_PG_TEXT)},
};

static const char create_table[] =
    "CREATE TABLE IF NOT EXISTS atlas_migration ("
    " number bigint PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,"
    " compatible_since text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())";

static atlas_status_t run_own(struct migrator *m, enum own_statement which,
                              const struct atlas_pg_value *params, size_t count,
                              struct atlas_pg_result *ret_result, struct error *error)
{
    return pg_session_run(m->session, &declared[which], params, count, ret_result, error);
}

int pg_migration_compare_versions(const char *left, const char *right)
{
    for (int part = 0; part < 3; part++) {
        char *left_end;
        char *right_end;
        long a = strtol(left, &left_end, 10);
        long b = strtol(right, &right_end, 10);
        if (a != b) {
            return a < b ? -1 : 1;
        }
        left = *left_end == '.' ? left_end + 1 : left_end;
        right = *right_end == '.' ? right_end + 1 : right_end;
    }
    return 0;
}

static atlas_status_t check_schema(struct migrator *m, struct error *error)
{
    const struct pg_settings *s = &m->plugin->settings;
    struct atlas_pg_value name = pg_value_of_text(s->schema);
    struct atlas_pg_result found;
    atlas_status_t status = run_own(m, FIND_SCHEMA, &name, 1, &found, error);
    if (status != ATLAS_OK) {
        return status;
    }
    if (found.row_count == 0) {
        return error_set(error, ATLAS_FAILED_PRECONDITION,
                         "database %s has no schema \"%s\"; as its administrator run: "
                         "CREATE SCHEMA \"%s\" AUTHORIZATION \"%s\"",
                         s->dbname, s->schema, s->schema, s->user);
    }
    if (found.values[0].as.integer == 0) {
        return error_set(error, ATLAS_FAILED_PRECONDITION,
                         "role \"%s\" may not use schema \"%s\"; as the administrator of "
                         "database %s run: ALTER SCHEMA \"%s\" OWNER TO \"%s\"",
                         s->user, s->schema, s->dbname, s->schema, s->user);
    }
    return ATLAS_OK;
}

/* --- What was applied --------------------------------------------------------------------------
 */

static struct applied applied_at(const struct migrator *m, size_t index)
{
    const struct atlas_pg_value *row = &m->rows[index * 4];
    return (struct applied){row[0].as.integer, row[1].as.bytes.data, row[2].as.bytes.data,
                            row[3].as.bytes.data};
}

static bool find_applied(const struct migrator *m, int64_t number, struct applied *ret_applied)
{
    for (size_t i = 0; i < m->row_count; i++) {
        struct applied row = applied_at(m, i);
        if (row.number == number) {
            *ret_applied = row;
            return true;
        }
    }
    return false;
}

static atlas_status_t list_applied(struct migrator *m, struct error *error)
{
    struct atlas_pg_result result = {.row_count = 0};
    atlas_status_t status = run_own(m, LIST, NULL, 0, &result, error);
    if (status == ATLAS_OK) {
        m->rows = result.values;
        m->row_count = result.row_count;
    }
    return status;
}

/* A database that is ahead is fine as long as what was applied still serves this version. */
static atlas_status_t check_newer(const struct migrator *m, size_t known, struct error *error)
{
    for (size_t i = 0; i < m->row_count; i++) {
        struct applied row = applied_at(m, i);
        if (row.number > (int64_t)known &&
            pg_migration_compare_versions(m->plugin->version, row.compatible_since) < 0) {
            return error_set(error, ATLAS_FAILED_PRECONDITION,
                             "schema %s is at migration %" PRId64 " (%s), which works with plugin "
                             "version %s and newer; this is %s: load a newer one",
                             m->plugin->settings.schema, row.number, row.name, row.compatible_since,
                             m->plugin->version);
        }
    }
    return ATLAS_OK;
}

/* --- Applying ----------------------------------------------------------------------------------
 */

static atlas_status_t hash_of(struct migrator *m, const char *sql, const char **ret_hash,
                              struct error *error)
{
    struct atlas_pg_value text = pg_value_of_text(sql);
    struct atlas_pg_result result;
    atlas_status_t status = run_own(m, HASH, &text, 1, &result, error);
    if (status == ATLAS_OK) {
        *ret_hash = result.values[0].as.bytes.data;
    }
    return status;
}

static atlas_status_t run_in_transaction(struct migrator *m, int64_t number,
                                         const struct atlas_pg_migration *migration,
                                         const char *hash, struct error *error)
{
    const struct atlas_pg_value row[] = {pg_value_of_int(number), pg_value_of_text(migration->name),
                                         pg_value_of_text(hash),
                                         pg_value_of_text(migration->compatible_since)};
    atlas_status_t status = pg_session_script(m->session, "BEGIN READ WRITE", error);
    if (status == ATLAS_OK) {
        status = pg_session_script(m->session, migration->sql, error);
    }
    if (status == ATLAS_OK && pg_session_transaction(m->session) != PQTRANS_INTRANS) {
        status = error_set(error, ATLAS_FAILED_PRECONDITION,
                           "its SQL ends the transaction; leave BEGIN, COMMIT and ROLLBACK out");
    }
    if (status == ATLAS_OK) {
        status = run_own(m, RECORD, row, 4, NULL, error);
    }
    if (status == ATLAS_OK) {
        return pg_session_script(m->session, "COMMIT", error);
    }
    struct error ignored; /* the first failure is the one to tell */
    pg_session_script(m->session, "ROLLBACK", &ignored);
    return status;
}

static atlas_status_t apply(struct migrator *m, int64_t number,
                            const struct atlas_pg_migration *migration, const char *hash,
                            struct error *error)
{
    int64_t start_ns = clock_monotonic_ns();
    atlas_status_t status = run_in_transaction(m, number, migration, hash, error);
    if (status != ATLAS_OK) {
        error_prefix(error, "schema %s: migration %" PRId64 " (%s)", m->plugin->settings.schema,
                     number, migration->name);
        /* A deadline or a cancel is no verdict on the SQL. */
        bool is_verdict = !atlas_status_is_transient(status);
        return error->status = is_verdict ? ATLAS_FAILED_PRECONDITION : status;
    }
    log_info("migration applied", LOG_TEXT("plugin", m->plugin->id),
             LOG_TEXT("schema", m->plugin->settings.schema), LOG_INT("number", number),
             LOG_TEXT("name", migration->name),
             LOG_INT("took_ms", (clock_monotonic_ns() - start_ns) / NS_PER_MS));
    return ATLAS_OK;
}

static atlas_status_t migrate_one(struct migrator *m, int64_t number,
                                  const struct atlas_pg_migration *migration, struct error *error)
{
    struct applied row;
    const char *hash;
    atlas_status_t status = hash_of(m, migration->sql, &hash, error);
    if (status != ATLAS_OK) {
        return status;
    }
    if (find_applied(m, number, &row)) {
        if (strcmp(row.sha256, hash) == 0) {
            return ATLAS_OK;
        }
        return error_set(error, ATLAS_FAILED_PRECONDITION,
                         "schema %s: migration %" PRId64 " (%s) was applied with sha256 %s, the "
                         "plugin has it with %s; restore its text and add a new migration",
                         m->plugin->settings.schema, number, migration->name, row.sha256, hash);
    }
    return apply(m, number, migration, hash, error);
}

static atlas_status_t migrate_host(struct migrator *m, struct error *error)
{
    atlas_status_t status = ATLAS_OK;
    const struct pg_outbox_interface *outboxes = m->plugin->outboxes;
    size_t count = pg_plugin_has_outbox(m->plugin) ? outboxes->migration_count : 0;
    for (size_t i = 0; i < count && status == ATLAS_OK; i++) {
        const struct atlas_pg_migration *migration = &outboxes->migrations[i];
        status = migrate_one(m, -(int64_t)migration->number, migration, error);
    }
    return status;
}

static atlas_status_t migrate_all(struct migrator *m, struct error *error)
{
    size_t count = m->plugin->schema != NULL ? m->plugin->schema->migration_count : 0;
    atlas_status_t status = list_applied(m, error);
    if (status == ATLAS_OK) {
        status = check_newer(m, count, error);
    }
    if (status == ATLAS_OK) {
        status = migrate_host(m, error);
    }
    for (size_t i = 0; i < count && status == ATLAS_OK; i++) {
        const struct atlas_pg_migration *migration = &m->plugin->schema->migrations[i];
        status = migrate_one(m, (int64_t)i + 1, migration, error);
    }
    return status;
}

/* Under the lock, which the session holds until it is given back or the session ends. */
static atlas_status_t migrate_locked(struct migrator *m, struct error *error)
{
    struct atlas_pg_value key = pg_value_of_int(m->lock_key);
    atlas_status_t status = run_own(m, LOCK, &key, 1, NULL, error);
    if (status != ATLAS_OK) {
        return error_prefix(error, "waiting for the migration lock of schema %s",
                            m->plugin->settings.schema);
    }
    status = pg_session_script(m->session, create_table, error);
    if (status == ATLAS_OK) {
        status = migrate_all(m, error);
    }
    struct error ignored;
    run_own(m, UNLOCK, &key, 1, NULL, &ignored);
    return status;
}

atlas_status_t pg_migration_run(struct pg_session *session, const struct pg_plugin *plugin,
                                struct error *error)
{
    char lock_name[96];
    snprintf(lock_name, sizeof lock_name, "atlas.migration:%s", plugin->settings.schema);
    struct migrator m = {
        .session = session,
        .plugin = plugin,
        .lock_key = (int64_t)pg_prepared_hash(lock_name, NULL),
    };
    atlas_status_t status = check_schema(&m, error);
    return status == ATLAS_OK ? migrate_locked(&m, error) : status;
}
