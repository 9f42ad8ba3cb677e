/* dlopen and its traps: one list of what is loaded tells a new image from an old one. */
#include "runtime/loader/plugin_library.h"

#include "base/report.h"
#include "runtime/loader/manifest.h"
#include "runtime/loader/plugin_table.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEEP_IMAGES true
#else
#define KEEP_IMAGES false
#endif

struct plugin_library {
    void *handle;
    const void *entry;         /* address of the entry: different for every image */
    struct atlas_plugin table; /* with what it points to in the arena */
    struct arena arena;
    struct plugin_library *next;
};

/* Loaded images; touched on the control thread only. */
static struct plugin_library *loaded;

bool plugin_library_accepts(const struct manifest *manifest, const char *path,
                            const char *const *known, size_t count, struct report *report)
{
    size_t findings = report->count;

    if (manifest->abi_major != ATLAS_ABI_MAJOR) {
        report_add(
            report,
            "%s: plugin %s %s was built for ABI %u.%u, this host offers ABI %d.%d: rebuild the "
            "plugin with this host's SDK or use a host of ABI %u",
            path, manifest->id, manifest->version, manifest->abi_major, manifest->abi_minor,
            ATLAS_ABI_MAJOR, ATLAS_ABI_MINOR, manifest->abi_major);
    }
    for (size_t i = 0; i < manifest->required.count; i++) {
        bool is_known = false;
        for (size_t j = 0; j < count && !is_known; j++) {
            is_known = strcmp(known[j], manifest->required.items[i]) == 0;
        }
        if (!is_known) {
            report_add(
                report,
                "%s: plugin %s %s requires the interface %s, which this host (ABI %d.%d) does "
                "not offer: use a newer host, or make it \"optional\" in the manifest",
                path, manifest->id, manifest->version, manifest->required.items[i], ATLAS_ABI_MAJOR,
                ATLAS_ABI_MINOR);
        }
    }
    return report->count == findings;
}

/* Calls the entry and copies the table. */
static atlas_status_t read_table(struct plugin_library *library, const char *name,
                                 const struct manifest *manifest, struct error *error)
{
    atlas_plugin_v1_fn *entry = NULL;

    memcpy(&entry, &library->entry, sizeof entry);
    atlas_status_t status = plugin_table_read(entry(ATLAS_ABI_MINOR), name, manifest,
                                              &library->arena, &library->table, error);
    return status == ATLAS_OK ? plugin_table_check(&library->table, name, manifest, error) : status;
}

static atlas_status_t open_image(struct plugin_library *library, const char *staged_path,
                                 const char *name, struct error *error)
{
    library->handle = dlopen(staged_path, RTLD_NOW | RTLD_LOCAL);
    if (library->handle == NULL) {
        return error_set(error, ATLAS_FAILED_PRECONDITION,
                         "%s: cannot be loaded (%s): link what it uses into it statically (LIBS of "
                         "atlas_add_plugin)",
                         name, dlerror());
    }
    library->entry = dlsym(library->handle, ATLAS_PLUGIN_ENTRY);
    if (library->entry == NULL) {
        return error_set(error, ATLAS_FAILED_PRECONDITION,
                         "%s: does not export " ATLAS_PLUGIN_ENTRY
                         ": add ATLAS_PLUGIN_DEFINE(plugin) of atlas/sdk.h",
                         name);
    }
    for (const struct plugin_library *other = loaded; other != NULL; other = other->next) {
        if (other->entry == library->entry) {
            return error_set(error, ATLAS_INTERNAL,
                             "%s: the loader returned code that is already loaded: build it with "
                             "atlas_add_plugin, whose output has no fixed name inside",
                             name);
        }
    }
    return ATLAS_OK;
}

atlas_status_t plugin_library_open(const char *staged_path, const char *name,
                                   const struct manifest *manifest,
                                   struct plugin_library **ret_library, struct error *error)
{
    struct plugin_library *library = calloc(1, sizeof *library);

    if (library == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "%s: no memory to load it", name);
    }

    arena_init(&library->arena, NULL, SIZE_MAX);
    atlas_status_t status = open_image(library, staged_path, name, error);
    if (status == ATLAS_OK) {
        status = read_table(library, name, manifest, error);
    }
    if (status != ATLAS_OK) {
        if (library->handle != NULL) {
            dlclose(library->handle);
        }
        arena_finish(&library->arena);
        free(library);
        return status;
    }
    library->next = loaded;
    loaded = library;
    *ret_library = library;
    return ATLAS_OK;
}

const struct atlas_plugin *plugin_library_table(const struct plugin_library *library)
{
    return &library->table;
}

bool plugin_library_close(struct plugin_library *library)
{
    Dl_info info;
    bool is_gone = true;

    if (library == NULL) {
        return true;
    }
    for (struct plugin_library **link = &loaded; *link != NULL; link = &(*link)->next) {
        if (*link == library) {
            *link = library->next;
            break;
        }
    }
    if (!KEEP_IMAGES) {
        dlclose(library->handle);
        is_gone = dladdr(library->entry, &info) == 0;
    }
    arena_finish(&library->arena);
    free(library);
    return is_gone;
}
