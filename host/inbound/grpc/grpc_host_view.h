/* What the host's own gRPC services know of the host, of each other, and of who called them. */
#ifndef INBOUND_GRPC_HOST_VIEW_H
#define INBOUND_GRPC_HOST_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#define GRPC_HEALTH           "grpc.health.v1.Health"
#define GRPC_REFLECTION       "grpc.reflection.v1.ServerReflection"
#define GRPC_REFLECTION_ALPHA "grpc.reflection.v1alpha.ServerReflection"

struct call;
struct grpc_listener;

struct grpc_host_view {
    const struct grpc_listener *listener; /* as long as the connection, whose end cancels calls */
    const bool *is_draining;              /* of the loop */
};

/* Of a call to one of them. False if the connection has gone already. On the call's loop. */
bool grpc_host_view_of(const struct call *call, struct grpc_host_view *ret_view);

/* The n-th of their full names, NULL beyond the last. */
const char *grpc_host_view_service(size_t n);

#endif
