/*
 * A transaction of several steps: a leased connection, tied to the call that opened it.
 *
 *   begin -> (statements) -> commit | rollback | the end of the call
 *
 * BEGIN travels with the first statement. After a failure the transaction only waits to be ended.
 */
#ifndef SERVICES_POSTGRES_PG_TRANSACTION_H
#define SERVICES_POSTGRES_PG_TRANSACTION_H

#include "services/postgres/pg_pool.h"
#include "services/postgres/pg_statement.h"

struct pg_transaction;

/* Leases a connection. [waits] */
atlas_status_t pg_transaction_begin(struct call *call, struct pg_pool *pool,
                                    struct atlas_handle *ret_handle);

/* The transaction of a handle; FAILED_PRECONDITION if it has ended or belongs to another call. */
atlas_status_t pg_transaction_find(struct call *call, struct atlas_handle handle,
                                   struct pg_transaction **ret_transaction);

/* Sends a statement. ABORTED or what failed first if the transaction has failed already. */
atlas_status_t pg_transaction_send(struct pg_transaction *transaction,
                                   const struct pg_command *command,
                                   const struct pg_statement *statement, int64_t timeout_ms,
                                   struct pg_request **ret_request);

/* Notes a failure, so that it can no longer be committed; returns the status. */
atlas_status_t pg_transaction_fail(struct pg_transaction *transaction, atlas_status_t status);

/* Ends it: commits if nothing failed, which is waited for whatever happens to the call. [waits] */
atlas_status_t pg_transaction_commit(struct pg_transaction *transaction,
                                     enum atlas_outcome *ret_outcome, bool *ret_has_outbox_rows);

/* Ends it; the connection is kept apart until the server has rolled back. */
void pg_transaction_rollback(struct pg_transaction *transaction);

#endif
