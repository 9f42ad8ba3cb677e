#include "services/addresses.h"

#include <string.h>

#include "base/clock.h"

void addresses_begin(struct addresses *addresses, int64_t timeout_ms)
{
    addresses->count = 0;
    addresses->tried = 0;
    addresses->end_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS;
}

void addresses_set(struct addresses *addresses, const struct resolver_answer *answer)
{
    addresses->count = answer->count;
    addresses->tried = 0;
    memcpy(addresses->items, answer->addresses, answer->count * sizeof answer->addresses[0]);
}

const struct resolver_address *addresses_next(struct addresses *addresses, int64_t *ret_ms)
{
    int64_t left_ms = (addresses->end_ns - clock_monotonic_ns()) / NS_PER_MS;
    unsigned left = addresses->count - addresses->tried;

    if (left == 0 || left_ms <= 0) {
        return NULL;
    }
    *ret_ms = left_ms >= left ? left_ms / left : 1;
    return &addresses->items[addresses->tried++];
}
