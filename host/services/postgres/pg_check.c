#include "services/postgres/pg_check.h"

#include <stdlib.h>

#include "base/log.h"
#include "services/postgres/pg_error.h"
#include "services/postgres/pg_plugin.h"

static atlas_status_t check_one(const struct pg_statement *statement, const PGresult *described,
                                struct error *error)
{
    if (PQresultStatus(described) == PGRES_COMMAND_OK) {
        return pg_statement_compare(statement, described, error);
    }
    char text[300];
    pg_error_text(described, text, sizeof text);
    atlas_status_t status = pg_error_status(pg_error_sqlstate(described));
    bool is_passing = atlas_status_is_transient(status);
    return error_set(error, is_passing ? ATLAS_UNAVAILABLE : ATLAS_FAILED_PRECONDITION,
                     "statement %s: the database refuses it: %s; mend the SQL or add a migration",
                     statement->name, text);
}

static atlas_status_t compare_all(const struct pg_plugin *plugin, PGresult *const *results,
                                  struct error *error)
{
    atlas_status_t first = ATLAS_OK;
    for (size_t i = 0; i < plugin->statement_count; i++) {
        struct error one;
        atlas_status_t status = check_one(&plugin->statements[i], results[i], &one);
        if (status == ATLAS_OK) {
            continue;
        }
        if (first == ATLAS_OK) {
            first = error_set(error, status, "%s", one.text);
        } else {
            log_error("statement does not fit the database", LOG_TEXT("plugin", plugin->id),
                      LOG_TEXT("reason", one.text));
        }
    }
    return first;
}

atlas_status_t pg_check_statements(struct pg_session *session, const struct pg_plugin *plugin,
                                   struct error *error)
{
    PGresult **results = calloc(plugin->statement_count + 1, sizeof(PGresult *));
    if (results == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    atlas_status_t status =
        pg_session_describe(session, plugin->statements, plugin->statement_count, results, error);
    if (status == ATLAS_OK) {
        status = compare_all(plugin, results, error);
    }
    for (size_t i = 0; i < plugin->statement_count; i++) {
        PQclear(results[i]);
    }
    free(results);
    return status;
}
