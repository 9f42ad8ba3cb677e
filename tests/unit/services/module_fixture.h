/*
 * A runtime with two loops and one module, and generations that stand for plugins: what a test
 * hands in is what a plugin would declare.
 */
#ifndef MODULE_FIXTURE_H
#define MODULE_FIXTURE_H

#include "runtime/call.h"
#include "runtime/generation.h"
#include "runtime/runtime.h"

#define FIXTURE_LOOPS 2

/* Makes a runtime from groups of the configuration, as etc/atlas.cfg writes them. Not started yet.
 */
void fixture_create(const char *groups);

/* What was made of the groups. */
const struct config *fixture_config(void);

/* Gives the module to the runtime and starts the loops. */
void fixture_start(const struct module *module);

/* Ends the loops; after the module was closed. */
void fixture_destroy(void);

/* Loads a plugin with these consumers, whose manifest says "config topic string default=<topic>",
 * as a start or as a reload. NULL with the error if the module refuses it. */
struct generation *fixture_load(const char *id, const char *topic,
                                const struct atlas_consumer *consumers, size_t count,
                                bool is_reload, struct error *error);
void fixture_activate(struct generation *generation);
void fixture_deactivate(struct generation *generation);
/* The same with less time; false if something of it runs still. */
bool fixture_deactivate_within(struct generation *generation, int64_t timeout_ms);
void fixture_unload(struct generation *generation);

/* Runs fn as a call of the plugin on a loop and waits for it. The error (may be NULL) gets the
 * call's message. */
atlas_status_t fixture_call(struct generation *generation, unsigned loop, int64_t timeout_ms,
                            atlas_status_t (*fn)(struct call *call, void *arg), void *arg,
                            struct error *error);

/* Waits until a condition holds, at most 30 s; false if it never did. */
bool fixture_eventually(bool (*is_true)(void *arg), void *arg);

#endif
