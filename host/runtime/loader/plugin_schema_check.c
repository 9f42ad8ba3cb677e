/* What can be said of a plugin's tables without a database. */
#include "runtime/loader/plugin_table.h"

#include <stdio.h>
#include <string.h>

#include "runtime/loader/manifest.h"

#define STATEMENT_FLAGS ((unsigned)ATLAS_PG_WRITE | (unsigned)ATLAS_PG_OUTBOX)

/* Whose schema it is, for messages. */
struct owner {
    const char *file;
    const struct manifest *manifest;
    struct error *error;
};

/* "order.so: plugin order: statement order_find: <problem>" */
static atlas_status_t refuse(const struct owner *owner, const char *kind, const char *what,
                             const char *problem)
{
    return error_set(owner->error, ATLAS_FAILED_PRECONDITION, "%s: plugin %s: %s %s: %s",
                     owner->file, owner->manifest->id, kind, what, problem);
}

static atlas_status_t check_migration(const struct owner *owner,
                                      const struct atlas_pg_migration *migration, size_t place)
{
    unsigned since[3];
    unsigned own[3];
    char what[128];

    snprintf(what, sizeof what, "%zu%s%s", place, migration->name != NULL ? " " : "",
             migration->name != NULL ? migration->name : "");
    if (migration->number != place) {
        return refuse(owner, "migration", what, "has another number: 1, 2, 3, without gaps");
    }
    if (migration->name == NULL || migration->sql == NULL || migration->compatible_since == NULL) {
        return refuse(owner, "migration", what, "needs a name, SQL and compatible_since");
    }
    if (!manifest_parse_version(migration->compatible_since, since)) {
        return refuse(owner, "migration", what, "its compatible_since is no version like 1.2.3");
    }
    for (size_t i = 0; manifest_parse_version(owner->manifest->version, own) && i < 3; i++) {
        if (since[i] > own[i]) {
            return refuse(owner, "migration", what,
                          "its compatible_since is newer than the plugin itself, which could not "
                          "start again after it: the oldest version that still works is meant");
        }
        if (since[i] < own[i]) {
            break;
        }
    }
    return ATLAS_OK;
}

static bool are_types(const uint8_t *types)
{
    for (; types != NULL && *types != 0; types++) {
        if (*types > ATLAS_PG_TIMESTAMP_ARRAY) {
            return false;
        }
    }
    return true;
}

static atlas_status_t check_statement(const struct owner *owner,
                                      const struct atlas_pg_schema *schema, size_t index)
{
    const struct atlas_pg_statement *statement = &schema->statements[index];
    char what[128];

    snprintf(what, sizeof what, "%zu%s%s", index, statement->name != NULL ? " " : "",
             statement->name != NULL ? statement->name : "");
    if (statement->name == NULL || statement->sql == NULL) {
        return refuse(owner, "statement", what, "needs a name and SQL");
    }
    if (!are_types(statement->params) || !are_types(statement->columns)) {
        return refuse(owner, "statement", what, "a type is no enum atlas_pg_type");
    }
    if ((statement->flags & ~STATEMENT_FLAGS) != 0) {
        return refuse(owner, "statement", what, "sets flags that this host does not know");
    }
    if ((statement->flags & ATLAS_PG_OUTBOX) != 0 && (schema->flags & ATLAS_PG_HAS_OUTBOX) == 0) {
        return refuse(owner, "statement", what,
                      "writes outbox rows, but the schema has no outbox: set ATLAS_PG_HAS_OUTBOX");
    }
    return ATLAS_OK;
}

atlas_status_t plugin_schema_check(const struct atlas_pg_schema *schema, const char *name,
                                   const struct manifest *manifest, struct error *error)
{
    const struct owner owner = {name, manifest, error};
    atlas_status_t status = ATLAS_OK;

    if ((schema->flags & ~(unsigned)ATLAS_PG_HAS_OUTBOX) != 0) {
        return refuse(&owner, "its", "schema", "sets flags that this host does not know");
    }
    for (size_t i = 0; i < schema->migration_count && status == ATLAS_OK; i++) {
        status = check_migration(&owner, &schema->migrations[i], i + 1);
    }
    for (size_t i = 0; i < schema->statement_count && status == ATLAS_OK; i++) {
        status = check_statement(&owner, schema, i);
    }
    return status;
}
