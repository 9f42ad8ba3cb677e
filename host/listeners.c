#include "listeners.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "base/log.h"
#include "base/report.h"
#include "inbound/grpc/grpc_server.h"
#include "inbound/rest/rest_server.h"
#include "runtime/loader/elf_image.h"
#include "runtime/loader/manifest.h"
#include "runtime/reload/control.h"
#include "runtime/reload/deployment.h"
#include "runtime/runtime.h"

/* How long REST connections are kept open behind the last answer, for clients that have not seen
 * yet that they shall leave. */
#define LINGER_MS 300
#define STEP_MS   5

struct listeners {
    struct runtime *runtime;
    struct grpc_server *grpc;
    struct rest_server *rest;
};

static struct rest_limits rest_limits_of(const struct config_rest *config)
{
    return (struct rest_limits){
        .connections = (unsigned)config->connections,
        .body_limit = (size_t)config->body_bytes,
        .header_limit = (size_t)config->header_bytes,
        .depth = (unsigned)config->depth,
        .request_ms = config->request_ms,
        .idle_ms = config->idle_ms,
    };
}

/* True if the plugin's file says that it serves one of the listener's services. A file that cannot
 * be read is reported when it is loaded. */
static bool serves(const struct config_plugin *plugin, const struct config_listener *listener)
{
    struct elf_image *image = NULL;
    struct report ignored;
    bool is_served = false;
    report_init(&ignored);
    if (elf_image_read(plugin->path, &image, NULL) == ATLAS_OK) {
        struct manifest *manifest = manifest_read(image, plugin->path, &ignored);
        for (size_t i = 0; manifest != NULL && i < manifest->services.count; i++) {
            is_served =
                is_served || config_texts_have(&listener->services, manifest->services.items[i]);
        }
        manifest_destroy(manifest);
    }
    elf_image_destroy(image);
    report_finish(&ignored);
    return is_served;
}

static bool is_ours(const struct runtime *runtime, const struct config_listener *listener)
{
    const struct config *config = runtime_config(runtime);
    const struct config_process *process = config_process(config, runtime_process(runtime));
    for (size_t i = 0; i < process->plugins.count; i++) {
        const struct config_plugin *plugin = config_plugin(config, process->plugins.items[i]);
        if (plugin != NULL && serves(plugin, listener)) {
            return true;
        }
    }
    return false;
}

static atlas_status_t open_grpc(struct listeners *listeners, const struct config_listener *config,
                                struct error *error)
{
    struct grpc_listener_options options = {
        .host = config->address.host,
        .port = config->address.port,
        .backlog = (int)runtime_config(listeners->runtime)->grpc.backlog,
        .services = config->services.items,
        .service_count = config->services.count,
    };
    return grpc_server_listen(listeners->grpc, &options, NULL, error);
}

static atlas_status_t open_rest(struct listeners *listeners, const struct config_listener *config,
                                struct error *error)
{
    struct rest_listener_options options = {
        .host = config->address.host,
        .port = config->address.port,
        .backlog = (int)runtime_config(listeners->runtime)->rest.backlog,
        .services = config->services.items,
        .service_count = config->services.count,
    };
    return rest_server_listen(listeners->rest, &options, NULL, error);
}

static atlas_status_t open_one(struct listeners *listeners, const struct config_listener *config,
                               struct error *error)
{
    atlas_status_t status = config->protocol == CONFIG_PROTOCOL_GRPC
                                ? open_grpc(listeners, config, error)
                                : open_rest(listeners, config, error);
    if (status != ATLAS_OK) {
        return error_prefix(error, "listener %s", config->name);
    }
    log_info("listening", LOG_TEXT("listener", config->name),
             LOG_TEXT("address", config->address.text));
    return ATLAS_OK;
}

/* Two plugins whose REST routes clash, or a service without descriptors, refuse a deployment. */
static bool check_routes(void *self, const struct config *config,
                         struct generation *const *generations, size_t count, struct report *report)
{
    struct listeners *listeners = self;
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        struct error error;
        if (listener->protocol == CONFIG_PROTOCOL_REST && is_ours(listeners->runtime, listener) &&
            rest_server_check(listener->services.items, listener->services.count, generations,
                              count, &error) != ATLAS_OK) {
            report_add(report, "listener %s: %s", listener->name, error.text);
        }
    }
    return false;
}

atlas_status_t listeners_open(struct runtime *runtime, struct deployment *deployment,
                              struct listeners **ret_listeners, struct error *error)
{
    const struct config *config = runtime_config(runtime);
    struct listeners *listeners = calloc(1, sizeof *listeners);
    if (listeners == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "listeners: out of memory");
    }
    *ret_listeners = listeners;
    listeners->runtime = runtime;
    deployment_set_follower(
        deployment, &(struct deployment_follower){.self = listeners, .prepare = check_routes});
    struct grpc_limits grpc_limits = grpc_limits_of(&config->grpc);
    struct rest_limits rest_limits = rest_limits_of(&config->rest);
    atlas_status_t status = grpc_server_create(runtime, &grpc_limits, &listeners->grpc, error);
    if (status == ATLAS_OK) {
        status = rest_server_create(runtime, &rest_limits, &listeners->rest, error);
    }
    for (size_t i = 0; status == ATLAS_OK && i < config->listener_count; i++) {
        if (is_ours(runtime, &config->listeners[i])) {
            status = open_one(listeners, &config->listeners[i], error);
        }
    }
    return status;
}

void listeners_accept(struct listeners *listeners)
{
    struct error error;
    grpc_server_accept(listeners->grpc);
    if (rest_server_accept(listeners->rest, &error) != ATLAS_OK) {
        log_error("rest listeners do not accept", LOG_TEXT("error", error.text));
    }
}

void listeners_stop(struct listeners *listeners)
{
    if (listeners != NULL && listeners->rest != NULL) {
        rest_server_stop(listeners->rest);
    }
    if (listeners != NULL && listeners->grpc != NULL) {
        grpc_server_stop(listeners->grpc);
    }
}

static bool is_idle(const struct listeners *listeners)
{
    return (listeners->rest == NULL || rest_server_in_flight(listeners->rest) == 0) &&
           (listeners->grpc == NULL || grpc_server_connections(listeners->grpc) == 0);
}

bool listeners_wait(struct listeners *listeners, struct control *control, int64_t until_ns)
{
    int64_t idle_ms = 0;
    while (listeners != NULL && idle_ms < LINGER_MS) {
        if (clock_monotonic_ns() >= until_ns || control_is_interrupted(control)) {
            return is_idle(listeners);
        }
        nanosleep(&(struct timespec){0, STEP_MS * NS_PER_MS}, NULL);
        idle_ms = is_idle(listeners) ? idle_ms + STEP_MS : 0;
    }
    return true;
}

void listeners_cancel(struct listeners *listeners)
{
    log_warn("calls did not end in time: cancelling them, continuing",
             LOG_INT("rest_requests", rest_server_in_flight(listeners->rest)),
             LOG_INT("grpc_connections", grpc_server_connections(listeners->grpc)));
    rest_server_cancel(listeners->rest);
    grpc_server_close(listeners->grpc);
}

void listeners_close(struct listeners *listeners)
{
    if (listeners == NULL) {
        return;
    }
    rest_server_destroy(listeners->rest);
    grpc_server_destroy(listeners->grpc);
    free(listeners);
}
