/* All SQL of the dispatch plugin: reservations of drivers. */
#ifndef PLUGINS_DISPATCH_STORE_H
#define PLUGINS_DISPATCH_STORE_H

#include "atlas/sdk.h"

/* What the plugin declares to the host: migrations and statements. */
extern const struct atlas_pg_schema dispatch_schema;

/* A driver of a ride; texts lie in the arena. */
struct dispatch_reservation {
    char *passenger_id;
    char *driver_id;
    double distance_km;
};

/* A ride that wants a driver. Borrowed. */
struct dispatch_ride {
    const char *ride_id;
    const char *passenger_id;
    int64_t now_us;
    int64_t lease_until_us;
};

/* A driver who might take it, and the event that tells of it. Borrowed. */
struct dispatch_candidate {
    const char *driver_id;
    double distance_km;
    struct atlas_bytes event;
};

/* A ride and its driver, as an event or a list of overdue ones names them. */
struct dispatch_pair {
    const char *ride_id;
    const char *driver_id;
};

enum dispatch_choice {
    DISPATCH_RESERVED,  /* a driver is reserved, and the event is in the outbox */
    DISPATCH_NONE_FREE, /* none of the candidates is free */
    DISPATCH_LOST,      /* another request was faster; nothing was written */
};

/* The driver that a ride has or had; NOT_FOUND, without a message of its own, if there is none or
 * only expired ones. [call] [waits] */
atlas_status_t dispatch_store_find(struct atlas_call *call, const char *ride_id,
                                   struct dispatch_reservation *ret_reservation);

/* Reserves the first free candidate. ret_reservation is set with DISPATCH_RESERVED only.
 * [call] [waits] */
atlas_status_t dispatch_store_reserve(struct atlas_call *call, const struct dispatch_ride *ride,
                                      const struct dispatch_candidate *candidates, size_t count,
                                      struct dispatch_reservation *ret_reservation,
                                      enum dispatch_choice *ret_choice);

/* The orders of these rides are MATCHED with these drivers: the reservations have no end any more.
 * Or they are over, and the drivers are free. Pairs that are not reserved change nothing.
 * [call] [waits] */
atlas_status_t dispatch_store_confirm(struct atlas_call *call, const struct dispatch_pair *pairs,
                                      size_t count);
atlas_status_t dispatch_store_release(struct atlas_call *call, const struct dispatch_pair *pairs,
                                      size_t count);

/* Reservations that should have been confirmed by a time, longest overdue first, limit of them at
 * most. The pairs lie in the arena. [call] [waits] */
atlas_status_t dispatch_store_overdue(struct atlas_call *call, int64_t before_us, int64_t limit,
                                      struct dispatch_pair **ret_pairs, size_t *ret_count);

/* Ends a reservation that was not confirmed. [call] [waits] */
atlas_status_t dispatch_store_expire(struct atlas_call *call, const struct dispatch_pair *pair);

#endif
