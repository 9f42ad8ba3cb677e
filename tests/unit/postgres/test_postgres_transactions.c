/* The PostgreSQL module against a real server: transactions over several statements. */
#include "ledger.h"

/* --- Transactions --- */

static atlas_status_t transactions(struct call *call, void *arg)
{
    (void)arg;
    struct atlas_handle transaction;
    enum atlas_outcome outcome;
    CU_ASSERT_EQUAL(put(call, "t", 10, &outcome), ATLAS_OK);

    CU_ASSERT_EQUAL(atlas_pg_begin(&call->public, &transaction), ATLAS_OK);
    CU_ASSERT_EQUAL(add_in(call, transaction, 1), ATLAS_OK);
    CU_ASSERT_EQUAL(balance_of(call, "t"), 10); /* not seen outside */
    CU_ASSERT_EQUAL(add_in(call, transaction, 1), ATLAS_OK);
    CU_ASSERT_EQUAL(atlas_pg_commit(&call->public, transaction, &outcome), ATLAS_OK);
    CU_ASSERT_EQUAL(outcome, ATLAS_OUTCOME_DONE);
    CU_ASSERT_EQUAL(balance_of(call, "t"), 12);
    CU_ASSERT_EQUAL(atlas_pg_commit(&call->public, transaction, &outcome),
                    ATLAS_FAILED_PRECONDITION); /* the handle is stale */
    CU_ASSERT_EQUAL(outcome, ATLAS_OUTCOME_NOT_DONE);

    CU_ASSERT_EQUAL(atlas_pg_begin(&call->public, &transaction), ATLAS_OK);
    CU_ASSERT_EQUAL(add_in(call, transaction, 5), ATLAS_OK);
    atlas_pg_rollback(&call->public, transaction);
    CU_ASSERT_EQUAL(balance_of(call, "t"), 12);

    CU_ASSERT_EQUAL(atlas_pg_begin(&call->public, &transaction), ATLAS_OK);
    CU_ASSERT_EQUAL(add_in(call, transaction, 5), ATLAS_OK);
    CU_ASSERT_EQUAL(add_in(call, transaction, -100), ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_EQUAL(add_in(call, transaction, 1), ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_EQUAL(atlas_pg_commit(&call->public, transaction, &outcome),
                    ATLAS_FAILED_PRECONDITION); /* is not sent */
    CU_ASSERT_EQUAL(outcome, ATLAS_OUTCOME_NOT_DONE);
    CU_ASSERT_EQUAL(balance_of(call, "t"), 12);
    return ATLAS_OK;
}

static void test_transactions_commit_or_leave_nothing(void)
{
    CU_ASSERT_EQUAL(run(transactions, NULL, 5000), ATLAS_OK);
}

/* Takes every lease of the loop and returns with the transactions open. */
static atlas_status_t abandon_all(struct call *call, void *arg)
{
    (void)arg;
    struct atlas_handle transaction;
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(atlas_pg_begin(&call->public, &transaction), ATLAS_OK);
    }
    CU_ASSERT_EQUAL(add_in(call, transaction, 7), ATLAS_OK);
    CU_ASSERT_EQUAL(atlas_pg_begin(&call->public, &transaction), ATLAS_RESOURCE_EXHAUSTED);
    return ATLAS_OK;
}

/* Ends at its deadline in the middle of a statement. */
static atlas_status_t abandon_busy(struct call *call, void *arg)
{
    (void)arg;
    struct atlas_handle transaction;
    CU_ASSERT_EQUAL(atlas_pg_begin(&call->public, &transaction), ATLAS_OK);
    CU_ASSERT_EQUAL(add_in(call, transaction, 7), ATLAS_OK);
    return atlas_pg_query_in(&call->public, transaction, SLEEP_WRITE,
                             ATLAS_PG_PARAMS(atlas_pg_float8(0.4)), NULL);
}

static void test_abandoned_transactions_are_rolled_back(void)
{
    CU_ASSERT_EQUAL(run(abandon_all, NULL, 5000), ATLAS_OK);
    CU_ASSERT_EQUAL(run(abandon_all, NULL, 5000), ATLAS_OK); /* the leases are free again */
    CU_ASSERT_EQUAL(run(abandon_busy, NULL, 150), ATLAS_DEADLINE_EXCEEDED);
    CU_ASSERT_EQUAL(run(abandon_all, NULL, 5000), ATLAS_OK);
    CU_ASSERT_EQUAL(pg_server_number("atlas", "SELECT balance FROM ledger.account WHERE id = 't'"),
                    12);
}

LEDGER_MAIN("postgres transactions", UNIT_TEST(test_transactions_commit_or_leave_nothing),
            UNIT_TEST(test_abandoned_transactions_are_rolled_back))
