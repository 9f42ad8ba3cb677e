/* What a ride costs. */
#ifndef PLUGINS_ORDER_FARE_H
#define PLUGINS_ORDER_FARE_H

#include <stdint.h>

struct fare_rates {
    int64_t base_minor;   /* for any ride */
    int64_t per_km_minor; /* for each kilometre, by the metre */
};

/* A point on the ground, degrees north and east. */
struct fare_point {
    double latitude;
    double longitude;
};

/* The great-circle distance in whole metres, on a sphere of the earth's mean radius. */
int64_t fare_distance_m(struct fare_point from, struct fare_point to);

/* Base plus distance, rounded to the nearest minor unit. */
int64_t fare_price_minor(const struct fare_rates *rates, int64_t distance_m);

#endif
