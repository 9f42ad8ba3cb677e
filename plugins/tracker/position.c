/* The rules of a position, the same for calls and for records. */
#include "tracker/position.h"

#include <math.h>

#include "common/fields.h"
#include "tracker/tracker.h"

atlas_status_t position_check_point(struct atlas_call *call, bool has_latitude, double latitude,
                                    bool has_longitude, double longitude)
{
    atlas_status_t status = fields_check_latitude(call, "latitude", has_latitude, latitude);
    if (status == ATLAS_OK) {
        status = fields_check_longitude(call, "longitude", has_longitude, longitude);
    }
    if (status == ATLAS_OK && fabs(latitude) > POSITION_LATITUDE_LIMIT) {
        status = atlas_fail(call, ATLAS_INVALID_ARGUMENT,
                            "latitude: positions beyond %.2f degrees are not indexed",
                            POSITION_LATITUDE_LIMIT);
    }
    return status;
}

atlas_status_t position_check_time(struct atlas_call *call, int64_t seen_us)
{
    const struct tracker *tracker = tracker_of(call);

    if (seen_us < 0) {
        return atlas_fail(call, ATLAS_INVALID_ARGUMENT,
                          "timestamp: must be a time from 1970 on, as RFC 3339 writes it");
    }
    if (seen_us > atlas_now_us(call) + tracker->clock_ahead_us) {
        return atlas_fail(call, ATLAS_INVALID_ARGUMENT,
                          "timestamp: lies more than %lld s in the future: set the sender's clock",
                          (long long)(tracker->clock_ahead_us / 1000000));
    }
    return ATLAS_OK;
}

bool position_is_fresh(struct atlas_call *call, int64_t seen_us)
{
    return seen_us >= atlas_now_us(call) - tracker_of(call)->fresh_us;
}
