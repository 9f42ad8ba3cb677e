/* GetDriverLocation: the last known position of one driver. */
#include "atlas/tracker/v1/tracker.atlas.h"
#include "common/fields.h"
#include "tracker/position.h"
#include "tracker/store.h"

atlas_status_t tracker_get_driver_location(struct atlas_call *call,
                                           const Atlas__Tracker__V1__GetDriverLocationRequest *req,
                                           Atlas__Tracker__V1__GetDriverLocationResponse *ret_res)
{
    struct position position;

    atlas_status_t status = fields_check_id(call, "driver_id", req->driver_id);
    if (status == ATLAS_OK) {
        status = store_find(call, req->driver_id, &position);
    }
    if (status != ATLAS_OK) {
        return status;
    }
    if (!position_is_fresh(call, position.seen_us)) {
        return atlas_fail(call, ATLAS_NOT_FOUND, "driver %s was not heard of lately",
                          req->driver_id);
    }
    ret_res->driver_id = req->driver_id;
    ret_res->latitude = position.latitude;
    ret_res->longitude = position.longitude;
    ret_res->updated_at = fields_time_new(call, position.seen_us);
    return ret_res->updated_at != NULL ? ATLAS_OK : atlas_no_memory(call);
}
