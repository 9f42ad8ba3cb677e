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

/* From now on modules change along with the deployment: the addresses of services elsewhere. Before
 * the first apply. */
void modules_follow(struct modules *modules, struct deployment *deployment);

/* Closes what lives on loops, while they still run; then frees the rest, after they ended. NULL is
 * allowed. */
void modules_stop(struct modules *modules);
void modules_destroy(struct modules *modules);

#endif
