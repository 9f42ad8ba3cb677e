/* Where a driver was and when; what is checked of it at the edge and again for records of Kafka. */
#ifndef PLUGINS_TRACKER_POSITION_H
#define PLUGINS_TRACKER_POSITION_H

#include "atlas/sdk.h"

/* The geographic index of Redis covers the world up to here (Web Mercator), degrees. */
#define POSITION_LATITUDE_LIMIT 85.05

struct position {
    const char *driver_id;
    double latitude;
    double longitude;
    int64_t seen_us;
    double distance_km; /* from the point of a search */
};

/* A point that was given, is on earth and inside the index. Returns INVALID_ARGUMENT and names the
 * field. [call] */
atlas_status_t position_check_point(struct atlas_call *call, bool has_latitude, double latitude,
                                    bool has_longitude, double longitude);

/* A time not further ahead of the clock than the configuration allows. [call] */
atlas_status_t position_check_time(struct atlas_call *call, int64_t seen_us);

/* The driver was heard of recently enough to be shown. [call] */
bool position_is_fresh(struct atlas_call *call, int64_t seen_us);

#endif
