/* Services that every gRPC listener has beside those of plugins: health and reflection. Their
 * handlers run on fibers as plugins' do; they see the listener that was called and the newest
 * routes. */
#ifndef INBOUND_GRPC_HOST_SERVICES_H
#define INBOUND_GRPC_HOST_SERVICES_H

#include "atlas/call.h"

struct call;
struct grpc_listener;
struct route;

/* The route of "/grpc.health.v1.Health/Check" and the like, or NULL. It has no generation. */
const struct route *grpc_host_services_find(const char *path, size_t len);

/* The n-th of their full names, NULL beyond the last. */
const char *grpc_host_services_name(size_t n);

/* What a handler of the host may know of who called it. */
struct grpc_host_view {
    const struct grpc_listener *listener; /* as long as the connection, whose end cancels calls */
    const bool *is_draining;              /* of the loop */
};

/* False if the connection has gone already. */
bool grpc_host_services_view(const struct call *call, struct grpc_host_view *ret_view);

/* The handlers. */
atlas_status_t grpc_health_check(struct atlas_call *call);
atlas_status_t grpc_health_watch(struct atlas_call *call);
atlas_status_t grpc_reflection_info(struct atlas_call *call);

#endif
