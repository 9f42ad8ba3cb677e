#include "wallet_script.h"

char user[] = "alice";
static char reference[] = "top-up 1";

CreditRequest credit_request(void)
{
    CreditRequest req = ATLAS__WALLET__V1__CREDIT_BALANCE_REQUEST__INIT;

    req.user_id = user;
    req.amount_minor = 500;
    req.reference_id = reference;
    return req;
}

DebitRequest debit_request(void)
{
    DebitRequest req = ATLAS__WALLET__V1__DEBIT_BALANCE_REQUEST__INIT;

    req.user_id = user;
    req.amount_minor = 500;
    req.reference_id = reference;
    return req;
}

atlas_status_t credit(struct testhost *host, const CreditRequest *req, CreditResponse **ret_res)
{
    return atlas_wallet_v1_wallet_credit_balance(testhost_caller(host), req, ret_res);
}

atlas_status_t debit(struct testhost *host, const DebitRequest *req, DebitResponse **ret_res)
{
    return atlas_wallet_v1_wallet_debit_balance(testhost_caller(host), req, ret_res);
}

atlas_status_t get_balance(struct testhost *host, BalanceResponse **ret_res)
{
    BalanceRequest req = ATLAS__WALLET__V1__GET_BALANCE_REQUEST__INIT;

    req.user_id = user;
    return atlas_wallet_v1_wallet_get_balance(testhost_caller(host), &req, ret_res);
}

void script_posted(struct testhost *host, const char *statement, int64_t balance)
{
    testhost_pg_rows(host, statement,
                     ATLAS_PG_PARAMS(atlas_pg_uuid(JOURNAL), atlas_pg_int8(balance)));
}

void script_outcome(struct testhost *host, int64_t balance, const char *journal, int64_t amount,
                    int64_t balance_after)
{
    bool is_posted = journal != NULL;

    testhost_pg_rows(host, "wallet_outcome",
                     ATLAS_PG_PARAMS(atlas_pg_int8(balance), atlas_pg_int8(0),
                                     atlas_pg_uuid(journal),
                                     is_posted ? atlas_pg_int8(amount) : atlas_pg_null(),
                                     is_posted ? atlas_pg_int8(balance_after) : atlas_pg_null()));
}

void script_charged(struct testhost *host)
{
    testhost_pg_rows(host, "wallet_charge", ATLAS_PG_PARAMS(atlas_pg_int8(1)));
}

struct atlas_kafka_record order_record(struct testhost *host, int status, int64_t price,
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
