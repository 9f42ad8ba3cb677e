/*
 * A module: one of the host's services for plugins (PostgreSQL, Redis, ...). It offers an interface
 * table and keeps something per generation and per loop. Modules are given to the runtime by main,
 * so that the runtime does not know them.
 */
#ifndef RUNTIME_MODULE_H
#define RUNTIME_MODULE_H

#include "base/error.h"

struct call;
struct generation;
struct runtime;
struct worker;

enum module_slot {
    MODULE_CLIENT,
    MODULE_METRICS,
    MODULE_POSTGRES,
    MODULE_REDIS,
    MODULE_KAFKA,
    MODULE_COUNT,
};

struct module {
    enum module_slot slot;
    const char *interface_id; /* "atlas.postgres/1" */
    const void *table;        /* what plugins get */
    void *self;               /* what the functions below get */

    /* A generation that asked for the interface is being made, before create(). On its home loop,
     * in a fiber. Sets generation->attached[slot] if it keeps something. An error refuses the load.
     * is_reload: a generation of this plugin serves already, so servers that are away are an error.
     */
    atlas_status_t (*attach)(void *self, struct call *call, struct generation *generation,
                             bool is_reload, struct error *error);
    /* The same on every loop, in a fiber there; sets generation->loops[index].attached[slot]. */
    atlas_status_t (*attach_loop)(void *self, struct call *call, struct generation *generation,
                                  struct error *error);
    /* The generation is routed to: background work and consumers may start. Home loop, in a fiber.
     */
    void (*activate)(void *self, struct call *call, struct generation *generation);
    /* Calls are no longer routed to it: stop background work and consumers and wait until they have
     * ended, for as long as the call has time; cancel what is left then. False if something runs
     * even so: the generation stays loaded. Home loop, in a fiber. */
    bool (*deactivate)(void *self, struct call *call, struct generation *generation);
    /* Nothing of the generation runs any more. All may be NULL. */
    void (*detach_loop)(void *self, struct call *call, struct generation *generation);
    void (*detach)(void *self, struct call *call, struct generation *generation);

    /* Of the module that can elect one process among several (PostgreSQL: an advisory lock), else
     * NULL. lead waits until this process leads for the generation's plugin and name; lead_check
     * says whether it still does (the connection lives), lead_end gives it up. [waits] */
    atlas_status_t (*lead)(void *self, struct call *call, struct generation *generation,
                           const char *name, void **ret_lease);
    bool (*lead_check)(void *self, void *lease);
    void (*lead_end)(void *self, struct call *call, void *lease);
};

#endif
