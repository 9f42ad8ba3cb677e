/* Tracker without a broker: takes every position at once, so that what is measured is the way
 * there. */
#include "atlas/tracker/v1/tracker.atlas.h"

ATLAS_PLUGIN_MANIFEST("tracker_constant", "0.1.0", ATLAS_TRACKER_V1_TRACKER_SERVICE);

atlas_status_t tracker_update_location(struct atlas_call *call,
                                       const Atlas__Tracker__V1__UpdateLocationRequest *req,
                                       Atlas__Tracker__V1__UpdateLocationResponse *ret_res)
{
    if (!ATLAS_HAS_FIELD(req, latitude) || !ATLAS_HAS_FIELD(req, longitude)) {
        return atlas_fail(call, ATLAS_INVALID_ARGUMENT, "latitude and longitude: must be given");
    }
    ret_res->accepted = true;
    return ATLAS_OK;
}

atlas_status_t tracker_get_nearby_drivers(struct atlas_call *call,
                                          const Atlas__Tracker__V1__GetNearbyDriversRequest *req,
                                          Atlas__Tracker__V1__GetNearbyDriversResponse *ret_res)
{
    (void)call;
    (void)req;
    (void)ret_res; /* nobody is near */
    return ATLAS_OK;
}

atlas_status_t tracker_get_driver_location(struct atlas_call *call,
                                           const Atlas__Tracker__V1__GetDriverLocationRequest *req,
                                           Atlas__Tracker__V1__GetDriverLocationResponse *ret_res)
{
    (void)ret_res;
    return atlas_fail(call, ATLAS_NOT_FOUND, "driver %s", req->driver_id);
}

static const struct atlas_service *const services[] = {&tracker_service};

static const struct atlas_plugin plugin = {
    .size = sizeof plugin,
    .services = services,
    .service_count = ATLAS_COUNT(services),
};
ATLAS_PLUGIN_DEFINE(plugin);
