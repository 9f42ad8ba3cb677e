#include "services/postgres/pg_error.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "runtime/generation.h"

struct state_row {
    const char *prefix; /* of the SQLSTATE; the first row that fits counts */
    atlas_status_t status;
    const char *remedy; /* NULL: the server's words are enough */
};

/* https://www.postgresql.org/docs/15/errcodes-appendix.html */
static const struct state_row states[] = {
    {"23505", ATLAS_ALREADY_EXISTS, NULL},
    {"23P01", ATLAS_ALREADY_EXISTS, NULL},
    {"23", ATLAS_FAILED_PRECONDITION, NULL},
    {"40", ATLAS_ABORTED, "repeat the transaction"},
    {"55P03", ATLAS_ABORTED, "a lock was held too long; repeat it"},
    {"25P03", ATLAS_ABORTED, "the transaction was left idle too long; do not wait inside of it"},
    {"25006", ATLAS_INTERNAL, "it changes rows; declare it with ATLAS_PG_WRITE"},
    {"57014", ATLAS_DEADLINE_EXCEEDED, "the statement ran out of time"},
    {"57P", ATLAS_UNAVAILABLE, "the server is restarting; repeat it"},
    {"08", ATLAS_UNAVAILABLE, "the connection was lost; repeat it"},
    {"53", ATLAS_UNAVAILABLE, "the server is out of connections, memory or disk"},
    {"58", ATLAS_UNAVAILABLE, "the server's system failed; see its log"},
    {"22003", ATLAS_OUT_OF_RANGE, NULL},
    {"22", ATLAS_INVALID_ARGUMENT, NULL},
    {"26000", ATLAS_UNAVAILABLE, "the statement was not prepared; repeat it"},
    {"P0001", ATLAS_FAILED_PRECONDITION, NULL},
    {"42501", ATLAS_INTERNAL, "grant the plugin's role what it needs"},
    {"42", ATLAS_INTERNAL, "statement and schema do not fit; see the plugin's migrations"},
};

static const struct state_row unknown_state = {"", ATLAS_INTERNAL, NULL};
/* An error that libpq made itself has no SQLSTATE. */
static const struct state_row lost_state = {"", ATLAS_UNAVAILABLE,
                                            "repeat it under the same reference"};

static const struct state_row *find_state(const char *sqlstate)
{
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (strncmp(sqlstate, states[i].prefix, strlen(states[i].prefix)) == 0) {
            return &states[i];
        }
    }
    return sqlstate[0] != '\0' ? &unknown_state : &lost_state;
}

atlas_status_t pg_error_status(const char *sqlstate)
{
    return find_state(sqlstate)->status;
}

const char *pg_error_sqlstate(const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return sqlstate != NULL ? sqlstate : "";
}

bool pg_error_is_fatal(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return severity == NULL || strcmp(severity, "ERROR") != 0;
}

void pg_error_clear(struct call *call)
{
    call->pg_error.sqlstate[0] = '\0';
    call->pg_error.constraint[0] = '\0';
}

static const char *primary_message(const PGresult *result)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    return message != NULL ? message : "the connection to PostgreSQL was lost";
}

/* The statements of a plugin fitted when it was loaded. If one does not now, the database was
 * changed since, which is no fault of the call: it may come again. */
static atlas_status_t status_of_statement(const char *sqlstate, const struct state_row *row)
{
    return strncmp(sqlstate, "42", 2) == 0 ? ATLAS_UNAVAILABLE : row->status;
}

/* For the operator: a state of the server or the database that no caller can mend. */
static void tell_of_server(const struct call *call, const char *statement, const PGresult *result)
{
    static const char *const classes[] = {"42", "53", "58", "XX"};
    static _Thread_local int64_t told_ns;
    const char *sqlstate = pg_error_sqlstate(result);
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (strncmp(sqlstate, classes[i], 2) == 0 && log_is_due(&told_ns)) {
            log_warn("postgres cannot carry out a statement, continuing",
                     LOG_TEXT("plugin", call->generation->id), LOG_TEXT("statement", statement),
                     LOG_TEXT("sqlstate", sqlstate), LOG_TEXT("reason", primary_message(result)),
                     LOG_INT("loop", call->worker->index));
        }
    }
}

atlas_status_t pg_error_report(struct call *call, const char *statement, const PGresult *result)
{
    const char *sqlstate = pg_error_sqlstate(result);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    const struct state_row *row = find_state(sqlstate);

    snprintf(call->pg_error.sqlstate, sizeof call->pg_error.sqlstate, "%s", sqlstate);
    snprintf(call->pg_error.constraint, sizeof call->pg_error.constraint, "%s",
             constraint != NULL ? constraint : "");
    tell_of_server(call, statement, result);
    return call_fail(call, status_of_statement(sqlstate, row), "statement %s: %s (SQLSTATE %s)%s%s",
                     statement, primary_message(result), sqlstate, row->remedy != NULL ? "; " : "",
                     row->remedy != NULL ? row->remedy : "");
}

void pg_error_text(const PGresult *result, char *text, size_t size)
{
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    snprintf(text, size, "%s%s%s (SQLSTATE %s)", primary_message(result),
             detail != NULL ? ": " : "", detail != NULL ? detail : "", pg_error_sqlstate(result));
    pg_error_one_line(text);
}

void pg_error_one_line(char *text)
{
    text[strcspn(text, "\n")] = '\0'; /* what libpq says behind the first line is advice */
}
