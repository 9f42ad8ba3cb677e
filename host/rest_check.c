#include "rest_check.h"

#include "base/config/config.h"
#include "base/descriptors.h"
#include "base/report.h"
#include "inbound/rest/rest_definitions.h"
#include "runtime/loader/manifest.h"

/* What the plugins of a process bring. */
struct plugins {
    struct rest_definition definitions[CONFIG_PLUGINS_MAX];
    struct descriptor_set *sets[CONFIG_PLUGINS_MAX]; /* owned; as in definitions */
    size_t count;
};

static void add_plugin(struct plugins *plugins, const struct manifest *manifest)
{
    struct descriptor_set *set = NULL;

    if (manifest == NULL || plugins->count == CONFIG_PLUGINS_MAX) {
        return;
    }
    if (manifest->descriptors != NULL) {
        descriptors_create((struct atlas_bytes){manifest->descriptors, manifest->descriptors_len},
                           &set, NULL);
    }
    plugins->sets[plugins->count] = set;
    plugins->definitions[plugins->count++] = (struct rest_definition){manifest, set};
}

static void finish(struct plugins *plugins)
{
    for (size_t i = 0; i < plugins->count; i++) {
        descriptors_destroy(plugins->sets[i]);
    }
}

/* A process opens the listeners that name a service which it runs. */
static bool opens(const struct plugins *plugins, const struct config_listener *listener)
{
    for (size_t i = 0; i < plugins->count; i++) {
        const struct manifest_names *services = &plugins->definitions[i].manifest->services;

        for (size_t j = 0; j < services->count; j++) {
            if (config_texts_have(&listener->services, services->items[j])) {
                return true;
            }
        }
    }
    return false;
}

/* False if the listener has been reported. */
static bool check_listener(const struct config *config, const struct manifest *const *manifests,
                           const struct config_process *process,
                           const struct config_listener *listener, struct report *report)
{
    struct plugins plugins = {.count = 0};
    struct error error;
    atlas_status_t status = ATLAS_OK;

    for (size_t i = 0; i < config->plugin_count; i++) {
        if (config_texts_have(&process->plugins, config->plugins[i].id)) {
            add_plugin(&plugins, manifests[i]);
        }
    }
    if (opens(&plugins, listener)) {
        status = rest_definitions_check(listener->services.items, listener->services.count,
                                        plugins.definitions, plugins.count, &error);
    }
    if (status != ATLAS_OK) {
        report_add(report, "configuration: listeners.%s: %s", listener->name, error.text);
    }
    finish(&plugins);
    return status == ATLAS_OK;
}

void rest_check(const struct config *config, const struct manifest *const *manifests,
                struct report *report)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        bool is_good = listener->protocol == CONFIG_PROTOCOL_REST;

        for (size_t j = 0; j < config->process_count && is_good; j++) {
            is_good = check_listener(config, manifests, &config->processes[j], listener, report);
        }
    }
}
