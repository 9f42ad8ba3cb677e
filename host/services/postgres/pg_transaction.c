#include "services/postgres/pg_transaction.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/handle.h"
#include "runtime/wait.h"
#include "services/postgres/pg_error.h"

struct pg_transaction {
    struct call_resource resource;
    struct call *call;
    struct pg_pool *pool;
    struct pg_connection *connection;
    uint64_t session; /* of the connection when it was leased */
    struct atlas_handle handle;
    atlas_status_t status; /* of the first failure */
    bool is_begun;         /* BEGIN was sent */
    bool has_outbox_rows;
};

static void forget(struct pg_transaction *transaction)
{
    call_drop_resource(&transaction->resource);
    handle_drop(&transaction->call->worker->handles, transaction->handle);
    free(transaction);
}

static bool has_lost_session(const struct pg_transaction *transaction)
{
    return !pg_connection_is_ready(transaction->connection) ||
           pg_connection_session(transaction->connection) != transaction->session;
}

void pg_transaction_rollback(struct pg_transaction *transaction)
{
    if (transaction->is_begun && !has_lost_session(transaction)) {
        pg_pool_return_after_rollback(transaction->pool, transaction->connection);
    } else {
        pg_pool_return(transaction->pool, transaction->connection);
    }
    forget(transaction);
}

static void release_resource(struct call_resource *resource)
{
    pg_transaction_rollback(CONTAINER_OF(resource, struct pg_transaction, resource));
}

atlas_status_t pg_transaction_begin(struct call *call, struct pg_pool *pool,
                                    struct atlas_handle *ret_handle)
{
    struct pg_transaction *transaction = calloc(1, sizeof *transaction);
    if (transaction == NULL) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    atlas_status_t status = pg_pool_lease(pool, call, &transaction->connection);
    if (status != ATLAS_OK) {
        free(transaction);
        return status;
    }
    transaction->call = call;
    transaction->pool = pool;
    transaction->session = pg_connection_session(transaction->connection);
    transaction->resource.release = release_resource;
    transaction->handle = handle_create(&call->worker->handles, HANDLE_TRANSACTION, transaction);
    if (transaction->handle.value == 0) {
        pg_pool_return(pool, transaction->connection);
        free(transaction);
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED, "no handle is left for a transaction");
    }
    call_hold_resource(call, &transaction->resource);
    *ret_handle = transaction->handle;
    return ATLAS_OK;
}

atlas_status_t pg_transaction_find(struct call *call, struct atlas_handle handle,
                                   struct pg_transaction **ret_transaction)
{
    struct pg_transaction *transaction =
        handle_find(&call->worker->handles, HANDLE_TRANSACTION, handle);
    if (transaction == NULL || transaction->call != call) {
        return call_fail(call, ATLAS_FAILED_PRECONDITION,
                         "the transaction has ended, or belongs to another call");
    }
    *ret_transaction = transaction;
    return ATLAS_OK;
}

atlas_status_t pg_transaction_fail(struct pg_transaction *transaction, atlas_status_t status)
{
    if (transaction->status == ATLAS_OK) {
        transaction->status = status;
    }
    return status;
}

static atlas_status_t check_usable(struct pg_transaction *transaction)
{
    if (transaction->status != ATLAS_OK) {
        return call_fail(transaction->call, transaction->status,
                         "the transaction has failed before; roll it back");
    }
    if (has_lost_session(transaction)) {
        transaction->status = ATLAS_UNAVAILABLE;
        return call_fail(transaction->call, ATLAS_UNAVAILABLE,
                         "the connection of the transaction was lost: %s; repeat it",
                         pg_connection_error(transaction->connection));
    }
    return ATLAS_OK;
}

atlas_status_t pg_transaction_send(struct pg_transaction *transaction,
                                   const struct pg_command *command,
                                   const struct pg_statement *statement, int64_t timeout_ms,
                                   struct pg_request **ret_request)
{
    struct pg_command commands[2] = {
        {.sql = "BEGIN ISOLATION LEVEL READ COMMITTED", .hash = 0},
        *command,
    };
    atlas_status_t status = check_usable(transaction);
    if (status != ATLAS_OK) {
        return status;
    }
    bool is_first = !transaction->is_begun;
    *ret_request =
        pg_connection_send(transaction->connection, transaction->call, &commands[is_first ? 0 : 1],
                           is_first ? 2 : 1, is_first ? timeout_ms : -1);
    if (*ret_request == NULL) {
        return call_fail(transaction->call, ATLAS_UNAVAILABLE,
                         "statement %s: the connection of the transaction was lost; repeat it",
                         statement->name);
    }
    transaction->is_begun = true;
    if ((statement->flags & ATLAS_PG_OUTBOX) != 0) {
        transaction->has_outbox_rows = true;
    }
    return ATLAS_OK;
}

/* What the answer to COMMIT says. A failed transaction is answered with ROLLBACK. */
static atlas_status_t read_commit(struct pg_transaction *transaction,
                                  const struct pg_request *request, enum atlas_outcome *ret_outcome)
{
    const PGresult *result = request->result;
    if (result != NULL && PQresultStatus(result) == PGRES_FATAL_ERROR) {
        *ret_outcome = pg_error_is_fatal(result) ? ATLAS_OUTCOME_UNKNOWN : ATLAS_OUTCOME_NOT_DONE;
        return pg_error_report(transaction->call, "COMMIT", result);
    }
    bool is_committed =
        result != NULL && strcmp(PQcmdStatus((PGresult *)(uintptr_t)result), "COMMIT") == 0;
    if (is_committed) { /* the tag is sent after the commit, so a loss behind it changes nothing */
        *ret_outcome = ATLAS_OUTCOME_DONE;
        return ATLAS_OK;
    }
    if (result != NULL) {
        *ret_outcome = ATLAS_OUTCOME_NOT_DONE;
        return call_fail(transaction->call, ATLAS_ABORTED, "the server rolled back at COMMIT");
    }
    *ret_outcome = ATLAS_OUTCOME_UNKNOWN;
    return call_fail(transaction->call, ATLAS_UNAVAILABLE,
                     "the connection was lost during COMMIT: repeat the change under the same "
                     "reference");
}

static atlas_status_t send_commit(struct pg_transaction *transaction,
                                  enum atlas_outcome *ret_outcome)
{
    static const struct pg_command commit = {.sql = "COMMIT", .hash = 0};
    struct pg_request *request =
        pg_connection_send(transaction->connection, transaction->call, &commit, 1, -1);
    if (request == NULL) {
        *ret_outcome = ATLAS_OUTCOME_NOT_DONE;
        return call_fail(transaction->call, ATLAS_UNAVAILABLE,
                         "the connection was lost before COMMIT; repeat the transaction");
    }
    wait_uninterrupted(&request->wait);
    atlas_status_t status = read_commit(transaction, request, ret_outcome);
    pg_request_release(request);
    return status;
}

atlas_status_t pg_transaction_commit(struct pg_transaction *transaction,
                                     enum atlas_outcome *ret_outcome, bool *ret_has_outbox_rows)
{
    *ret_outcome = ATLAS_OUTCOME_NOT_DONE;
    atlas_status_t status = check_usable(transaction);
    if (status == ATLAS_OK) {
        status = call_check(transaction->call);
    }
    if (status != ATLAS_OK) {
        pg_transaction_rollback(transaction);
        return status;
    }
    *ret_has_outbox_rows = transaction->has_outbox_rows;
    if (!transaction->is_begun) {
        *ret_outcome = ATLAS_OUTCOME_DONE; /* nothing was to be done */
    } else {
        status = send_commit(transaction, ret_outcome);
    }
    pg_pool_return(transaction->pool, transaction->connection);
    forget(transaction);
    return status;
}
