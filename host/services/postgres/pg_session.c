#include "services/postgres/pg_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/postgres/pg_error.h"
#include "services/postgres/pg_statement.h"

struct pg_session {
    struct call *call;
    struct pg_settings settings;
    struct pg_connection *connection;
    struct wait *opening; /* of the fiber that waits for the connection; NULL later */
};

static void pg_session_on_opened(void *owner, struct pg_connection *connection)
{
    (void)connection;
    struct pg_session *session = owner;
    if (session->opening != NULL) {
        wait_complete(session->opening);
    }
}

/* Refused by the server itself, not by the network or while it starts. That it wants a password and
 * none is configured, libpq says in its own words. */
static bool is_refusal(const char *text)
{
    if (strstr(text, "no password supplied") != NULL) {
        return true;
    }
    return strstr(text, "FATAL:") != NULL &&
           (strstr(text, "does not exist") != NULL || strstr(text, "authentication") != NULL ||
            strstr(text, "pg_hba") != NULL || strstr(text, "permission denied") != NULL ||
            strstr(text, "password") != NULL);
}

static atlas_status_t explain_failure(const struct pg_session *session, struct error *error)
{
    const struct pg_settings *s = &session->settings;
    const char *text = pg_connection_error(session->connection);
    if (!is_refusal(text)) {
        return error_set(error, ATLAS_UNAVAILABLE, "PostgreSQL at %s:%u is away: %s", s->host,
                         s->port, text);
    }
    return error_set(error, ATLAS_FAILED_PRECONDITION,
                     "PostgreSQL at %s:%u refuses: %s; as its administrator run: "
                     "CREATE ROLE \"%s\" LOGIN PASSWORD '...'; CREATE DATABASE \"%s\"; "
                     "\\c %s; CREATE SCHEMA \"%s\" AUTHORIZATION \"%s\"",
                     s->host, s->port, text, s->user, s->dbname, s->dbname, s->schema, s->user);
}

static atlas_status_t wait_until_open(struct pg_session *session, struct error *error)
{
    struct wait wait;
    wait_init(&wait, session->call);
    session->opening = &wait;
    pg_connection_open(session->connection);
    atlas_status_t status = wait_for(&wait);
    session->opening = NULL;
    if (status != ATLAS_OK) {
        return error_set(error, status, "%s", session->call->message);
    }
    return pg_connection_is_ready(session->connection) ? ATLAS_OK : explain_failure(session, error);
}

atlas_status_t pg_session_open(struct call *call, const struct pg_settings *settings,
                               struct pg_session **ret_session, struct error *error)
{
    struct pg_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    struct pg_listener listener = {
        .on_ready = pg_session_on_opened,
        .on_lost = pg_session_on_opened,
        .owner = session,
    };
    session->call = call;
    session->settings = *settings;
    session->connection =
        pg_connection_create(call->worker->loop, settings, PG_ROLE_SESSION, &listener);
    atlas_status_t status = session->connection != NULL
                                ? wait_until_open(session, error)
                                : error_set(error, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    if (status != ATLAS_OK) {
        pg_session_close(session);
        return status;
    }
    *ret_session = session;
    return ATLAS_OK;
}

void pg_session_close(struct pg_session *session)
{
    if (session != NULL) {
        pg_connection_destroy(session->connection);
        free(session);
    }
}

void pg_session_set_call(struct pg_session *session, struct call *call)
{
    session->call = call;
}

bool pg_session_is_alive(const struct pg_session *session)
{
    return pg_connection_is_ready(session->connection);
}

struct call *pg_session_call(const struct pg_session *session)
{
    return session->call;
}

const struct pg_settings *pg_session_settings(const struct pg_session *session)
{
    return &session->settings;
}

PGTransactionStatusType pg_session_transaction(const struct pg_session *session)
{
    return pg_connection_transaction(session->connection);
}

static atlas_status_t lost(const struct pg_session *session, struct error *error)
{
    return error_set(error, ATLAS_UNAVAILABLE, "PostgreSQL at %s:%u: the connection was lost: %s",
                     session->settings.host, session->settings.port,
                     pg_connection_error(session->connection));
}

/* Waits for the answer. After a wait that ended early the session is of no more use: it is closed,
 * so that the server gives up what it was doing. */
static atlas_status_t wait_answer(struct pg_session *session, struct pg_request *request,
                                  struct error *error)
{
    if (request == NULL) {
        return lost(session, error);
    }
    atlas_status_t status = wait_for(&request->wait);
    if (status != ATLAS_OK) {
        pg_connection_fail(session->connection, "the wait for an answer was ended");
        return error_set(error, status, "%s", session->call->message);
    }
    const PGresult *result = request->result;
    if (result != NULL && PQresultStatus(result) == PGRES_FATAL_ERROR) {
        char text[300];
        pg_error_text(result, text, sizeof text);
        return error_set(error, pg_error_status(pg_error_sqlstate(result)), "%s", text);
    }
    return request->is_lost || result == NULL ? lost(session, error) : ATLAS_OK;
}

atlas_status_t pg_session_script(struct pg_session *session, const char *sql, struct error *error)
{
    struct pg_command command = {.kind = PG_COMMAND_SCRIPT, .sql = sql};
    struct pg_request *request =
        pg_connection_send(session->connection, session->call, &command, 1, 0);
    atlas_status_t status = wait_answer(session, request, error);
    pg_request_release(request);
    return status;
}

atlas_status_t pg_session_query(struct pg_session *session, const struct pg_statement *statement,
                                const struct atlas_pg_value *params, size_t param_count,
                                struct atlas_pg_result *ret_result, struct error *error)
{
    struct pg_command command;
    struct arena *arena = &session->call->arena;
    atlas_status_t status =
        pg_statement_bind(statement, arena, params, param_count, &command, error);
    if (status != ATLAS_OK) {
        return status;
    }
    command.hash = 0; /* a session runs a statement seldom */
    struct pg_request *request =
        pg_connection_send(session->connection, session->call, &command, 1, 0);
    status = wait_answer(session, request, error);
    if (status == ATLAS_OK && ret_result != NULL) {
        status = pg_statement_read(statement, arena, &session->settings, request->result,
                                   ret_result, error);
    }
    pg_request_release(request);
    return status;
}

atlas_status_t pg_session_run(struct pg_session *session, const struct atlas_pg_statement *declared,
                              const struct atlas_pg_value *params, size_t param_count,
                              struct atlas_pg_result *ret_result, struct error *error)
{
    struct pg_statement statement;
    atlas_status_t status = pg_statement_init(&statement, declared, error);
    if (status != ATLAS_OK) {
        return status;
    }
    return pg_session_query(session, &statement, params, param_count, ret_result, error);
}

static atlas_status_t send_describes(struct pg_session *session,
                                     const struct pg_statement *statements, size_t count,
                                     struct pg_request **requests, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        struct pg_command command = {
            .kind = PG_COMMAND_DESCRIBE,
            .sql = statements[i].sql,
            .hash = statements[i].hash,
            .types = statements[i].oids,
            .count = statements[i].param_count,
        };
        requests[i] = pg_connection_send(session->connection, session->call, &command, 1, 0);
        if (requests[i] == NULL) {
            return lost(session, error);
        }
    }
    return ATLAS_OK;
}

static atlas_status_t wait_describes(struct pg_session *session, struct pg_request **requests,
                                     size_t count, PGresult **results, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        atlas_status_t status = wait_for(&requests[i]->wait);
        if (status != ATLAS_OK) {
            return error_set(error, status, "%s", session->call->message);
        }
        if (requests[i]->is_lost) {
            return lost(session, error);
        }
        results[i] = requests[i]->result;
        requests[i]->result = NULL;
    }
    return ATLAS_OK;
}

atlas_status_t pg_session_describe(struct pg_session *session,
                                   const struct pg_statement *statements, size_t count,
                                   PGresult **results, struct error *error)
{
    if (!pg_connection_set_pipeline(session->connection, true)) {
        return lost(session, error);
    }
    struct pg_request **requests = calloc(count + 1, sizeof *requests);
    if (requests == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    atlas_status_t status = send_describes(session, statements, count, requests, error);
    if (status == ATLAS_OK) {
        status = wait_describes(session, requests, count, results, error);
    }
    for (size_t i = 0; i < count; i++) {
        pg_request_release(requests[i]);
    }
    free(requests);
    pg_connection_set_pipeline(session->connection, false);
    return status;
}
