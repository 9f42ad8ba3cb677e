/* GetBalance: what a user has. */
#include "common/fields.h"
#include "wallet/movement.h"
#include "wallet/wallet.h"

atlas_status_t wallet_get_balance(struct atlas_call *call,
                                  const Atlas__Wallet__V1__GetBalanceRequest *req,
                                  Atlas__Wallet__V1__GetBalanceResponse *ret_res)
{
    const char *currency = ATLAS_HAS_FIELD(req, currency) ? req->currency : NULL;
    struct wallet_balance balance;

    atlas_status_t status = fields_check_id(call, "user_id", req->user_id);
    if (status == ATLAS_OK) {
        status = movement_currency(call, currency, &currency);
    }
    if (status != ATLAS_OK) {
        return status;
    }
    status = wallet_store_balance(call, req->user_id, currency, &balance);
    if (status == ATLAS_NOT_FOUND) {
        return movement_no_account(call, req->user_id, currency);
    }
    if (status != ATLAS_OK) {
        return status;
    }
    ret_res->user_id = req->user_id;
    ret_res->balance_minor = balance.balance_minor;
    ret_res->held_minor = balance.held_minor;
    ret_res->currency = (char *)(uintptr_t)currency;
    return ATLAS_OK;
}
