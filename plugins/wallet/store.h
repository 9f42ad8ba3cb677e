/* All SQL of the wallet plugin: the ledger. */
#ifndef PLUGINS_WALLET_STORE_H
#define PLUGINS_WALLET_STORE_H

#include "atlas/sdk.h"

/* What the plugin declares to the host: migrations and statements. */
extern const struct atlas_pg_schema wallet_schema;

/* What a journal is about; part of what makes its reference unique. */
enum wallet_kind {
    WALLET_CREDIT = 1,
    WALLET_DEBIT = 2,
    WALLET_CHARGE = 3,
};

/* Money that a user wants moved. Borrowed. */
struct wallet_movement {
    const char *user_id;
    const char *currency;
    int64_t amount_minor; /* more than 0 */
    const char *reference_id;
};

/* A journal that is in the ledger. */
struct wallet_posting {
    char *journal_id; /* in the arena */
    int64_t amount_minor;
    int64_t balance_minor; /* of the user, right after it */
};

/* What a user has. */
struct wallet_balance {
    int64_t balance_minor;
    int64_t held_minor;
};

/* An order to charge. Borrowed. */
struct wallet_charge {
    const char *order_id;
    const char *passenger_id;
    const char *currency;
    int64_t price_minor; /* more than 0 */
};

/* Posts a journal: world -> user, opening both accounts where needed; or user -> world. false: not
 * posted, because its reference was used before or (debit) because the user has no account or
 * not enough. FAILED_PRECONDITION: the balance would exceed what a ledger can hold.
 * [call] [waits] */
atlas_status_t wallet_store_credit(struct atlas_call *call, const struct wallet_movement *movement,
                                   struct wallet_posting *ret_posting, bool *ret_is_posted);
atlas_status_t wallet_store_debit(struct atlas_call *call, const struct wallet_movement *movement,
                                  struct wallet_posting *ret_posting, bool *ret_is_posted);

/* What became of a reference: the user's balance now, and the journal, if there is one (else
 * journal_id NULL). NOT_FOUND, without a message of its own: no account. [call] [waits] */
atlas_status_t wallet_store_outcome(struct atlas_call *call, enum wallet_kind kind,
                                    const struct wallet_movement *movement,
                                    struct wallet_balance *ret_balance,
                                    struct wallet_posting *ret_posting);

/* A user's balance. NOT_FOUND without a message of its own. [call] [waits] */
atlas_status_t wallet_store_balance(struct atlas_call *call, const char *user_id,
                                    const char *currency, struct wallet_balance *ret_balance);

/* Charges orders that were not charged yet, all in one transaction: what the passenger's balance
 * covers from there, the rest to what the passenger owes, the sum to the platform. [call] [waits]
 */
atlas_status_t wallet_store_charge(struct atlas_call *call, const struct wallet_charge *charges,
                                   size_t count);

#endif
