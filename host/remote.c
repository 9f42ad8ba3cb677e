#include "remote.h"

#include <string.h>

#include "base/config.h"
#include "runtime/deployment.h"
#include "runtime/manifest.h"
#include "runtime/runtime.h"
#include "services/grpc_client.h"

static const struct config_address *find_address(void *context, const char *service)
{
    return config_service_address(runtime_config(context), service);
}

atlas_status_t remote_create(struct runtime *runtime, struct grpc_client **ret_client,
                             struct error *error)
{
    struct grpc_client_options options = {
        .find_address = find_address,
        .context = runtime,
        .limits = grpc_limits_of(&runtime_config(runtime)->grpc),
    };
    atlas_status_t status = grpc_client_create(runtime, &options, ret_client, error);
    if (status == ATLAS_OK) {
        runtime_set_remote(runtime, grpc_client_transport(*ret_client));
    }
    return status;
}

static bool is_served_here(struct runtime *runtime, const char *service)
{
    struct generation *const *generations;
    size_t count = deployment_active(runtime_deployment(runtime), &generations);
    for (size_t i = 0; i < count; i++) {
        const struct manifest_names *services = &generations[i]->manifest->services;
        for (size_t j = 0; j < services->count; j++) {
            if (strcmp(services->items[j], service) == 0) {
                return true;
            }
        }
    }
    return false;
}

void remote_connect(struct runtime *runtime, struct grpc_client *client)
{
    struct generation *const *generations;
    size_t count = deployment_active(runtime_deployment(runtime), &generations);
    grpc_client_refresh(client);
    for (size_t i = 0; i < count; i++) {
        const struct manifest_names *calls = &generations[i]->manifest->calls;
        for (size_t j = 0; j < calls->count; j++) {
            if (!is_served_here(runtime, calls->items[j])) {
                grpc_client_connect(client, calls->items[j]);
            }
        }
    }
}
