#include "inbound/grpc/grpc_host_services.h"

#include <string.h>

#include "inbound/grpc/grpc_health.h"
#include "inbound/grpc/grpc_host_view.h"
#include "inbound/grpc/grpc_reflection.h"
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
    {sizeof(struct atlas_service), 2, GRPC_HEALTH, health_methods},
    {sizeof(struct atlas_service), 1, GRPC_REFLECTION, reflection_methods},
    {sizeof(struct atlas_service), 1, GRPC_REFLECTION_ALPHA, reflection_methods},
};

#define ROUTE(text, service_index, of_method)                                                      \
    {                                                                                              \
        .path = (text), .path_len = sizeof(text) - 1, .service = &services[service_index],         \
        .method = (of_method)                                                                      \
    }

static const struct route routes[] = {
    ROUTE("/" GRPC_HEALTH "/Check", 0, &health_methods[0]),
    ROUTE("/" GRPC_HEALTH "/Watch", 0, &health_methods[1]),
    ROUTE("/" GRPC_REFLECTION "/ServerReflectionInfo", 1, reflection_methods),
    ROUTE("/" GRPC_REFLECTION_ALPHA "/ServerReflectionInfo", 2, reflection_methods),
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
