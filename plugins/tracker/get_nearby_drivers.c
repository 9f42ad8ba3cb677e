/*
 * GetNearbyDrivers: searched outward from a small circle. Redis sorts every driver in the circle
 * that it is asked for, so in a dense city a small one that is enough is a hundred times cheaper.
 * Near the poles, where no position is indexed, there is nobody: that is an answer, not a failure.
 */
#include <math.h>

#include "atlas/tracker/v1/tracker.atlas.h"
#include "common/fields.h"
#include "tracker/position.h"
#include "tracker/store.h"
#include "tracker/tracker.h"

typedef Atlas__Tracker__V1__GetNearbyDriversRequest Request;
typedef Atlas__Tracker__V1__GetNearbyDriversResponse Response;
typedef Atlas__Tracker__V1__NearbyDriver Driver;

struct search {
    struct position center;
    double radius_km;
    size_t limit;
};

static atlas_status_t read_bounds(struct atlas_call *call, const Request *req,
                                  struct search *ret_search)
{
    const struct tracker *tracker = tracker_of(call);
    double radius_km =
        ATLAS_HAS_FIELD(req, radius_km) ? req->radius_km : tracker->default_radius_km;
    int64_t limit = ATLAS_HAS_FIELD(req, limit) ? req->limit : tracker->default_limit;

    if (!(radius_km > 0 && radius_km <= tracker->radius_limit_km)) {
        return atlas_fail(call, ATLAS_INVALID_ARGUMENT,
                          "radius_km: must be more than 0 and at most %g",
                          tracker->radius_limit_km);
    }
    if (limit < 1 || limit > tracker->limit_limit) {
        return atlas_fail(call, ATLAS_INVALID_ARGUMENT, "limit: must be from 1 to %lld",
                          (long long)tracker->limit_limit);
    }
    ret_search->center.latitude = req->latitude;
    ret_search->center.longitude = req->longitude;
    ret_search->radius_km = radius_km;
    ret_search->limit = (size_t)limit;
    return ATLAS_OK;
}

/* Keeps the fresh of the found, at most the limit, in order; returns how many. */
static size_t keep_fresh(struct atlas_call *call, const struct search *search,
                         struct position *found, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count && kept < search->limit; i++) {
        if (position_is_fresh(call, found[i].seen_us)) {
            found[kept++] = found[i];
        }
    }
    return kept;
}

/* Doubles the circle until it holds enough fresh drivers. If drivers that are outdated fill the
 * answer, the circle is right and more of it must be looked at. */
static atlas_status_t search_outward(struct atlas_call *call, const struct search *search,
                                     struct position **ret_found, size_t *ret_count)
{
    const struct tracker *tracker = tracker_of(call);
    size_t candidates_limit = (size_t)tracker->candidates_limit;
    size_t candidates = search->limit;
    double radius_km = fmin(tracker->first_radius_km, search->radius_km);

    for (;;) {
        size_t count;

        atlas_status_t status =
            store_search(call, &search->center, radius_km, candidates, ret_found, &count);
        if (status != ATLAS_OK) {
            return status;
        }
        *ret_count = keep_fresh(call, search, *ret_found, count);
        if (*ret_count == search->limit) {
            return ATLAS_OK;
        }
        if (count == candidates && candidates < candidates_limit) {
            candidates = candidates * 4 < candidates_limit ? candidates * 4 : candidates_limit;
        } else if (count < candidates && radius_km < search->radius_km) {
            radius_km = fmin(radius_km * 2, search->radius_km);
        } else {
            return ATLAS_OK;
        }
    }
}

static Driver *make_driver(struct atlas_call *call, const struct position *position)
{
    Driver *driver = ATLAS_NEW(call, Driver, 1);

    if (driver == NULL) {
        return NULL;
    }
    atlas__tracker__v1__nearby_driver__init(driver);
    driver->driver_id = (char *)(uintptr_t)position->driver_id;
    driver->latitude = position->latitude;
    driver->longitude = position->longitude;
    driver->distance_km = position->distance_km;
    driver->updated_at = fields_time_new(call, position->seen_us);
    return driver->updated_at != NULL ? driver : NULL;
}

static atlas_status_t fill_reply(struct atlas_call *call, const struct position *found,
                                 size_t count, Response *ret_res)
{
    ret_res->drivers = ATLAS_NEW(call, Driver *, count);
    if (ret_res->drivers == NULL) {
        return atlas_no_memory(call);
    }
    for (size_t i = 0; i < count; i++) {
        ret_res->drivers[i] = make_driver(call, &found[i]);
        if (ret_res->drivers[i] == NULL) {
            return atlas_no_memory(call);
        }
    }
    ret_res->n_drivers = count;
    return ATLAS_OK;
}

atlas_status_t tracker_get_nearby_drivers(struct atlas_call *call, const Request *req,
                                          Response *ret_res)
{
    struct search search = {0};
    struct position *found = NULL;
    size_t count = 0;

    atlas_status_t status =
        fields_check_latitude(call, "latitude", ATLAS_HAS_FIELD(req, latitude), req->latitude);
    if (status == ATLAS_OK) {
        status = fields_check_longitude(call, "longitude", ATLAS_HAS_FIELD(req, longitude),
                                        req->longitude);
    }
    if (status == ATLAS_OK) {
        status = read_bounds(call, req, &search);
    }
    if (status == ATLAS_OK && fabs(req->latitude) <= POSITION_LATITUDE_LIMIT) {
        status = search_outward(call, &search, &found, &count);
    }
    return status == ATLAS_OK ? fill_reply(call, found, count, ret_res) : status;
}
