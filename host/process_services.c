#include "process_services.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/config/config.h"
#include "base/report.h"
#include "runtime/generation.h"
#include "runtime/loader/elf_image.h"
#include "runtime/loader/manifest.h"

static void begin(struct process_services *services)
{
    *services = (struct process_services){.count = 0};
    arena_init(&services->arena, NULL, SIZE_MAX);
}

static bool grow(struct process_services *services)
{
    size_t room = services->room == 0 ? 16 : services->room * 2;
    const char **items = realloc(services->items, room * sizeof *items);
    if (items != NULL) {
        services->items = items;
        services->room = room;
    }
    return items != NULL;
}

static void add(struct process_services *services, const struct manifest_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        bool has_room = services->count < services->room || grow(services);
        char *copy = arena_copy(&services->arena, names->items[i], strlen(names->items[i]));
        if (has_room && copy != NULL) {
            services->items[services->count++] = copy;
        }
    }
}

static void read_plugin(struct process_services *services, const struct config_plugin *plugin)
{
    struct elf_image *image = NULL;
    struct report ignored;
    report_init(&ignored);
    if (elf_image_read(plugin->path, &image, NULL) == ATLAS_OK) {
        struct manifest *manifest = manifest_read(image, plugin->path, &ignored);
        if (manifest != NULL) {
            add(services, &manifest->services);
        }
        manifest_destroy(manifest);
    }
    elf_image_destroy(image);
    report_finish(&ignored);
}

void process_services_read(const struct config *config, const char *name,
                           struct process_services *ret_services)
{
    const struct config_process *process = config_process(config, name);
    begin(ret_services);
    for (size_t i = 0; process != NULL && i < process->plugins.count; i++) {
        const struct config_plugin *plugin = config_plugin(config, process->plugins.items[i]);
        if (plugin != NULL) {
            read_plugin(ret_services, plugin);
        }
    }
}

void process_services_of(struct generation *const *generations, size_t count,
                         struct process_services *ret_services)
{
    begin(ret_services);
    for (size_t i = 0; i < count; i++) {
        add(ret_services, &generations[i]->manifest->services);
    }
}

bool process_services_have_any(const struct process_services *services,
                               const struct config_texts *names)
{
    for (size_t i = 0; i < services->count; i++) {
        if (config_texts_have(names, services->items[i])) {
            return true;
        }
    }
    return false;
}

void process_services_finish(struct process_services *services)
{
    arena_finish(&services->arena);
    free(services->items);
}
