/* CreditBalance: money from outside comes to a user. */
#include "wallet/movement.h"
#include "wallet/wallet.h"

atlas_status_t wallet_credit_balance(struct atlas_call *call,
                                     const Atlas__Wallet__V1__CreditBalanceRequest *req,
                                     Atlas__Wallet__V1__CreditBalanceResponse *ret_res)
{
    struct wallet_movement movement = {
        .user_id = req->user_id,
        .amount_minor = req->amount_minor,
        .currency = ATLAS_HAS_FIELD(req, currency) ? req->currency : NULL,
        .reference_id = req->reference_id,
    };
    struct wallet_posting posting;

    atlas_status_t status = movement_post(call, WALLET_CREDIT, &movement, &posting);
    if (status != ATLAS_OK) {
        return status;
    }
    ret_res->journal_id = posting.journal_id;
    ret_res->balance_minor = posting.balance_minor;
    ret_res->currency = (char *)(uintptr_t)movement.currency;
    return ATLAS_OK;
}
