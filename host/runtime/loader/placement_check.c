/* One function per rule; each walks processes or listeners. */
#include "runtime/loader/placement_check.h"

#include <string.h>

#include "base/config/config.h"
#include "base/descriptors.h"
#include "base/report.h"
#include "runtime/loader/manifest.h"

/* What the rules look at. */
struct deployment_view {
    const struct config *config;
    const struct manifest *const *manifests;
    struct report *report;
};

static const struct manifest *manifest_of(const struct deployment_view *view, const char *id)
{
    for (size_t i = 0; i < view->config->plugin_count; i++) {
        if (strcmp(view->config->plugins[i].id, id) == 0) {
            return view->manifests[i];
        }
    }
    return NULL;
}

/* The first plugin of the process that serves it; NULL if none does. */
static const char *server_in(const struct deployment_view *view,
                             const struct config_process *process, const char *service)
{
    for (size_t i = 0; i < process->plugins.count; i++) {
        const struct manifest *manifest = manifest_of(view, process->plugins.items[i]);
        if (manifest != NULL && manifest_names_have(&manifest->services, service)) {
            return manifest->id;
        }
    }
    return NULL;
}

static bool is_all_known(const struct deployment_view *view)
{
    for (size_t i = 0; i < view->config->plugin_count; i++) {
        if (view->manifests[i] == NULL) {
            return false;
        }
    }
    return true;
}

/* A service that two plugins of one process serve has no one place. */
static void check_services(const struct deployment_view *view, const struct config_process *process,
                           const struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->services.count; i++) {
        const char *first = server_in(view, process, manifest->services.items[i]);
        if (first != NULL && strcmp(first, manifest->id) != 0) {
            report_add(
                view->report,
                "configuration: processes.%s.plugins: %s and %s both serve %s: put one of them "
                "into another process",
                process->name, first, manifest->id, manifest->services.items[i]);
        }
    }
}

/* A service that is called must be in the process or have an address. */
static void check_calls(const struct deployment_view *view, const struct config_process *process,
                        const struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->calls.count; i++) {
        const char *service = manifest->calls.items[i];
        if (server_in(view, process, service) == NULL &&
            config_service_address(view->config, service) == NULL) {
            report_add(
                view->report,
                "configuration: processes.%s.plugins: %s calls %s, which no plugin of the process "
                "serves and no gRPC listener names: add its plugin, a listener or a placement",
                process->name, manifest->id, service);
        }
    }
}

static void check_process(const struct deployment_view *view, const struct config_process *process)
{
    for (size_t i = 0; i < process->plugins.count; i++) {
        const struct manifest *manifest = manifest_of(view, process->plugins.items[i]);
        if (manifest != NULL) {
            check_services(view, process, manifest);
            check_calls(view, process, manifest);
        }
    }
}

static bool has_http_rule(const struct service_descriptor *service)
{
    for (size_t i = 0; service != NULL && i < service->method_count; i++) {
        if (service->methods[i].rule_count > 0) {
            return true;
        }
    }
    return false;
}

/* A REST listener needs the descriptors of the service and a google.api.http option in them. */
static void check_rest(const struct deployment_view *view, const struct config_listener *listener,
                       const struct manifest *manifest, const char *service)
{
    struct descriptor_set *set = NULL;
    struct error error;

    if (manifest->descriptors != NULL &&
        descriptors_create((struct atlas_bytes){manifest->descriptors, manifest->descriptors_len},
                           &set, &error) != ATLAS_OK) {
        report_add(view->report, "plugin %s: %s", manifest->id, error.text);
        return;
    }
    if (set == NULL) {
        report_add(
            view->report,
            "configuration: listeners.%s.services: plugin %s has no descriptors of %s, which "
            "REST needs: name its .proto in PROTOS of atlas_add_plugin, or serve it by grpc",
            listener->name, manifest->id, service);
    } else if (!has_http_rule(descriptors_service(set, service))) {
        report_add(view->report,
                   "configuration: listeners.%s.services: %s has no method with a google.api.http "
                   "option in plugin %s: add the options to its .proto, or serve it by grpc",
                   listener->name, service, manifest->id);
    }
    descriptors_destroy(set);
}

static void check_listened(const struct deployment_view *view,
                           const struct config_listener *listener, const char *service)
{
    const struct manifest *server = NULL;

    for (size_t i = 0; i < view->config->plugin_count && server == NULL; i++) {
        if (view->manifests[i] != NULL &&
            manifest_names_have(&view->manifests[i]->services, service)) {
            server = view->manifests[i];
        }
    }
    if (server == NULL && is_all_known(view)) {
        report_add(
            view->report,
            "configuration: listeners.%s.services: no plugin serves %s: correct the name (atlas "
            "plugin info shows what a plugin serves) or remove it",
            listener->name, service);
    } else if (server != NULL && listener->protocol == CONFIG_PROTOCOL_REST) {
        check_rest(view, listener, server, service);
    }
}

/* A service that nobody calls or serves is a typing error, and its calls would go elsewhere. */
static void check_placed(const struct deployment_view *view, const char *service)
{
    bool is_met = !is_all_known(view);

    for (size_t i = 0; i < view->config->plugin_count && !is_met; i++) {
        is_met = manifest_names_have(&view->manifests[i]->calls, service) ||
                 manifest_names_have(&view->manifests[i]->services, service);
    }
    if (!is_met) {
        report_add(view->report,
                   "configuration: placements: no plugin calls or serves %s: correct the name or "
                   "remove it",
                   service);
    }
}

void placement_check(const struct config *config, const struct manifest *const *manifests,
                     struct report *report)
{
    struct deployment_view view = {config, manifests, report};

    for (size_t i = 0; i < config->process_count; i++) {
        check_process(&view, &config->processes[i]);
    }
    for (size_t i = 0; i < config->listener_count; i++) {
        for (size_t j = 0; j < config->listeners[i].services.count; j++) {
            check_listened(&view, &config->listeners[i], config->listeners[i].services.items[j]);
        }
    }
    for (size_t i = 0; i < config->placement_count; i++) {
        check_placed(&view, config->placements[i].service);
    }
}
