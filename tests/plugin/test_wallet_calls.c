/* CreditBalance, DebitBalance and GetBalance in the test host. */
#include "wallet_script.h"

/* --- Credit --- */

static void test_credit_posts_a_journal(void)
{
    struct testhost *host = plugin_start("wallet");
    CreditRequest req = credit_request();
    CreditResponse *res = NULL;

    script_posted(host, "wallet_credit", 500);
    CU_ASSERT_EQUAL_FATAL(credit(host, &req, &res), ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(res->journal_id, JOURNAL);
    CU_ASSERT_EQUAL(res->balance_minor, 500);
    CU_ASSERT_STRING_EQUAL(res->currency, "USD");
    CU_ASSERT(testhost_did(
        host, "pg wallet_credit alice USD user/alice/USD world/alice/USD 500 top-up 1 "));
    testhost_close(host);
}

static void test_credit_repeated_returns_the_first_outcome(void)
{
    struct testhost *host = plugin_start("wallet");
    CreditRequest req = credit_request();
    CreditResponse *res = NULL;

    testhost_pg_rows(host, "wallet_credit", ATLAS_PG_NO_PARAMS);
    script_outcome(host, 90, JOURNAL, 500, 510);
    CU_ASSERT_EQUAL_FATAL(credit(host, &req, &res), ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(res->journal_id, JOURNAL);
    CU_ASSERT_EQUAL(res->balance_minor, 510);
    CU_ASSERT(testhost_did(host, "pg wallet_outcome 1 user/alice/USD top-up 1"));
    testhost_close(host);
}

static void test_credit_repeated_with_another_amount_is_refused(void)
{
    struct testhost *host = plugin_start("wallet");
    CreditRequest req = credit_request();
    CreditResponse *res = NULL;

    testhost_pg_rows(host, "wallet_credit", ATLAS_PG_NO_PARAMS);
    script_outcome(host, 90, JOURNAL, 499, 510);
    CU_ASSERT_EQUAL(credit(host, &req, &res), ATLAS_ALREADY_EXISTS);
    CU_ASSERT_STRING_EQUAL(testhost_message(host),
                           "reference_id: top-up 1 was used before with another amount");
    testhost_close(host);
}

static void test_credit_beyond_the_ledger_is_refused(void)
{
    struct testhost *host = plugin_start("wallet");
    CreditRequest req = credit_request();
    CreditResponse *res = NULL;

    testhost_pg_fail(host, "wallet_credit", ATLAS_OUT_OF_RANGE, NULL, ATLAS_OUTCOME_NOT_DONE);
    CU_ASSERT_EQUAL(credit(host, &req, &res), ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_STRING_EQUAL(testhost_message(host),
                           "amount_minor: the balance would exceed 9223372036854775807");
    testhost_close(host);
}

static void check_refused(struct testhost *host, const CreditRequest *req, const char *message)
{
    CreditResponse *res = NULL;

    CU_ASSERT_EQUAL(credit(host, req, &res), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(testhost_message(host), message);
    CU_ASSERT_FALSE(testhost_did(host, "pg"));
}

static void test_credit_names_the_bad_field(void)
{
    struct testhost *host = plugin_start("wallet");
    CreditRequest req = credit_request();
    char empty[] = "";
    char dollars[] = "usd";

    req.amount_minor = 0;
    check_refused(host, &req, "amount_minor: must be more than 0");
    req.amount_minor = -5;
    check_refused(host, &req, "amount_minor: must be more than 0");
    req = credit_request();
    req.reference_id = empty;
    check_refused(host, &req, "reference_id: must have 1 to 64 characters");
    req = credit_request();
    req.user_id = empty;
    check_refused(host, &req, "user_id: must have 1 to 64 characters");
    req = credit_request();
    atlas__wallet__v1__credit_balance_request__set_currency(&req, dollars);
    check_refused(host, &req, "currency: must be an ISO 4217 code, three capital letters");
    testhost_close(host);
}

/* --- Debit --- */

static void test_debit_posts_a_journal(void)
{
    struct testhost *host = plugin_start("wallet");
    DebitRequest req = debit_request();
    DebitResponse *res = NULL;
    char euro[] = "EUR";

    atlas__wallet__v1__debit_balance_request__set_currency(&req, euro);
    script_posted(host, "wallet_debit", 0);
    CU_ASSERT_EQUAL_FATAL(debit(host, &req, &res), ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(res->journal_id, JOURNAL);
    CU_ASSERT_EQUAL(res->balance_minor, 0);
    CU_ASSERT_STRING_EQUAL(res->currency, "EUR");
    CU_ASSERT(testhost_did(host, "pg wallet_debit user/alice/EUR world/alice/EUR 500 top-up 1 "));
    testhost_close(host);
}

static void test_debit_repeated_returns_the_first_outcome(void)
{
    struct testhost *host = plugin_start("wallet");
    DebitRequest req = debit_request();
    DebitResponse *res = NULL;

    /* The balance does not cover it any more, but it was posted when it did. */
    testhost_pg_rows(host, "wallet_debit", ATLAS_PG_NO_PARAMS);
    script_outcome(host, 0, JOURNAL, 500, 20);
    CU_ASSERT_EQUAL_FATAL(debit(host, &req, &res), ATLAS_OK);
    CU_ASSERT_EQUAL(res->balance_minor, 20);
    CU_ASSERT(testhost_did(host, "pg wallet_outcome 2 "));
    testhost_close(host);
}

static void test_debit_does_not_overdraw(void)
{
    struct testhost *host = plugin_start("wallet");
    DebitRequest req = debit_request();
    DebitResponse *res = NULL;

    testhost_pg_rows(host, "wallet_debit", ATLAS_PG_NO_PARAMS);
    script_outcome(host, 499, NULL, 0, 0);
    CU_ASSERT_EQUAL(debit(host, &req, &res), ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_STRING_EQUAL(testhost_message(host),
                           "amount_minor: the balance of user alice, 499 USD of which 0 are held, "
                           "does not cover 500");
    testhost_close(host);
}

static void test_debit_of_an_unknown_user(void)
{
    struct testhost *host = plugin_start("wallet");
    DebitRequest req = debit_request();
    DebitResponse *res = NULL;

    testhost_pg_rows(host, "wallet_debit", ATLAS_PG_NO_PARAMS);
    testhost_pg_rows(host, "wallet_outcome", ATLAS_PG_NO_PARAMS);
    CU_ASSERT_EQUAL(debit(host, &req, &res), ATLAS_NOT_FOUND);
    CU_ASSERT_STRING_EQUAL(testhost_message(host),
                           "user_id: alice has no account in USD; the first credit opens it");
    testhost_close(host);
}

/* --- Balance --- */

static void test_balance(void)
{
    struct testhost *host = plugin_start("wallet");
    BalanceResponse *res = NULL;

    testhost_pg_rows(host, "wallet_balance", ATLAS_PG_PARAMS(atlas_pg_int8(70), atlas_pg_int8(20)));
    CU_ASSERT_EQUAL_FATAL(get_balance(host, &res), ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(res->user_id, "alice");
    CU_ASSERT_EQUAL(res->balance_minor, 70);
    CU_ASSERT_EQUAL(res->held_minor, 20);
    CU_ASSERT_STRING_EQUAL(res->currency, "USD");
    testhost_pg_rows(host, "wallet_balance", ATLAS_PG_NO_PARAMS);
    CU_ASSERT_EQUAL(get_balance(host, &res), ATLAS_NOT_FOUND);
    testhost_close(host);
}

UNIT_MAIN("wallet calls", UNIT_TEST(test_credit_posts_a_journal),
          UNIT_TEST(test_credit_repeated_returns_the_first_outcome),
          UNIT_TEST(test_credit_repeated_with_another_amount_is_refused),
          UNIT_TEST(test_credit_beyond_the_ledger_is_refused),
          UNIT_TEST(test_credit_names_the_bad_field), UNIT_TEST(test_debit_posts_a_journal),
          UNIT_TEST(test_debit_repeated_returns_the_first_outcome),
          UNIT_TEST(test_debit_does_not_overdraw), UNIT_TEST(test_debit_of_an_unknown_user),
          UNIT_TEST(test_balance))
