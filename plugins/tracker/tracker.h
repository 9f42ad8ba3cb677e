/* The instance of the tracker: its configuration, immutable after create. */
#ifndef PLUGINS_TRACKER_TRACKER_H
#define PLUGINS_TRACKER_TRACKER_H

#include "atlas/sdk.h"

struct tracker {
    char *gps_topic;
    int64_t fresh_us;       /* a driver not heard of for longer is left out */
    int64_t clock_ahead_us; /* how far in the future a position may lie */
    double default_radius_km;
    double radius_limit_km;
    double first_radius_km; /* where a search begins */
    int64_t default_limit;
    int64_t limit_limit;
    int64_t candidates_limit; /* drivers that one step of a search may look at */
    int64_t expire_batch;
};

static inline const struct tracker *tracker_of(struct atlas_call *call)
{
    return (const struct tracker *)call->instance;
}

/* index_positions.c: the consumer of positions. */
atlas_status_t tracker_index_positions(struct atlas_call *call,
                                       const struct atlas_kafka_record *const *records,
                                       size_t count, atlas_status_t *statuses);

/* expire_drivers.c: one round of forgetting. */
atlas_status_t tracker_expire_drivers(struct atlas_call *call);

#endif
