/* The wallet plugin in the test host. What the ledger's statements do is tested on PostgreSQL:
 * tests/system. */
#include "atlas/events/v1/events.atlas.h"
#include "atlas/testhost.h"
#include "atlas/wallet/v1/wallet.atlas.h"
#include "support/unit.h"

#define PLUGIN  ATLAS_BUILD_DIR "/plugins/wallet.so"
#define JOURNAL "01890a5d-ac96-774b-bcce-b302099a8057"
#define ORDER   "01890a5d-ac96-774b-bcce-b302099a8058"

static struct testhost *open_wallet(void)
{
    struct testhost *host = testhost_open(PLUGIN);

    CU_ASSERT_PTR_NOT_NULL_FATAL(host);
    CU_ASSERT_EQUAL_FATAL(testhost_start(host), ATLAS_OK);
    return host;
}

static char user[] = "alice";
static char reference[] = "top-up 1";

static Atlas__Wallet__V1__CreditBalanceRequest credit_request(void)
{
    Atlas__Wallet__V1__CreditBalanceRequest req = ATLAS__WALLET__V1__CREDIT_BALANCE_REQUEST__INIT;

    req.user_id = user;
    req.amount_minor = 500;
    req.reference_id = reference;
    return req;
}

static Atlas__Wallet__V1__DebitBalanceRequest debit_request(void)
{
    Atlas__Wallet__V1__DebitBalanceRequest req = ATLAS__WALLET__V1__DEBIT_BALANCE_REQUEST__INIT;

    req.user_id = user;
    req.amount_minor = 500;
    req.reference_id = reference;
    return req;
}

static void script_posted(struct testhost *host, const char *statement, int64_t balance)
{
    testhost_pg_rows(host, statement,
                     ATLAS_PG_PARAMS(atlas_pg_uuid(JOURNAL), atlas_pg_int8(balance)));
}

/* What a reference became: journal NULL for nothing. */
static void script_outcome(struct testhost *host, int64_t balance, const char *journal,
                           int64_t amount, int64_t balance_after)
{
    bool is_posted = journal != NULL;

    testhost_pg_rows(host, "wallet_outcome",
                     ATLAS_PG_PARAMS(atlas_pg_int8(balance), atlas_pg_int8(0),
                                     atlas_pg_uuid(journal),
                                     is_posted ? atlas_pg_int8(amount) : atlas_pg_null(),
                                     is_posted ? atlas_pg_int8(balance_after) : atlas_pg_null()));
}

/* --- Credit -------------------------------------------------------------------------------------
 */

static void test_credit_posts_a_journal(void)
{
    struct testhost *host = open_wallet();
    Atlas__Wallet__V1__CreditBalanceRequest req = credit_request();
    Atlas__Wallet__V1__CreditBalanceResponse *res = NULL;

    script_posted(host, "wallet_credit", 500);
    CU_ASSERT_EQUAL_FATAL(atlas_wallet_v1_wallet_credit_balance(testhost_caller(host), &req, &res),
                          ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(res->journal_id, JOURNAL);
    CU_ASSERT_EQUAL(res->balance_minor, 500);
    CU_ASSERT_STRING_EQUAL(res->currency, "USD");
    CU_ASSERT(testhost_did(
        host, "pg wallet_credit alice USD user/alice/USD world/alice/USD 500 top-up 1 "));
    testhost_close(host);
}

static void test_credit_repeated_returns_the_first_outcome(void)
{
    struct testhost *host = open_wallet();
    Atlas__Wallet__V1__CreditBalanceRequest req = credit_request();
    Atlas__Wallet__V1__CreditBalanceResponse *res = NULL;

    testhost_pg_rows(host, "wallet_credit", ATLAS_PG_NO_PARAMS);
    script_outcome(host, 90, JOURNAL, 500, 510);
    CU_ASSERT_EQUAL_FATAL(atlas_wallet_v1_wallet_credit_balance(testhost_caller(host), &req, &res),
                          ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(res->journal_id, JOURNAL);
    CU_ASSERT_EQUAL(res->balance_minor, 510);
    CU_ASSERT(testhost_did(host, "pg wallet_outcome 1 user/alice/USD top-up 1"));
    testhost_close(host);
}

static void test_credit_repeated_with_another_amount_is_refused(void)
{
    struct testhost *host = open_wallet();
    Atlas__Wallet__V1__CreditBalanceRequest req = credit_request();
    Atlas__Wallet__V1__CreditBalanceResponse *res = NULL;

    testhost_pg_rows(host, "wallet_credit", ATLAS_PG_NO_PARAMS);
    script_outcome(host, 90, JOURNAL, 499, 510);
    CU_ASSERT_EQUAL(atlas_wallet_v1_wallet_credit_balance(testhost_caller(host), &req, &res),
                    ATLAS_ALREADY_EXISTS);
    CU_ASSERT_STRING_EQUAL(testhost_message(host),
                           "reference_id: top-up 1 was used before with another amount");
    testhost_close(host);
}

static void test_credit_beyond_the_ledger_is_refused(void)
{
    struct testhost *host = open_wallet();
    Atlas__Wallet__V1__CreditBalanceRequest req = credit_request();
    Atlas__Wallet__V1__CreditBalanceResponse *res = NULL;

    testhost_pg_fail(host, "wallet_credit", ATLAS_OUT_OF_RANGE, NULL, ATLAS_OUTCOME_NOT_DONE);
    CU_ASSERT_EQUAL(atlas_wallet_v1_wallet_credit_balance(testhost_caller(host), &req, &res),
                    ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_STRING_EQUAL(testhost_message(host),
                           "amount_minor: the balance would exceed 9223372036854775807");
    testhost_close(host);
}

static void check_refused(struct testhost *host, const Atlas__Wallet__V1__CreditBalanceRequest *req,
                          const char *message)
{
    Atlas__Wallet__V1__CreditBalanceResponse *res = NULL;

    CU_ASSERT_EQUAL(atlas_wallet_v1_wallet_credit_balance(testhost_caller(host), req, &res),
                    ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(testhost_message(host), message);
    CU_ASSERT_FALSE(testhost_did(host, "pg"));
}

static void test_credit_names_the_bad_field(void)
{
    struct testhost *host = open_wallet();
    Atlas__Wallet__V1__CreditBalanceRequest req = credit_request();
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

/* --- Debit --------------------------------------------------------------------------------------
 */

static void test_debit_posts_a_journal(void)
{
    struct testhost *host = open_wallet();
    Atlas__Wallet__V1__DebitBalanceRequest req = debit_request();
    Atlas__Wallet__V1__DebitBalanceResponse *res = NULL;
    char euro[] = "EUR";

    atlas__wallet__v1__debit_balance_request__set_currency(&req, euro);
    script_posted(host, "wallet_debit", 0);
    CU_ASSERT_EQUAL_FATAL(atlas_wallet_v1_wallet_debit_balance(testhost_caller(host), &req, &res),
                          ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(res->journal_id, JOURNAL);
    CU_ASSERT_EQUAL(res->balance_minor, 0);
    CU_ASSERT_STRING_EQUAL(res->currency, "EUR");
    CU_ASSERT(testhost_did(host, "pg wallet_debit user/alice/EUR world/alice/EUR 500 top-up 1 "));
    testhost_close(host);
}

static void test_debit_repeated_returns_the_first_outcome(void)
{
    struct testhost *host = open_wallet();
    Atlas__Wallet__V1__DebitBalanceRequest req = debit_request();
    Atlas__Wallet__V1__DebitBalanceResponse *res = NULL;

    /* The balance does not cover it any more, but it was posted when it did. */
    testhost_pg_rows(host, "wallet_debit", ATLAS_PG_NO_PARAMS);
    script_outcome(host, 0, JOURNAL, 500, 20);
    CU_ASSERT_EQUAL_FATAL(atlas_wallet_v1_wallet_debit_balance(testhost_caller(host), &req, &res),
                          ATLAS_OK);
    CU_ASSERT_EQUAL(res->balance_minor, 20);
    CU_ASSERT(testhost_did(host, "pg wallet_outcome 2 "));
    testhost_close(host);
}

static void test_debit_does_not_overdraw(void)
{
    struct testhost *host = open_wallet();
    Atlas__Wallet__V1__DebitBalanceRequest req = debit_request();
    Atlas__Wallet__V1__DebitBalanceResponse *res = NULL;

    testhost_pg_rows(host, "wallet_debit", ATLAS_PG_NO_PARAMS);
    script_outcome(host, 499, NULL, 0, 0);
    CU_ASSERT_EQUAL(atlas_wallet_v1_wallet_debit_balance(testhost_caller(host), &req, &res),
                    ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_STRING_EQUAL(testhost_message(host),
                           "amount_minor: the balance of user alice, 499 USD of which 0 are held, "
                           "does not cover 500");
    testhost_close(host);
}

static void test_debit_of_an_unknown_user(void)
{
    struct testhost *host = open_wallet();
    Atlas__Wallet__V1__DebitBalanceRequest req = debit_request();
    Atlas__Wallet__V1__DebitBalanceResponse *res = NULL;

    testhost_pg_rows(host, "wallet_debit", ATLAS_PG_NO_PARAMS);
    testhost_pg_rows(host, "wallet_outcome", ATLAS_PG_NO_PARAMS);
    CU_ASSERT_EQUAL(atlas_wallet_v1_wallet_debit_balance(testhost_caller(host), &req, &res),
                    ATLAS_NOT_FOUND);
    CU_ASSERT_STRING_EQUAL(testhost_message(host),
                           "user_id: alice has no account in USD; the first credit opens it");
    testhost_close(host);
}

/* --- Balance ------------------------------------------------------------------------------------
 */

static void test_balance(void)
{
    struct testhost *host = open_wallet();
    Atlas__Wallet__V1__GetBalanceRequest req = ATLAS__WALLET__V1__GET_BALANCE_REQUEST__INIT;
    Atlas__Wallet__V1__GetBalanceResponse *res = NULL;

    req.user_id = user;
    testhost_pg_rows(host, "wallet_balance", ATLAS_PG_PARAMS(atlas_pg_int8(70), atlas_pg_int8(20)));
    CU_ASSERT_EQUAL_FATAL(atlas_wallet_v1_wallet_get_balance(testhost_caller(host), &req, &res),
                          ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(res->user_id, "alice");
    CU_ASSERT_EQUAL(res->balance_minor, 70);
    CU_ASSERT_EQUAL(res->held_minor, 20);
    CU_ASSERT_STRING_EQUAL(res->currency, "USD");
    testhost_pg_rows(host, "wallet_balance", ATLAS_PG_NO_PARAMS);
    CU_ASSERT_EQUAL(atlas_wallet_v1_wallet_get_balance(testhost_caller(host), &req, &res),
                    ATLAS_NOT_FOUND);
    testhost_close(host);
}

/* --- Charges ------------------------------------------------------------------------------------
 */

static struct atlas_kafka_record order_record(struct testhost *host, int status, int64_t price,
                                              const char *currency)
{
    Atlas__Events__V1__OrderEvent event = ATLAS__EVENTS__V1__ORDER_EVENT__INIT;
    struct atlas_bytes bytes = {0};
    char order[] = ORDER;

    event.order_id = order;
    event.passenger_id = user;
    event.status = (Atlas__Order__V1__OrderStatus)status;
    event.price_minor = price;
    event.currency = atlas_strdup(testhost_caller(host), currency);
    CU_ASSERT_EQUAL_FATAL(
        atlas__events__v1__order_event__encode(testhost_caller(host), &event, &bytes), ATLAS_OK);
    return testhost_record(ORDER, bytes);
}

#define MATCHED  ATLAS__ORDER__V1__ORDER_STATUS__MATCHED
#define FINISHED ATLAS__ORDER__V1__ORDER_STATUS__FINISHED

static void script_charged(struct testhost *host)
{
    testhost_pg_rows(host, "wallet_charge", ATLAS_PG_PARAMS(atlas_pg_int8(1)));
}

static void test_finished_order_is_charged(void)
{
    struct testhost *host = open_wallet();
    struct atlas_kafka_record records[2] = {order_record(host, MATCHED, 700, "USD"),
                                            order_record(host, FINISHED, 700, "USD")};
    atlas_status_t statuses[2];
    size_t count;

    script_charged(host);
    CU_ASSERT_EQUAL(testhost_consume(host, "charge_orders", records, 2, statuses), ATLAS_OK);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_OK);
    CU_ASSERT_EQUAL(statuses[1], ATLAS_OK);
    const struct atlas_pg_value *params = testhost_pg_params(host, "wallet_charge", &count);
    CU_ASSERT_EQUAL_FATAL(count, 9);
    CU_ASSERT_EQUAL(params[0].as.array.count, 1);
    CU_ASSERT(atlas_bytes_equal(params[3].as.array.items[0].as.bytes, atlas_str("user/alice/USD")));
    CU_ASSERT(
        atlas_bytes_equal(params[4].as.array.items[0].as.bytes, atlas_str("receivable/alice/USD")));
    CU_ASSERT(atlas_bytes_equal(params[5].as.array.items[0].as.bytes,
                                atlas_str("platform/platform/USD")));
    CU_ASSERT_EQUAL(params[7].as.array.items[0].as.integer, 700);
    testhost_close(host);
}

static void test_order_that_costs_nothing_is_not_charged(void)
{
    struct testhost *host = open_wallet();
    struct atlas_kafka_record record = order_record(host, FINISHED, 0, "USD");
    atlas_status_t status;

    testhost_consume(host, "charge_orders", &record, 1, &status);
    CU_ASSERT_EQUAL(status, ATLAS_OK);
    CU_ASSERT_FALSE(testhost_did(host, "pg"));
    testhost_close(host);
}

static void test_malformed_event_is_refused_alone(void)
{
    struct testhost *host = open_wallet();
    struct atlas_kafka_record records[4] = {
        testhost_record("x", atlas_str("\xff\xff")),
        order_record(host, FINISHED, -1, "USD"),
        order_record(host, FINISHED, 700, "dollars"),
        order_record(host, FINISHED, 700, "USD"),
    };
    atlas_status_t statuses[4];

    script_charged(host);
    testhost_consume(host, "charge_orders", records, 4, statuses);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(statuses[1], ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(testhost_reason(host, 1), "price_minor: less than 0");
    CU_ASSERT_STRING_EQUAL(testhost_reason(host, 2), "currency: no ISO 4217 code");
    CU_ASSERT_EQUAL(statuses[3], ATLAS_OK);
    testhost_close(host);
}

static void test_refused_batch_is_charged_one_by_one(void)
{
    struct testhost *host = open_wallet();
    struct atlas_kafka_record records[2] = {order_record(host, FINISHED, 700, "USD"),
                                            order_record(host, FINISHED, 800, "USD")};
    atlas_status_t statuses[2];

    testhost_pg_fail(host, "wallet_charge", ATLAS_OUT_OF_RANGE, NULL, ATLAS_OUTCOME_NOT_DONE);
    testhost_pg_fail(host, "wallet_charge", ATLAS_OUT_OF_RANGE, NULL, ATLAS_OUTCOME_NOT_DONE);
    script_charged(host);
    testhost_consume(host, "charge_orders", records, 2, statuses);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_EQUAL(statuses[1], ATLAS_OK);
    testhost_close(host);
}

static void test_charge_comes_again_while_the_database_is_away(void)
{
    struct testhost *host = open_wallet();
    struct atlas_kafka_record records[2] = {order_record(host, FINISHED, 700, "USD"),
                                            order_record(host, FINISHED, 800, "USD")};
    atlas_status_t statuses[2];

    testhost_pg_fail(host, "wallet_charge", ATLAS_UNAVAILABLE, NULL, ATLAS_OUTCOME_UNKNOWN);
    testhost_consume(host, "charge_orders", records, 2, statuses);
    CU_ASSERT_EQUAL(statuses[0], ATLAS_UNAVAILABLE);
    CU_ASSERT_EQUAL(statuses[1], ATLAS_UNAVAILABLE);
    testhost_close(host);
}

/* --- Faults -------------------------------------------------------------------------------------
 */

static atlas_status_t run_credit(struct testhost *host, void *arg)
{
    Atlas__Wallet__V1__CreditBalanceRequest req = credit_request();
    Atlas__Wallet__V1__CreditBalanceResponse *res = NULL;

    (void)arg;
    testhost_pg_rows(host, "wallet_credit", ATLAS_PG_NO_PARAMS);
    script_outcome(host, 90, JOURNAL, 500, 510);
    return atlas_wallet_v1_wallet_credit_balance(testhost_caller(host), &req, &res);
}

static atlas_status_t run_debit(struct testhost *host, void *arg)
{
    Atlas__Wallet__V1__DebitBalanceRequest req = debit_request();
    Atlas__Wallet__V1__DebitBalanceResponse *res = NULL;

    (void)arg;
    script_posted(host, "wallet_debit", 0);
    return atlas_wallet_v1_wallet_debit_balance(testhost_caller(host), &req, &res);
}

static atlas_status_t run_balance(struct testhost *host, void *arg)
{
    Atlas__Wallet__V1__GetBalanceRequest req = ATLAS__WALLET__V1__GET_BALANCE_REQUEST__INIT;
    Atlas__Wallet__V1__GetBalanceResponse *res = NULL;

    (void)arg;
    req.user_id = user;
    testhost_pg_rows(host, "wallet_balance", ATLAS_PG_PARAMS(atlas_pg_int8(70), atlas_pg_int8(20)));
    return atlas_wallet_v1_wallet_get_balance(testhost_caller(host), &req, &res);
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

/* A record is done, or comes again; it is never refused for a fault of the host. */
static bool verify_comes_again(struct testhost *host, unsigned int failed, atlas_status_t status,
                               void *arg)
{
    (void)host;
    (void)arg;
    return failed == 0 ? status == ATLAS_OK : atlas_status_is_transient(status);
}

static void test_faults_leave_nothing_half_done(void)
{
    struct testhost *host = open_wallet();
    const struct testhost_operation operations[] = {
        {run_credit, testhost_verify_all_or_nothing, NULL},
        {run_debit, testhost_verify_all_or_nothing, NULL},
        {run_balance, testhost_verify_all_or_nothing, NULL},
        {run_charge, verify_comes_again, NULL},
    };

    for (size_t i = 0; i < ATLAS_COUNT(operations); i++) {
        CU_ASSERT_EQUAL(testhost_enumerate_faults(host, &operations[i]), 0);
    }
    testhost_close(host);
}

UNIT_MAIN("wallet", UNIT_TEST(test_credit_posts_a_journal),
          UNIT_TEST(test_credit_repeated_returns_the_first_outcome),
          UNIT_TEST(test_credit_repeated_with_another_amount_is_refused),
          UNIT_TEST(test_credit_beyond_the_ledger_is_refused),
          UNIT_TEST(test_credit_names_the_bad_field), UNIT_TEST(test_debit_posts_a_journal),
          UNIT_TEST(test_debit_repeated_returns_the_first_outcome),
          UNIT_TEST(test_debit_does_not_overdraw), UNIT_TEST(test_debit_of_an_unknown_user),
          UNIT_TEST(test_balance), UNIT_TEST(test_finished_order_is_charged),
          UNIT_TEST(test_order_that_costs_nothing_is_not_charged),
          UNIT_TEST(test_malformed_event_is_refused_alone),
          UNIT_TEST(test_refused_batch_is_charged_one_by_one),
          UNIT_TEST(test_charge_comes_again_while_the_database_is_away),
          UNIT_TEST(test_faults_leave_nothing_half_done))
