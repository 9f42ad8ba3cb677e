/* GET /customer/wallet: handed on to Wallet as it is. */
#include "atlas/gateway/v1/gateway.atlas.h"

atlas_status_t gateway_get_wallet(struct atlas_call *call,
                                  const Atlas__Wallet__V1__GetBalanceRequest *req,
                                  Atlas__Wallet__V1__GetBalanceResponse *ret_res)
{
    Atlas__Wallet__V1__GetBalanceResponse *res;

    atlas_status_t status = atlas_wallet_v1_wallet_get_balance(call, req, &res);
    if (status == ATLAS_OK) {
        *ret_res = *res;
    }
    return status;
}
