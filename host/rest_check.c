#include "rest_check.h"

#include "base/config/config.h"
#include "base/descriptors.h"
#include "base/report.h"
#include "inbound/rest/rest_server.h"
#include "runtime/loader/elf_image.h"
#include "runtime/loader/manifest.h"

/* Plugins of one process that are looked at. */
#define PLUGINS_MAX 64

/* What the plugins of a process bring. */
struct plugins {
    struct rest_definitions definitions[PLUGINS_MAX];
    size_t count;
};

static struct manifest *read_manifest(const char *path)
{
    struct elf_image *image = NULL;
    struct manifest *manifest = NULL;
    struct report ignored;

    report_init(&ignored);
    if (elf_image_read(path, &image, NULL) == ATLAS_OK) {
        manifest = manifest_read(image, path, &ignored);
    }
    elf_image_destroy(image);
    report_finish(&ignored);
    return manifest;
}

static void add_plugin(struct plugins *plugins, const struct config_plugin *plugin)
{
    struct manifest *manifest = plugins->count < PLUGINS_MAX ? read_manifest(plugin->path) : NULL;
    struct descriptor_set *set = NULL;

    if (manifest == NULL) {
        return;
    }
    if (manifest->descriptors != NULL) {
        descriptors_create((struct atlas_bytes){manifest->descriptors, manifest->descriptors_len},
                           &set, NULL);
    }
    plugins->definitions[plugins->count++] = (struct rest_definitions){manifest, set};
}

static void finish(struct plugins *plugins)
{
    for (size_t i = 0; i < plugins->count; i++) {
        manifest_destroy((struct manifest *)(uintptr_t)plugins->definitions[i].manifest);
        descriptors_destroy((struct descriptor_set *)(uintptr_t)plugins->definitions[i].set);
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
static bool check_listener(const struct config *config, const struct config_process *process,
                           const struct config_listener *listener, struct report *report)
{
    struct plugins plugins = {.count = 0};
    struct error error;
    atlas_status_t status = ATLAS_OK;

    for (size_t i = 0; i < process->plugins.count; i++) {
        const struct config_plugin *plugin = config_plugin(config, process->plugins.items[i]);
        if (plugin != NULL) {
            add_plugin(&plugins, plugin);
        }
    }
    if (opens(&plugins, listener)) {
        status = rest_server_check_definitions(listener->services.items, listener->services.count,
                                               plugins.definitions, plugins.count, &error);
    }
    if (status != ATLAS_OK) {
        report_add(report, "configuration: listeners.%s: %s", listener->name, error.text);
    }
    finish(&plugins);
    return status == ATLAS_OK;
}

void rest_check(const struct config *config, struct report *report)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        bool is_good = listener->protocol == CONFIG_PROTOCOL_REST;

        for (size_t j = 0; j < config->process_count && is_good; j++) {
            is_good = check_listener(config, &config->processes[j], listener, report);
        }
    }
}
