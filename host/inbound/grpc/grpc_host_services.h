/* Services that every gRPC listener has beside those of plugins: health and reflection. Their
 * handlers run on fibers as plugins' do; they see the listener that was called and the newest
 * routes. */
#ifndef INBOUND_GRPC_HOST_SERVICES_H
#define INBOUND_GRPC_HOST_SERVICES_H

#include <stddef.h>

struct route;

/* The route of "/grpc.health.v1.Health/Check" and the like, or NULL. It has no generation. */
const struct route *grpc_host_services_find(const char *path, size_t len);

#endif
