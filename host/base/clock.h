/* The two clocks of the host. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

/* Nanoseconds that only grow. Any thread. */
int64_t clock_monotonic_ns(void);

/* What that is so many milliseconds from now; INT64_MAX beyond what it can be. Any thread. */
int64_t clock_after_ms(int64_t ms);

/* Microseconds since 1970-01-01 UTC. Any thread. */
int64_t clock_wall_us(void);

#endif
