/* The ledger that the wallet plugin sees in its tests, and what it is asked. What the ledger's
 * statements do is tested on PostgreSQL: tests/system. */
#ifndef TESTS_WALLET_SCRIPT_H
#define TESTS_WALLET_SCRIPT_H

#include "atlas/events/v1/events.atlas.h"
#include "atlas/wallet/v1/wallet.atlas.h"
#include "plugin_test.h"

#define JOURNAL  "01890a5d-ac96-774b-bcce-b302099a8057"
#define ORDER    "01890a5d-ac96-774b-bcce-b302099a8058"
#define MATCHED  ATLAS__ORDER__V1__ORDER_STATUS__MATCHED
#define FINISHED ATLAS__ORDER__V1__ORDER_STATUS__FINISHED

extern char user[]; /* of all requests and records: alice */

typedef Atlas__Wallet__V1__CreditBalanceRequest CreditRequest;
typedef Atlas__Wallet__V1__CreditBalanceResponse CreditResponse;
typedef Atlas__Wallet__V1__DebitBalanceRequest DebitRequest;
typedef Atlas__Wallet__V1__DebitBalanceResponse DebitResponse;
typedef Atlas__Wallet__V1__GetBalanceRequest BalanceRequest;
typedef Atlas__Wallet__V1__GetBalanceResponse BalanceResponse;

/* Valid requests for 500, with the same reference, and their calls. */
CreditRequest credit_request(void);
DebitRequest debit_request(void);
atlas_status_t credit(struct testhost *host, const CreditRequest *req, CreditResponse **ret_res);
atlas_status_t debit(struct testhost *host, const DebitRequest *req, DebitResponse **ret_res);

/* GetBalance of user. */
atlas_status_t get_balance(struct testhost *host, BalanceResponse **ret_res);

/* The statement posts JOURNAL. */
void script_posted(struct testhost *host, const char *statement, int64_t balance);

/* What a reference became: journal NULL for nothing. */
void script_outcome(struct testhost *host, int64_t balance, const char *journal, int64_t amount,
                    int64_t balance_after);

/* A batch is charged. */
void script_charged(struct testhost *host);

/* A record of order-events, of ORDER. */
struct atlas_kafka_record order_record(struct testhost *host, int status, int64_t price,
                                       const char *currency);

#endif
