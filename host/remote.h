/* Services that run elsewhere: the gRPC client with the addresses of the configuration. */
#ifndef HOST_REMOTE_H
#define HOST_REMOTE_H

#include "base/error.h"

struct grpc_client;
struct runtime;

/* Makes the client and gives it to the runtime. Before runtime_start. */
atlas_status_t remote_create(struct runtime *runtime, struct grpc_client **ret_client,
                             struct error *error);

/* Connects to what the plugins that are routed to call elsewhere. On the control thread, after each
 * change of the deployment. */
void remote_connect(struct runtime *runtime, struct grpc_client *client);

#endif
