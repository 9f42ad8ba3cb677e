/* Failures of PostgreSQL as statuses: the one place that knows SQLSTATEs. */
#ifndef SERVICES_POSTGRES_PG_ERROR_H
#define SERVICES_POSTGRES_PG_ERROR_H

#include <libpq-fe.h>

#include "runtime/call.h"

/* The status of an SQLSTATE (5 characters), as abi/atlas/postgres.h promises it. */
atlas_status_t pg_error_status(const char *sqlstate);

/* The SQLSTATE of a result that is an error, "" if it has none. Borrowed from the result. */
const char *pg_error_sqlstate(const PGresult *result);

/* True if the server ended the session with it (FATAL, PANIC). */
bool pg_error_is_fatal(const PGresult *result);

/* Forgets the last failure of the call. */
void pg_error_clear(struct call *call);

/* Fills call->pg_error and the call's message, which names the statement and the remedy; returns
 * the status. What is wrong with the server or the database is logged too, at most once a second on
 * each loop. result: an error. */
atlas_status_t pg_error_report(struct call *call, const char *statement, const PGresult *result);

/* The server's message in one line, for errors without a call: "... (SQLSTATE 42P01)". */
void pg_error_text(const PGresult *result, char *text, size_t size);

/* Keeps the first line of a message of libpq, in place. */
void pg_error_one_line(char *text);

#endif
