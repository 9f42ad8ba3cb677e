/*
 * The gRPC client: calls to services that this process does not run. Every loop has connections of
 * its own to every address, made at the first call or by connect, and made again when they break.
 *
 *   create -> runtime_set_remote -> runtime_start -> connect (each) -> destroy
 */
#ifndef SERVICES_GRPC_CLIENT_H
#define SERVICES_GRPC_CLIENT_H

#include "base/error.h"
#include "services/grpc/grpc_client_options.h"

struct grpc_client;
struct remote_transport;
struct runtime;

/* Makes a client for the workers of the runtime; nothing is connected. RESOURCE_EXHAUSTED. */
atlas_status_t grpc_client_create(struct runtime *runtime,
                                  const struct grpc_client_options *options,
                                  struct grpc_client **ret_client, struct error *error);

/* What runtime_set_remote takes; lives as long as the client. */
const struct remote_transport *grpc_client_transport(const struct grpc_client *client);

/* Connects every loop to the address of a service before its first call; the process is not ready
 * while one of these connections is missing. Returns at once. From a thread that is no loop, while
 * the runtime runs. */
void grpc_client_connect(struct grpc_client *client, const char *service);

/* The addresses have changed: each is asked for again, and what connect asked for is forgotten.
 * Returns when every loop has let go of what find_address gave before. As connect. */
void grpc_client_refresh(struct grpc_client *client);

/* Closes all connections, while the loops still run and no call is left. NULL is allowed. */
void grpc_client_destroy(struct grpc_client *client);

#endif
