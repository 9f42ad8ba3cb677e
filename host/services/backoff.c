#include "services/backoff.h"

#include "base/clock.h"

/* The low bits of the clock are as good as random here, and need no state that threads share. */
static int64_t spread(int64_t pause_ms)
{
    uint64_t noise = (uint64_t)clock_monotonic_ns() * UINT64_C(0x9e3779b97f4a7c15);
    return (int64_t)((noise >> 33) % (uint64_t)(pause_ms / 4 + 1));
}

int64_t backoff_ms(unsigned failures, int64_t min_ms, int64_t max_ms)
{
    int64_t pause_ms = min_ms > 0 ? min_ms : 1;
    for (unsigned n = 1; n < failures && pause_ms < max_ms; n++) {
        pause_ms = pause_ms > max_ms / 2 ? max_ms : pause_ms * 2;
    }
    if (pause_ms > max_ms) {
        pause_ms = max_ms;
    }
    pause_ms -= spread(pause_ms);
    return pause_ms > 0 ? pause_ms : 1;
}
