/* POST /driver/location: handed on to Tracker as it is. */
#include "atlas/gateway/v1/gateway.atlas.h"

atlas_status_t gateway_update_location(struct atlas_call *call,
                                       const Atlas__Tracker__V1__UpdateLocationRequest *req,
                                       Atlas__Tracker__V1__UpdateLocationResponse *ret_res)
{
    Atlas__Tracker__V1__UpdateLocationResponse *res;

    atlas_status_t status = atlas_tracker_v1_tracker_update_location(call, req, &res);
    if (status == ATLAS_OK) {
        *ret_res = *res;
    }
    return status;
}
