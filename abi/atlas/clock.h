/* "atlas.clock/1": time and randomness, so that tests can drive both. */
#ifndef ATLAS_CLOCK_H
#define ATLAS_CLOCK_H

#include "atlas/call.h"

struct atlas_clock_interface {
    uint32_t size;

    /* Microseconds since 1970-01-01 00:00:00 UTC. [call] */
    int64_t (*wall_us)(struct atlas_call *call);

    /* Nanoseconds that only grow, from an unnamed start. [call] */
    int64_t (*monotonic_ns)(struct atlas_call *call);

    /* Fills all of the buffer from the system's generator (or from the seed of a test). [call] */
    void (*random)(struct atlas_call *call, void *buffer, size_t len);
};

#endif
