/*
 * Migrations: what a plugin's schema has been through is in its table atlas_migration; what is
 * missing is applied in order, each in one transaction, under an advisory lock, so that several
 * processes may start at once. Numbers below zero are the host's own (the outbox).
 */
#ifndef SERVICES_POSTGRES_PG_MIGRATION_H
#define SERVICES_POSTGRES_PG_MIGRATION_H

#include "services/postgres/pg_session.h"

struct pg_plugin;

/*
 * Brings the schema up to date.
 * FAILED_PRECONDITION when the schema does not exist (with the SQL to run), when the text of an
 * applied migration has changed (with both hashes), or when the database is ahead of what this
 * version can work with; the server's words when a migration fails, which then left no trace.
 * [waits]
 */
atlas_status_t pg_migration_run(struct pg_session *session, const struct pg_plugin *plugin,
                                struct error *error);

/* Compares "1.2.3" with "1.10.0": below, at or above zero. Missing parts count as 0. */
int pg_migration_compare_versions(const char *left, const char *right);

#endif
