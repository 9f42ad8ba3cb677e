/*
 * All that the tracker keeps in Redis: "tracker:positions", a geographic index of drivers, and
 * "tracker:seen", when each was there (score: microseconds since 1970). Both are written together
 * by scripts, so they hold the same drivers.
 */
#ifndef PLUGINS_TRACKER_STORE_H
#define PLUGINS_TRACKER_STORE_H

#include "tracker/position.h"

/* Moves drivers; a position that is not newer than the known one changes nothing. [call] [waits] */
atlas_status_t store_move(struct atlas_call *call, const struct position *positions, size_t count);

/* The position of one driver, however old; NOT_FOUND. ret_position->driver_id is driver_id.
 * [call] [waits] */
atlas_status_t store_find(struct atlas_call *call, const char *driver_id,
                          struct position *ret_position);

/* The nearest drivers around a point, at most limit, nearest first, however old. In the arena of
 * call. [call] [waits] */
atlas_status_t store_search(struct atlas_call *call, const struct position *center,
                            double radius_km, size_t limit, struct position **ret_found,
                            size_t *ret_count);

/* Removes at most limit drivers that were last seen before a time. [call] [waits] */
atlas_status_t store_expire(struct atlas_call *call, int64_t before_us, int64_t limit,
                            int64_t *ret_removed);

#endif
