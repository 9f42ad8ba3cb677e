#include "wallet/movement.h"

#include "common/fields.h"
#include "wallet/wallet.h"

atlas_status_t movement_currency(struct atlas_call *call, const char *given,
                                 const char **ret_currency)
{
    if (given != NULL && !fields_is_currency(given)) {
        return atlas_fail(call, ATLAS_INVALID_ARGUMENT,
                          "currency: must be an ISO 4217 code, three capital letters");
    }
    *ret_currency = given != NULL ? given : wallet_of(call)->currency;
    return ATLAS_OK;
}

static atlas_status_t check(struct atlas_call *call, struct wallet_movement *movement)
{
    atlas_status_t status = fields_check_id(call, "user_id", movement->user_id);

    if (status == ATLAS_OK && movement->amount_minor <= 0) {
        status = atlas_fail(call, ATLAS_INVALID_ARGUMENT, "amount_minor: must be more than 0");
    }
    if (status == ATLAS_OK) {
        status = movement_currency(call, movement->currency, &movement->currency);
    }
    if (status == ATLAS_OK) {
        status = fields_check_id(call, "reference_id", movement->reference_id);
    }
    return status;
}

/* After a movement was not posted: what its reference became first, or why it became nothing. */
static atlas_status_t first_outcome(struct atlas_call *call, enum wallet_kind kind,
                                    const struct wallet_movement *movement,
                                    struct wallet_posting *ret_posting)
{
    struct wallet_balance balance;

    atlas_status_t status = wallet_store_outcome(call, kind, movement, &balance, ret_posting);
    if (status == ATLAS_NOT_FOUND) {
        return movement_no_account(call, movement->user_id, movement->currency);
    }
    if (status != ATLAS_OK) {
        return status;
    }
    if (ret_posting->journal_id == NULL) {
        return atlas_fail(call, ATLAS_FAILED_PRECONDITION,
                          "amount_minor: the balance of user %s, %lld %s of which %lld are held, "
                          "does not cover %lld",
                          movement->user_id, (long long)balance.balance_minor, movement->currency,
                          (long long)balance.held_minor, (long long)movement->amount_minor);
    }
    if (ret_posting->amount_minor != movement->amount_minor) {
        return atlas_fail(call, ATLAS_ALREADY_EXISTS,
                          "reference_id: %s was used before with another amount",
                          movement->reference_id);
    }
    return ATLAS_OK;
}

atlas_status_t movement_post(struct atlas_call *call, enum wallet_kind kind,
                             struct wallet_movement *movement, struct wallet_posting *ret_posting)
{
    bool is_posted;

    atlas_status_t status = check(call, movement);
    if (status == ATLAS_OK) {
        status = kind == WALLET_CREDIT
                     ? wallet_store_credit(call, movement, ret_posting, &is_posted)
                     : wallet_store_debit(call, movement, ret_posting, &is_posted);
    }
    if (status == ATLAS_OK && !is_posted) {
        status = first_outcome(call, kind, movement, ret_posting);
    }
    return status;
}

atlas_status_t movement_no_account(struct atlas_call *call, const char *user_id,
                                   const char *currency)
{
    return atlas_fail(call, ATLAS_NOT_FOUND,
                      "user_id: %s has no account in %s; the first credit opens it", user_id,
                      currency);
}
