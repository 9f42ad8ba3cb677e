/* POST /customer/order: handed on to Order as it is. */
#include "atlas/gateway/v1/gateway.atlas.h"

atlas_status_t gateway_create_order(struct atlas_call *call,
                                    const Atlas__Order__V1__CreateOrderRequest *req,
                                    Atlas__Order__V1__CreateOrderResponse *ret_res)
{
    Atlas__Order__V1__CreateOrderResponse *res;

    atlas_status_t status = atlas_order_v1_order_create_order(call, req, &res);
    if (status == ATLAS_OK) {
        *ret_res = *res;
    }
    return status;
}
