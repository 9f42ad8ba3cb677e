/*
 * A connection of its own for work done step by step in one fiber: migrations, checks, the outbox
 * relay, leadership. Every function but close waits. When the connection is lost, every function
 * fails with UNAVAILABLE.
 */
#ifndef SERVICES_POSTGRES_PG_SESSION_H
#define SERVICES_POSTGRES_PG_SESSION_H

#include "services/postgres/pg_connection.h"

struct pg_session;
struct pg_statement;

/*
 * Connects; a statement may run for settings->migration_ms. UNAVAILABLE if the server is away,
 * FAILED_PRECONDITION with the SQL that the operator must run if role or database are missing or
 * refused. call is borrowed until close. [waits]
 */
atlas_status_t pg_session_open(struct call *call, const struct pg_settings *settings,
                               struct pg_session **ret_session, struct error *error);

/* Closes it; the server rolls back what is open and frees its advisory locks. NULL is allowed. */
void pg_session_close(struct pg_session *session);

/* Later functions wait in the name of this call. */
void pg_session_set_call(struct pg_session *session, struct call *call);

/* False once the connection was lost. call and settings are those of open or set_call, borrowed. */
bool pg_session_is_alive(const struct pg_session *session);
struct call *pg_session_call(const struct pg_session *session);
const struct pg_settings *pg_session_settings(const struct pg_session *session);

/* The state of its transaction. */
PGTransactionStatusType pg_session_transaction(const struct pg_session *session);

/* Runs a text of one or more statements without parameters. [waits] */
atlas_status_t pg_session_script(struct pg_session *session, const char *sql, struct error *error);

/* Runs a statement; the rows are in the arena of the session's call. ret_result may be NULL.
 * [waits] */
atlas_status_t pg_session_query(struct pg_session *session, const struct pg_statement *statement,
                                const struct atlas_pg_value *params, size_t param_count,
                                struct atlas_pg_result *ret_result, struct error *error);

/* Runs a statement as it is declared, as pg_session_query does. [waits] */
atlas_status_t pg_session_run(struct pg_session *session, const struct atlas_pg_statement *declared,
                              const struct atlas_pg_value *params, size_t param_count,
                              struct atlas_pg_result *ret_result, struct error *error);

/* Prepares statements, all in one round trip, and asks the server what they take and return.
 * results[i]: the caller clears it; an error result, or NULL if the connection was lost. [waits] */
atlas_status_t pg_session_describe(struct pg_session *session,
                                   const struct pg_statement *statements, size_t count,
                                   PGresult **results, struct error *error);

#endif
