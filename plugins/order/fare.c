#include "order/fare.h"

#include <math.h>

/* Mean radius of the earth (IUGG), metres. */
#define EARTH_RADIUS_M 6371008.8
#define RADIANS        0.017453292519943295 /* in a degree */

int64_t fare_distance_m(struct fare_point from, struct fare_point to)
{
    /* Haversine: exact for near points, where the plain cosine formula is not. */
    double north = sin((to.latitude - from.latitude) * RADIANS / 2);
    double east = sin((to.longitude - from.longitude) * RADIANS / 2);
    double square =
        north * north + cos(from.latitude * RADIANS) * cos(to.latitude * RADIANS) * east * east;

    return llround(2 * EARTH_RADIUS_M * asin(sqrt(fmin(square, 1.0))));
}

int64_t fare_price_minor(const struct fare_rates *rates, int64_t distance_m)
{
    /* At most 20,016 km, and the configuration bounds the rates: no overflow. */
    return rates->base_minor + (rates->per_km_minor * distance_m + 500) / 1000;
}
