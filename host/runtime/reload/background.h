/* The rounds of struct atlas_background of one generation. On the home loop, in a fiber, but for
 * check. */
#ifndef RUNTIME_RELOAD_BACKGROUND_H
#define RUNTIME_RELOAD_BACKGROUND_H

#include "atlas/plugin.h"
#include "base/error.h"

struct call;
struct generation;
struct manifest;

/* FAILED_PRECONDITION if one has no interval among the configuration keys. Control thread. */
atlas_status_t background_check(const struct atlas_plugin *plugin, const struct manifest *manifest,
                                struct error *error);

/* Starts all of them. */
void background_start(struct call *call, struct generation *generation);

/* Stops all of them; returns when the last round has ended. [waits] */
void background_stop(struct call *call, struct generation *generation);

#endif
