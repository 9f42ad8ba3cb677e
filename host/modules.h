/* The host's services for plugins, as the configuration asks for them, and what they are made of.
 */
#ifndef HOST_MODULES_H
#define HOST_MODULES_H

#include "base/error.h"

struct config;
struct deployment;
struct modules;
struct runtime;

/* Makes the modules and gives them to the runtime. Before runtime_start. */
atlas_status_t modules_create(struct runtime *runtime, struct modules **ret_modules,
                              struct error *error);

/* The deployment has changed to this configuration, borrowed for the call: connects to services
 * that its plugins call elsewhere. */
void modules_follow(struct modules *modules, const struct deployment *deployment,
                    const struct config *config);

/* Closes what lives on loops, while they still run; then frees the rest, after they ended. NULL is
 * allowed. */
void modules_stop(struct modules *modules);
void modules_destroy(struct modules *modules);

#endif
