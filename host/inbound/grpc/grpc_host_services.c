#include "inbound/grpc/grpc_host_services.h"

#include <string.h>

#include "inbound/grpc/grpc_state.h"
#include "runtime/call.h"
#include "runtime/router.h"

#define METHOD(name, kind, handler)                                                                \
    {                                                                                              \
        sizeof(struct atlas_method), (kind), (name), (handler)                                     \
    }
#define BIDI (ATLAS_METHOD_CLIENT_STREAMING | ATLAS_METHOD_SERVER_STREAMING)

static const struct atlas_method health_methods[] = {
    METHOD("Check", 0, grpc_health_check),
    METHOD("Watch", ATLAS_METHOD_SERVER_STREAMING, grpc_health_watch),
};
static const struct atlas_method reflection_methods[] = {
    METHOD("ServerReflectionInfo", BIDI, grpc_reflection_info),
};

static const struct atlas_service services[] = {
    {sizeof(struct atlas_service), 2, "grpc.health.v1.Health", health_methods},
    {sizeof(struct atlas_service), 1, "grpc.reflection.v1.ServerReflection", reflection_methods},
    {sizeof(struct atlas_service), 1, "grpc.reflection.v1alpha.ServerReflection",
     reflection_methods},
};

#define ROUTE(text, service_index, of_method)                                                      \
    {                                                                                              \
        .path = (text), .path_len = sizeof(text) - 1, .service = &services[service_index],         \
        .method = (of_method)                                                                      \
    }

static const struct route routes[] = {
    ROUTE("/grpc.health.v1.Health/Check", 0, &health_methods[0]),
    ROUTE("/grpc.health.v1.Health/Watch", 0, &health_methods[1]),
    ROUTE("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", 1, reflection_methods),
    ROUTE("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", 2, reflection_methods),
};

const struct route *grpc_host_services_find(const char *path, size_t len)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (routes[i].path_len == len && memcmp(routes[i].path, path, len) == 0) {
            return &routes[i];
        }
    }
    return NULL;
}

const char *grpc_host_services_name(size_t n)
{
    return n < sizeof services / sizeof services[0] ? services[n].name : NULL;
}

bool grpc_host_services_view(const struct call *call, struct grpc_host_view *ret_view)
{
    const struct grpc_stream *stream = call->peer;

    if (stream->connection == NULL) {
        return false;
    }
    *ret_view = (struct grpc_host_view){stream->connection->listener, &stream->loop->is_draining};
    return true;
}
