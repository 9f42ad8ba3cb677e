/*
 * The addresses of a server, tried in turn within one attempt to connect: each gets its share of
 * the time that is left, so that one that does not answer leaves time for the next.
 */
#ifndef SERVICES_ADDRESSES_H
#define SERVICES_ADDRESSES_H

#include "base/resolver.h"

struct addresses {
    unsigned count;
    unsigned tried;
    int64_t end_ns; /* of the attempt */
    struct resolver_address items[RESOLVER_ADDRESSES_MAX];
};

/* An attempt begins, which may take so long together with looking the name up; no address is known
 * yet. */
void addresses_begin(struct addresses *addresses, int64_t timeout_ms);

/* Copies those of the answer. */
void addresses_set(struct addresses *addresses, const struct resolver_answer *answer);

/* The next to try and how long, at least 1 ms; NULL when all have been tried or the time is up.
 * Borrowed until addresses_set. */
const struct resolver_address *addresses_next(struct addresses *addresses, int64_t *ret_ms);

#endif
