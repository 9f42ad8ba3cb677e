/* POST /customer/ride/request: handed on to Dispatch as it is. */
#include "atlas/gateway/v1/gateway.atlas.h"

atlas_status_t gateway_request_ride(struct atlas_call *call,
                                    const Atlas__Dispatch__V1__RequestRideRequest *req,
                                    Atlas__Dispatch__V1__RequestRideResponse *ret_res)
{
    Atlas__Dispatch__V1__RequestRideResponse *res;

    atlas_status_t status = atlas_dispatch_v1_dispatch_request_ride(call, req, &res);
    if (status == ATLAS_OK) {
        *ret_res = *res;
    }
    return status;
}
