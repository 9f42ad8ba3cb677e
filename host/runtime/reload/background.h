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

/* Stops all of them: cancels their rounds, and waits for those to end as long as the call has time,
 * but at least calls.cleanup_limit. False if one runs even so, which is logged: the generation must
 * stay, and this may be called again. [waits] */
bool background_stop(struct call *call, struct generation *generation);

#endif
