/*
 * The entry of a plugin: what it serves, consumes, keeps and runs, declared as data, and the
 * functions of its life. Its manifest (ATLAS_PLUGIN_MANIFEST in atlas/manifest.h) is read by the
 * host without running any of this.
 *
 * Life of an instance, in order:
 *   check                                     [control], no waiting, no side effects
 *   create, loop_create on every loop, warm   not routed to yet; any failure unloads the new copy
 *   background fibers and consumers start; handlers are called, on all loops at once
 *   drain; background fibers and consumers are stopped and joined; calls in flight end
 *   loop_destroy on every loop, destroy       nothing of the plugin runs any more
 * create, warm, drain and destroy run in a fiber on the instance's home loop, loop_create and
 * loop_destroy in a fiber on the loop that they are for. All may wait; the configuration bounds how
 * long.
 */
#ifndef ATLAS_PLUGIN_H
#define ATLAS_PLUGIN_H

#include "atlas/config.h"
#include "atlas/host.h"
#include "atlas/service.h"

/*
 * Work without a caller, in rounds: a sweeper, a poller. Runs on the home loop of the instance
 * while it is routed to. At a reload the last round of the old generation has returned before the
 * first of the new one. Grows.
 */
struct atlas_background {
    uint32_t size;
    bool is_exclusive; /* in one process of the deployment at a time, elected by a lock in
                          PostgreSQL */
    const char *name;  /* for logs: "expire_reservations" */
    const char
        *interval_key; /* the configuration key (type duration) of the pause between rounds */

    /* Runs one round, with a call and an arena of its own; its deadline is
     * calls.background_timeout. A status that is not OK is logged, and the pause grows until a
     * round succeeds. When the host stops it, a wait in it ends with CANCELLED. [waits] */
    atlas_status_t (*run)(struct atlas_call *call);
};

/* What a plugin is. Grows, as do the structs in its arrays. */
struct atlas_plugin {
    uint32_t size;
    uint32_t flags; /* 0 */

    const struct atlas_service *const *services;
    size_t service_count;
    const struct atlas_consumer *consumers;
    size_t consumer_count;
    const struct atlas_background *backgrounds;
    size_t background_count;
    const struct atlas_metric *metrics;
    size_t metric_count;
    const struct atlas_pg_schema *postgres; /* NULL: none */

    /* Looks at a configuration that the host has already checked against the manifest. Writes a
     * message into text and returns INVALID_ARGUMENT if values do not go together. May be NULL.
     * [control] */
    atlas_status_t (*check)(const struct atlas_config *config, char *text, size_t text_size);

    /* Makes the instance. It is immutable afterwards: what changes is kept per loop. A status that
     * is not OK refuses the load with the call's message; destroy is not called then. Its time is
     * reload.create_timeout, as of loop_create. May be NULL. [waits] */
    atlas_status_t (*create)(struct atlas_call *call, const struct atlas_config *config,
                             void **ret_instance);
    /* Ends it; instance is what create made, which may be NULL. [waits] */
    void (*destroy)(struct atlas_call *call, void *instance);

    /* State of one loop. Both may be NULL. [waits] */
    atlas_status_t (*loop_create)(struct atlas_call *call, void **ret_loop_state);
    void (*loop_destroy)(struct atlas_call *call, void *loop_state);

    /* Last step before calls are routed here; fails as create does. Its time is
     * reload.warm_timeout. May be NULL. [waits] */
    atlas_status_t (*warm)(struct atlas_call *call);
    /* Calls are no longer routed here; end what waits for something that will not come. May be
     * NULL. [waits] */
    void (*drain)(struct atlas_call *call);

    /* What the plugin offers beyond this table, by id and revision; no host of ABI 1.0 asks for
     * anything. NULL for what it does not have. May be NULL. */
    const void *(*find)(void *instance, const char *id);
};

/*
 * The one exported symbol. host_minor is the minor of the host's ABI. The table is static and
 * constant; the host copies it, with all its arrays, into structs of its own: what the plugin did
 * not know is zero there.
 */
#define ATLAS_PLUGIN_ENTRY "atlas_plugin_v1"
typedef const struct atlas_plugin *atlas_plugin_v1_fn(uint32_t host_minor);

#endif
