/* Every host call of every operation of the wallet plugin failing in turn. */
#include "wallet_script.h"

static atlas_status_t ask_credit(struct testhost *host)
{
    CreditRequest req = credit_request();
    CreditResponse *res = NULL;

    return credit(host, &req, &res);
}

static atlas_status_t ask_debit(struct testhost *host)
{
    DebitRequest req = debit_request();
    DebitResponse *res = NULL;

    return debit(host, &req, &res);
}

static atlas_status_t run_credit(struct testhost *host, void *arg)
{
    (void)arg;
    script_posted(host, "wallet_credit", 500);
    return ask_credit(host);
}

static atlas_status_t run_credit_again(struct testhost *host, void *arg)
{
    (void)arg;
    testhost_pg_rows(host, "wallet_credit", ATLAS_PG_NO_PARAMS);
    script_outcome(host, 90, JOURNAL, 500, 510);
    return ask_credit(host);
}

static atlas_status_t run_debit(struct testhost *host, void *arg)
{
    (void)arg;
    script_posted(host, "wallet_debit", 0);
    return ask_debit(host);
}

static atlas_status_t run_debit_again(struct testhost *host, void *arg)
{
    (void)arg;
    testhost_pg_rows(host, "wallet_debit", ATLAS_PG_NO_PARAMS);
    script_outcome(host, 0, JOURNAL, 500, 20);
    return ask_debit(host);
}

static atlas_status_t run_balance(struct testhost *host, void *arg)
{
    BalanceResponse *res = NULL;

    (void)arg;
    testhost_pg_rows(host, "wallet_balance", ATLAS_PG_PARAMS(atlas_pg_int8(70), atlas_pg_int8(20)));
    return get_balance(host, &res);
}

static atlas_status_t run_charge(struct testhost *host, void *arg)
{
    struct atlas_kafka_record record = order_record(host, FINISHED, 700, "USD");
    atlas_status_t status;

    (void)arg;
    script_charged(host);
    testhost_consume(host, "charge_orders", &record, 1, &status);
    return status;
}

/* A record that cannot be read, one that the ledger refuses, one that is charged. Returns the
 * status of the last. */
static atlas_status_t run_charge_one_by_one(struct testhost *host, void *arg)
{
    struct atlas_kafka_record records[3] = {order_record(host, FINISHED, 700, "dollars"),
                                            order_record(host, FINISHED, 700, "USD"),
                                            order_record(host, FINISHED, 800, "USD")};
    atlas_status_t *statuses = arg;

    testhost_pg_fail(host, "wallet_charge", ATLAS_OUT_OF_RANGE, NULL, ATLAS_OUTCOME_NOT_DONE);
    testhost_pg_fail(host, "wallet_charge", ATLAS_OUT_OF_RANGE, NULL, ATLAS_OUTCOME_NOT_DONE);
    script_charged(host);
    testhost_consume(host, "charge_orders", records, 3, statuses);
    return statuses[2];
}

/* Each refusal is for the record's own sake. If the record that the ledger refuses comes again
 * before it was asked, its scripted refusal meets the last one. */
static bool verify_one_by_one(struct testhost *host, unsigned int failed, atlas_status_t status,
                              void *arg)
{
    const atlas_status_t *statuses = arg;

    return plugin_is_refused_or_again(failed, statuses[0], ATLAS_INVALID_ARGUMENT) &&
           plugin_is_refused_or_again(failed, statuses[1], ATLAS_FAILED_PRECONDITION) &&
           (status == ATLAS_OK || plugin_verify_comes_again(host, failed, status, NULL) ||
            (status == ATLAS_FAILED_PRECONDITION && atlas_status_is_transient(statuses[1])));
}

static void test_faults_leave_nothing_half_done(void)
{
    atlas_status_t statuses[3];
    const struct testhost_operation operations[] = {
        {run_credit, testhost_verify_all_or_nothing, NULL},
        {run_credit_again, testhost_verify_all_or_nothing, NULL},
        {run_debit, testhost_verify_all_or_nothing, NULL},
        {run_debit_again, testhost_verify_all_or_nothing, NULL},
        {run_balance, testhost_verify_all_or_nothing, NULL},
        {run_charge, plugin_verify_comes_again, NULL},
        {run_charge_one_by_one, verify_one_by_one, statuses},
    };
    struct testhost *host = plugin_start("wallet");

    plugin_check_faults(host, operations, ATLAS_COUNT(operations));
    testhost_close(host);
}

UNIT_MAIN("wallet faults", UNIT_TEST(test_faults_leave_nothing_half_done))
