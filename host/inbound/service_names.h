/* The services that a listener serves: a copy of its own that never changes. A listener that is
 * given others gets another one; the former is freed when no loop can look at it any more. */
#ifndef INBOUND_SERVICE_NAMES_H
#define INBOUND_SERVICE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct service_names {
    unsigned version; /* 1, 2, ... of one listener */
    size_t count;
    const char *items[]; /* the texts lie behind */
};

/* Copies the names; NULL without memory. */
struct service_names *service_names_create(const char *const *items, size_t count,
                                           unsigned version);

/* Any order; NULL is allowed. */
void service_names_free(struct service_names *names);

/* True if the full name is among them. Any thread. */
bool service_names_have(const struct service_names *names, const char *name);

#endif
