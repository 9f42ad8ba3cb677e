/*
 * A generation: one loaded copy of one plugin and the instance that it made. The control thread
 * owns generations; loops see them through their route tables, which keep them alive.
 */
#ifndef RUNTIME_GENERATION_H
#define RUNTIME_GENERATION_H

#include "atlas/plugin.h"
#include "runtime/module.h"

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
    void *attached[MODULE_COUNT];
    unsigned calls_in_flight; /* of this generation on this loop */
};

struct generation {
    char id[64]; /* of the plugin */
    char version[32];
    unsigned number; /* 1, 2, 3, ... per plugin */
    enum generation_state state;
    unsigned home; /* index of the home loop */
    struct plugin_library *library;
    const struct manifest *manifest;
    const struct descriptor_set *descriptors; /* of its services; NULL: none in the file */
    struct atlas_plugin plugin;               /* the host's own copy of the table */
    struct atlas_interfaces interfaces;
    const struct plugin_config *config;
    uint8_t content_hash[32]; /* of the file and its configuration: equal means nothing to reload */
    void *instance;
    void *attached[MODULE_COUNT];
    struct runtime *runtime;
    unsigned loop_count;
    unsigned table_references; /* route tables that hold it; control thread only */
    struct generation_loop *loops;
};

/* What a module attached for the loop of this worker. */
#define GENERATION_LOOP_ATTACHED(generation, worker, slot)                                         \
    ((generation)->loops[(worker)->index].attached[(slot)])

#endif
