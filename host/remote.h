/* Services that run elsewhere: the gRPC client with the addresses of the configuration. Control
 * thread only. */
#ifndef HOST_REMOTE_H
#define HOST_REMOTE_H

#include "base/error.h"

struct config;
struct deployment;
struct remote;
struct runtime;

/* Makes the client and gives it to the runtime. Before runtime_start. */
atlas_status_t remote_create(struct runtime *runtime, struct remote **ret_remote,
                             struct error *error);

/* Takes over the addresses of a configuration, which is borrowed for the call, and connects to what
 * the plugins that are routed to call elsewhere. After each change of the deployment. */
void remote_follow(struct remote *remote, const struct deployment *deployment,
                   const struct config *config);

/* Closes the connections, while the loops still run. NULL is allowed. */
void remote_destroy(struct remote *remote);

#endif
