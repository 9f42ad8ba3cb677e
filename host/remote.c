#include "remote.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/config/config.h"
#include "base/log.h"
#include "runtime/loader/manifest.h"
#include "runtime/reload/deployment.h"
#include "runtime/runtime.h"
#include "services/grpc/grpc_client.h"

/* The addresses of one configuration, which itself may be gone. Loops read it; it never changes. */
struct addresses {
    struct arena arena;
    size_t count;
    struct {
        const char *service;
        struct config_address address;
    } items[];
};

struct remote {
    struct runtime *runtime;
    struct grpc_client *client;
    _Atomic(struct addresses *) addresses;
};

static const struct config_address *find_address(void *context, const char *service)
{
    struct remote *remote = context;
    const struct addresses *addresses = atomic_load(&remote->addresses);
    for (size_t i = 0; addresses != NULL && i < addresses->count; i++) {
        if (strcmp(addresses->items[i].service, service) == 0) {
            return &addresses->items[i].address;
        }
    }
    return NULL;
}

static size_t count_services(const struct config *config)
{
    size_t count = config->placement_count;
    for (size_t i = 0; i < config->listener_count; i++) {
        count += config->listeners[i].services.count;
    }
    return count;
}

static void add_address(struct addresses *addresses, const struct config *config,
                        const char *service)
{
    const struct config_address *address = config_service_address(config, service);
    if (address == NULL) {
        return;
    }
    char *name = arena_copy(&addresses->arena, service, strlen(service));
    char *host = arena_copy(&addresses->arena, address->host, strlen(address->host));
    if (name != NULL && host != NULL) {
        size_t i = addresses->count++;
        addresses->items[i].service = name;
        addresses->items[i].address = (struct config_address){.host = host, .port = address->port};
    }
}

static struct addresses *copy_addresses(const struct config *config)
{
    struct addresses *addresses =
        calloc(1, sizeof *addresses + count_services(config) * sizeof addresses->items[0]);
    if (addresses == NULL) {
        return NULL;
    }
    arena_init(&addresses->arena, NULL, SIZE_MAX);
    for (size_t i = 0; i < config->placement_count; i++) {
        add_address(addresses, config, config->placements[i].service);
    }
    for (size_t i = 0; i < config->listener_count; i++) {
        for (size_t j = 0; j < config->listeners[i].services.count; j++) {
            add_address(addresses, config, config->listeners[i].services.items[j]);
        }
    }
    return addresses;
}

static void free_addresses(struct addresses *addresses)
{
    if (addresses != NULL) {
        arena_finish(&addresses->arena);
        free(addresses);
    }
}

atlas_status_t remote_create(struct runtime *runtime, struct remote **ret_remote,
                             struct error *error)
{
    struct remote *remote = calloc(1, sizeof *remote);
    if (remote == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "gRPC client: out of memory");
    }
    struct grpc_client_options options = {
        .find_address = find_address,
        .context = remote,
        .limits = grpc_limits_of(&runtime_config(runtime)->grpc),
    };
    remote->runtime = runtime;
    atomic_init(&remote->addresses, copy_addresses(runtime_config(runtime)));
    atlas_status_t status = grpc_client_create(runtime, &options, &remote->client, error);
    if (status != ATLAS_OK) {
        free_addresses(atomic_load(&remote->addresses));
        free(remote);
        return status;
    }
    runtime_set_remote(runtime, grpc_client_transport(remote->client));
    *ret_remote = remote;
    return ATLAS_OK;
}

static bool is_served_here(const struct deployment *deployment, const char *service)
{
    struct generation *const *generations;
    size_t count = deployment_active(deployment, &generations);
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

static void connect_callees(struct remote *remote, const struct deployment *deployment)
{
    struct generation *const *generations;
    size_t count = deployment_active(deployment, &generations);
    for (size_t i = 0; i < count; i++) {
        const struct manifest_names *calls = &generations[i]->manifest->calls;
        for (size_t j = 0; j < calls->count; j++) {
            if (!is_served_here(deployment, calls->items[j])) {
                grpc_client_connect(remote->client, calls->items[j]);
            }
        }
    }
}

void remote_follow(struct remote *remote, const struct deployment *deployment,
                   const struct config *config)
{
    struct addresses *addresses = copy_addresses(config);
    if (addresses == NULL) {
        log_error("out of memory: addresses of other services stay as they were");
        return;
    }
    struct addresses *former = atomic_exchange(&remote->addresses, addresses);
    grpc_client_refresh(remote->client);
    free_addresses(former);
    connect_callees(remote, deployment);
}

void remote_destroy(struct remote *remote)
{
    if (remote != NULL) {
        grpc_client_destroy(remote->client);
        free_addresses(atomic_load(&remote->addresses));
        free(remote);
    }
}
