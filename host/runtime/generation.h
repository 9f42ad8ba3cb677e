/*
 * A generation: one loaded copy of one plugin and the instance that it made. The control thread
 * owns generations; loops see them through their route tables, which keep them alive.
 */
#ifndef RUNTIME_GENERATION_H
#define RUNTIME_GENERATION_H

#include "atlas/plugin.h"
#include "runtime/module.h"

struct backgrounds;
struct config_plugin;
struct config_reload;
struct call_metrics;
struct descriptor_set;
struct manifest;
struct plugin_config;
struct plugin_library;
struct worker;

enum generation_state {
    GENERATION_LOADED,   /* mapped, not created */
    GENERATION_CREATED,  /* instance made on all loops, not routed to */
    GENERATION_ACTIVE,   /* in the newest route tables */
    GENERATION_DRAINING, /* in older route tables only */
    GENERATION_ENDED,    /* destroyed, to be unloaded */
};

struct generation_loop {
    void *loop_state; /* what loop_create returned */
    bool is_created;  /* loop_create() succeeded: loop_destroy() is due */
    bool is_attached; /* modules were asked to attach: detach is due */
    void *attached[MODULE_COUNT];
    struct call_metrics *metrics; /* one per method; NULL before the first call ended */
};

struct generation {
    char id[64]; /* of the plugin */
    char version[32];
    unsigned number; /* 1, 2, 3, ... in the order of loading in this process */
    enum generation_state state;
    unsigned home; /* index of the home loop */
    struct runtime *runtime;
    const struct config_reload *limits; /* of its steps; the deployment's, and follows it */
    struct plugin_library *library;
    char *staged_path;
    struct manifest *manifest;
    struct plugin_config *config;
    const struct config_plugin
        *settings; /* of the configuration it was made from; valid until ACTIVE */
    struct descriptor_set *descriptors; /* of its services; NULL: none in the file */
    struct atlas_plugin plugin;         /* the host's own copy of the table */
    struct atlas_interfaces interfaces;
    uint8_t content[32]; /* of the file and its configuration: equal means nothing to reload */
    void *instance;
    bool is_reload;  /* another generation of the plugin serves already */
    bool is_created; /* create() succeeded: destroy() is due */
    bool is_active;  /* background work and consumers run */
    bool is_drained; /* drain() was called, which is done once */
    struct backgrounds *backgrounds;
    void *attached[MODULE_COUNT];
    unsigned table_references; /* route tables that hold it; control thread only */
    unsigned loop_count;
    struct generation_loop *loops;
};

/* What a module attached for the loop of this worker. */
#define GENERATION_LOOP_ATTACHED(generation, worker, slot)                                         \
    ((generation)->loops[(worker)->index].attached[(slot)])

/* Methods of all its services; a route's method_index is below it. Any thread. */
static inline unsigned generation_method_count(const struct generation *generation)
{
    unsigned count = 0;
    for (size_t i = 0; i < generation->plugin.service_count; i++) {
        count += generation->plugin.services[i]->method_count;
    }
    return count;
}

#endif
