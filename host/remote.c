#include "remote.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/config/config.h"
#include "base/report.h"
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
    const struct deployment *deployment; /* that it follows */
    struct grpc_client *client;
    _Atomic(struct addresses *) addresses;
    _Atomic(struct addresses *) former; /* for calls of the older routes, while those are swapped */
    struct addresses *next;             /* prepared */
};

static const struct config_address *find_in(const struct addresses *addresses, const char *service)
{
    for (size_t i = 0; addresses != NULL && i < addresses->count; i++) {
        if (strcmp(addresses->items[i].service, service) == 0) {
            return &addresses->items[i].address;
        }
    }
    return NULL;
}

static const struct config_address *find_address(void *context, const char *service)
{
    struct remote *remote = context;
    const struct config_address *found = find_in(atomic_load(&remote->addresses), service);
    return found != NULL ? found : find_in(atomic_load(&remote->former), service);
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
    atomic_init(&remote->former, NULL);
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

static bool is_served_here(const struct remote *remote, const char *service)
{
    struct generation *const *generations;
    size_t count = deployment_active(remote->deployment, &generations);
    for (size_t i = 0; i < count; i++) {
        if (manifest_names_have(&generations[i]->manifest->services, service)) {
            return true;
        }
    }
    return false;
}

static void connect_callees(struct remote *remote)
{
    struct generation *const *generations;
    size_t count = deployment_active(remote->deployment, &generations);
    for (size_t i = 0; i < count; i++) {
        const struct manifest_names *calls = &generations[i]->manifest->calls;
        for (size_t j = 0; j < calls->count; j++) {
            if (!is_served_here(remote, calls->items[j])) {
                grpc_client_connect(remote->client, calls->items[j]);
            }
        }
    }
}

static bool is_same(const struct addresses *one, const struct addresses *other)
{
    bool result = one != NULL && one->count == other->count;
    for (size_t i = 0; result && i < one->count; i++) {
        const struct config_address *a = &one->items[i].address;
        const struct config_address *b = &other->items[i].address;
        result = strcmp(one->items[i].service, other->items[i].service) == 0 &&
                 strcmp(a->host, b->host) == 0 && a->port == b->port;
    }
    return result;
}

static bool prepare(void *self, const struct config *config, struct generation *const *generations,
                    size_t count, struct report *report)
{
    struct remote *remote = self;
    (void)generations;
    (void)count;
    remote->next = copy_addresses(config);
    if (remote->next == NULL) {
        report_add(report, "addresses of services: out of memory");
        return false;
    }
    return !is_same(atomic_load(&remote->addresses), remote->next);
}

static void precede(void *self)
{
    struct remote *remote = self;
    atomic_store(&remote->former, atomic_load(&remote->addresses));
    atomic_store(&remote->addresses, remote->next);
    remote->next = NULL;
}

static void commit(void *self)
{
    struct remote *remote = self;
    struct addresses *former = atomic_exchange(&remote->former, NULL);
    grpc_client_refresh(remote->client); /* a pass of each loop: then nobody looks at it any more */
    free_addresses(former);
    connect_callees(remote);
}

static void abandon(void *self)
{
    struct remote *remote = self;
    free_addresses(remote->next);
    remote->next = NULL;
}

void remote_follow(struct remote *remote, struct deployment *deployment)
{
    const struct deployment_follower follower = {.self = remote,
                                                 .prepare = prepare,
                                                 .precede = precede,
                                                 .commit = commit,
                                                 .abandon = abandon};
    remote->deployment = deployment;
    deployment_add_follower(deployment, &follower);
}

void remote_destroy(struct remote *remote)
{
    if (remote != NULL) {
        grpc_client_destroy(remote->client);
        free_addresses(atomic_load(&remote->addresses));
        free(remote);
    }
}
