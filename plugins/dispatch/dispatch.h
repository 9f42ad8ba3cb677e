/* The instance of the dispatch plugin. */
#ifndef PLUGINS_DISPATCH_DISPATCH_H
#define PLUGINS_DISPATCH_DISPATCH_H

#include "atlas/dispatch/v1/dispatch.atlas.h"

/* The configuration; made by create, never changed. */
struct dispatch {
    double search_radius_km;
    int32_t candidates_first; /* drivers to ask Tracker for, and again if all of them are busy */
    int32_t candidates_limit;
    int64_t lease_us;
    int64_t lease_grace_us;
    char *ride_topic; /* where the outbox goes */
};

/* The instance that serves a call. */
static inline const struct dispatch *dispatch_of(const struct atlas_call *call)
{
    return call->instance;
}

/* follow_orders.c: the consumer of order events. */
atlas_status_t dispatch_follow_orders(struct atlas_call *call,
                                      const struct atlas_kafka_record *const *records, size_t count,
                                      atlas_status_t *statuses);

/* expire_reservations.c: one round of the sweeper. */
atlas_status_t dispatch_expire_reservations(struct atlas_call *call);

#endif
