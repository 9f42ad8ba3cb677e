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

/* From now on the addresses are those of the configuration that the deployment follows: a service
 * that leaves this process is found elsewhere by the first call that does not find it here. What
 * the plugins that are routed to call elsewhere is connected to. Before the first apply. */
void remote_follow(struct remote *remote, struct deployment *deployment);

/* Closes the connections, while the loops still run. NULL is allowed. */
void remote_destroy(struct remote *remote);

#endif
