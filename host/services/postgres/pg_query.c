#include "services/postgres/pg_query.h"

#include <string.h>

#include "base/clock.h"
#include "base/crash_point.h"
#include "base/metrics.h"
#include "runtime/generation.h"
#include "runtime/wait.h"
#include "services/postgres/pg_error.h"
#include "services/postgres/pg_outbox.h"
#include "services/postgres/pg_plugin.h"
#include "services/postgres/pg_transaction.h"

/* What a call waits beyond its deadline for the answer to a write. */
#define WORD_GRACE_NS (250 * NS_PER_MS)

/* What a query knows: set up once, then passed on. */
struct query {
    struct call *call;
    const struct pg_plugin *plugin;
    struct pg_pool *pool;
    const struct pg_statement *statement;
    struct metrics_cell *duration;
    struct pg_command command;
};

static atlas_status_t start_query(struct query *query, struct atlas_call *public_call,
                                  uint32_t statement, const struct atlas_pg_value *params,
                                  size_t param_count)
{
    struct call *call = call_of(public_call);
    struct pg_plugin *plugin = call->generation->attached[MODULE_POSTGRES];
    struct error error;

    pg_error_clear(call);
    if (plugin == NULL || statement >= plugin->statement_count) {
        return call_fail(call, ATLAS_INTERNAL,
                         "plugin %s has declared no statement %u; see struct atlas_pg_schema",
                         call->generation->id, statement);
    }
    const struct pg_loop *loop =
        GENERATION_LOOP_ATTACHED(call->generation, call->worker, MODULE_POSTGRES);
    *query = (struct query){
        .call = call,
        .plugin = plugin,
        .pool = loop->pool,
        .duration = loop->durations[statement],
        .statement = &plugin->statements[statement],
    };
    atlas_status_t status = pg_plugin_admit(plugin, call);
    if (status != ATLAS_OK) {
        return status;
    }
    status = pg_statement_bind(query->statement, &call->arena, params, param_count, &query->command,
                               &error);
    return status == ATLAS_OK ? ATLAS_OK : call_fail(call, status, "%s", error.text);
}

static atlas_status_t fail_lost(const struct query *query)
{
    return call_fail(query->call, ATLAS_UNAVAILABLE,
                     "statement %s: the connection to PostgreSQL was lost before the answer came; "
                     "repeat it under the same reference",
                     query->statement->name);
}

/* The rows for the caller, from an answer that is complete. */
static atlas_status_t read_answer(const struct query *query, const struct pg_request *request,
                                  struct atlas_pg_result *ret_result)
{
    struct error error;
    if (request->result != NULL && PQresultStatus(request->result) == PGRES_FATAL_ERROR) {
        return pg_error_report(query->call, query->statement->name, request->result);
    }
    if (request->is_lost || request->result == NULL) {
        return fail_lost(query);
    }
    if (ret_result == NULL) {
        return ATLAS_OK;
    }
    atlas_status_t status =
        pg_statement_read(query->statement, &query->call->arena, pg_pool_settings(query->pool),
                          request->result, ret_result, &error);
    return status == ATLAS_OK ? ATLAS_OK : call_fail(query->call, status, "%s", error.text);
}

/* A lost connection, or a server that ended the session, leaves open whether the commit that ends
 * the request took place. An ordinary error rules it out. */
static enum atlas_outcome outcome_of(const struct pg_request *request)
{
    bool is_error = request->result != NULL && PQresultStatus(request->result) == PGRES_FATAL_ERROR;
    if (is_error && !pg_error_is_fatal(request->result)) {
        return ATLAS_OUTCOME_NOT_DONE;
    }
    return request->is_lost || is_error ? ATLAS_OUTCOME_UNKNOWN : ATLAS_OUTCOME_DONE;
}

/* True for an answer that says that the server does not know the prepared statement: an earlier
 * request of the pipeline was to prepare it and failed. Nothing was done, so it can be repeated. */
static bool is_unprepared(const struct pg_request *request)
{
    return request->result != NULL && strcmp(pg_error_sqlstate(request->result), "26000") == 0;
}

/* The time that the server gets for a statement: what the call has left, down to one of eight steps
 * between powers of two, so that most statements find the session's timeout as they need it. A read
 * has it as well: one that was given up must not hold back the reads behind it. */
static int64_t timeout_of(const struct call *call)
{
    int64_t left_ns = call_remaining_ns(call);
    if (left_ns == INT64_MAX) {
        return 0;
    }
    int64_t left_ms = left_ns / 1000000;
    if (left_ms < 16) {
        return left_ms > 0 ? left_ms : 1;
    }
    int shift = 60 - __builtin_clzll((unsigned long long)left_ms); /* keeps three more bits */
    return left_ms >> shift << shift;
}

static atlas_status_t send_query(const struct query *query, enum pg_role role,
                                 struct pg_request **ret_request)
{
    struct pg_connection *connection;
    atlas_status_t status = pg_pool_pick(query->pool, query->call, role, &connection);
    if (status != ATLAS_OK) {
        return status;
    }
    *ret_request =
        pg_connection_send(connection, query->call, &query->command, 1, timeout_of(query->call));
    return *ret_request != NULL ? ATLAS_OK : fail_lost(query);
}

static void observe(const struct query *query, const struct pg_request *request)
{
    metrics_observe_ns(query->duration, clock_monotonic_ns() - request->sent_ns);
}

static atlas_status_t run_read(const struct query *query, struct atlas_pg_result *ret_result)
{
    struct pg_request *request;
    atlas_status_t status;
    for (int attempt = 0; attempt < 2; attempt++) {
        status = send_query(query, PG_ROLE_READ, &request);
        if (status != ATLAS_OK) {
            return status;
        }
        status = wait_for(&request->wait); /* after the deadline the answer is dropped */
        observe(query, request);
        bool is_again = status == ATLAS_OK && is_unprepared(request) && attempt == 0;
        if (status == ATLAS_OK && !is_again) {
            status = read_answer(query, request, ret_result);
        }
        pg_request_release(request);
        if (!is_again) {
            break;
        }
    }
    return status;
}

/* A commit under way is not abandoned at the deadline: just before it the server ends the statement
 * by itself, and its word is waited for. False: the server hangs, or has not come to the statement
 * behind those of others, and what becomes of it is open. */
static bool wait_for_word(const struct query *query, struct pg_request *request)
{
    int64_t left_ns = call_remaining_ns(query->call);
    if (left_ns == INT64_MAX) {
        wait_uninterrupted(&request->wait); /* statement_timeout and the answer limit bound it */
        return true;
    }
    return wait_uninterrupted_at_most(&request->wait, left_ns + WORD_GRACE_NS);
}

static atlas_status_t fail_late(const struct query *query)
{
    return call_fail(query->call, ATLAS_UNAVAILABLE,
                     "statement %s: PostgreSQL did not answer in time; it may still be carried "
                     "out: repeat it under the same reference",
                     query->statement->name);
}

static atlas_status_t run_write(const struct query *query, struct atlas_pg_result *ret_result,
                                enum atlas_outcome *ret_outcome)
{
    struct pg_request *request;
    atlas_status_t status;
    for (int attempt = 0; attempt < 2; attempt++) {
        status = call_check(query->call);
        if (status != ATLAS_OK) {
            return call_fail(query->call, status, "statement %s: the call ended before it was sent",
                             query->statement->name);
        }
        status = send_query(query, PG_ROLE_WRITE, &request);
        if (status != ATLAS_OK) {
            return status;
        }
        bool is_answered = wait_for_word(query, request);
        observe(query, request);
        *ret_outcome = is_answered ? outcome_of(request) : ATLAS_OUTCOME_UNKNOWN;
        bool is_again = is_answered && is_unprepared(request) && attempt == 0;
        if (!is_again) {
            status = is_answered ? read_answer(query, request, ret_result) : fail_late(query);
        }
        pg_request_release(request);
        if (!is_again) {
            break;
        }
    }
    return status;
}

static void after_commit(const struct pg_plugin *plugin, bool has_outbox_rows)
{
    crash_point("postgres.after_commit");
    if (has_outbox_rows && plugin->outbox != NULL) {
        plugin->outboxes->ring(plugin->outbox);
    }
}

static atlas_status_t pg_query_run(struct atlas_call *public_call, uint32_t statement,
                                   const struct atlas_pg_value *params, size_t param_count,
                                   struct atlas_pg_result *ret_result,
                                   enum atlas_outcome *ret_outcome)
{
    struct query query;
    enum atlas_outcome outcome = ATLAS_OUTCOME_NOT_DONE;
    atlas_status_t status = start_query(&query, public_call, statement, params, param_count);
    if (status == ATLAS_OK && (query.statement->flags & ATLAS_PG_WRITE) == 0) {
        status = run_read(&query, ret_result);
        outcome = status == ATLAS_OK ? ATLAS_OUTCOME_DONE : ATLAS_OUTCOME_NOT_DONE;
    } else if (status == ATLAS_OK) {
        status = run_write(&query, ret_result, &outcome);
        if (outcome != ATLAS_OUTCOME_NOT_DONE) {
            after_commit(query.plugin, (query.statement->flags & ATLAS_PG_OUTBOX) != 0);
        }
    }
    if (ret_outcome != NULL) {
        *ret_outcome = outcome;
    }
    return status;
}

static atlas_status_t pg_query_begin(struct atlas_call *public_call,
                                     struct atlas_handle *ret_transaction)
{
    struct call *call = call_of(public_call);
    struct pg_plugin *plugin = call->generation->attached[MODULE_POSTGRES];
    pg_error_clear(call);
    if (plugin == NULL || plugin->schema == NULL) {
        return call_fail(call, ATLAS_INTERNAL, "plugin %s has no schema", call->generation->id);
    }
    atlas_status_t status = pg_plugin_admit(plugin, call);
    if (status != ATLAS_OK) {
        return status;
    }
    const struct pg_loop *loop =
        GENERATION_LOOP_ATTACHED(call->generation, call->worker, MODULE_POSTGRES);
    return pg_transaction_begin(call, loop->pool, ret_transaction);
}

static atlas_status_t pg_query_run_in(struct atlas_call *public_call,
                                      struct atlas_handle transaction, uint32_t statement,
                                      const struct atlas_pg_value *params, size_t param_count,
                                      struct atlas_pg_result *ret_result)
{
    struct query query;
    struct pg_request *request;
    struct pg_transaction *open;
    atlas_status_t status = pg_transaction_find(call_of(public_call), transaction, &open);
    if (status != ATLAS_OK) {
        return status;
    }
    status = start_query(&query, public_call, statement, params, param_count);
    if (status == ATLAS_OK) {
        status = pg_transaction_send(open, &query.command, query.statement, timeout_of(query.call),
                                     &request);
    }
    if (status != ATLAS_OK) {
        return pg_transaction_fail(open, status);
    }
    status = wait_for(&request->wait); /* what is given up here is rolled back */
    observe(&query, request);
    if (status == ATLAS_OK) {
        status = read_answer(&query, request, ret_result);
    }
    pg_request_release(request);
    return status == ATLAS_OK ? ATLAS_OK : pg_transaction_fail(open, status);
}

static atlas_status_t pg_query_commit(struct atlas_call *public_call,
                                      struct atlas_handle transaction,
                                      enum atlas_outcome *ret_outcome)
{
    struct call *call = call_of(public_call);
    struct pg_transaction *open;
    enum atlas_outcome outcome = ATLAS_OUTCOME_NOT_DONE;
    bool has_outbox_rows = false;
    pg_error_clear(call);
    atlas_status_t status = pg_transaction_find(call, transaction, &open);
    if (status == ATLAS_OK) {
        status = pg_transaction_commit(open, &outcome, &has_outbox_rows);
    }
    if (outcome != ATLAS_OUTCOME_NOT_DONE) {
        after_commit(call->generation->attached[MODULE_POSTGRES], has_outbox_rows);
    }
    if (ret_outcome != NULL) {
        *ret_outcome = outcome;
    }
    return status;
}

static void pg_query_rollback(struct atlas_call *public_call, struct atlas_handle transaction)
{
    struct pg_transaction *open;
    if (pg_transaction_find(call_of(public_call), transaction, &open) == ATLAS_OK) {
        pg_transaction_rollback(open);
    }
}

static void pg_query_last_error(struct atlas_call *public_call, struct atlas_pg_error *ret_error)
{
    const struct call *call = call_of(public_call);
    memcpy(ret_error->sqlstate, call->pg_error.sqlstate, sizeof ret_error->sqlstate);
    memcpy(ret_error->constraint, call->pg_error.constraint, sizeof ret_error->constraint);
}

const struct atlas_postgres_interface pg_query_interface = {
    .size = sizeof(struct atlas_postgres_interface),
    .query = pg_query_run,
    .begin = pg_query_begin,
    .query_in = pg_query_run_in,
    .commit = pg_query_commit,
    .rollback = pg_query_rollback,
    .last_error = pg_query_last_error,
};
