/* PUT /driver/order/status: handed on to Order as it is. */
#include "atlas/gateway/v1/gateway.atlas.h"

atlas_status_t gateway_update_order_status(struct atlas_call *call,
                                           const Atlas__Order__V1__UpdateOrderStatusRequest *req,
                                           Atlas__Order__V1__UpdateOrderStatusResponse *ret_res)
{
    Atlas__Order__V1__UpdateOrderStatusResponse *res;

    atlas_status_t status = atlas_order_v1_order_update_order_status(call, req, &res);
    if (status == ATLAS_OK) {
        *ret_res = *res;
    }
    return status;
}
