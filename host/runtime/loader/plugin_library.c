/* dlopen and its traps: one list of what is loaded tells a new image from an old one. */
#include "runtime/loader/plugin_library.h"

#include "base/report.h"
#include "runtime/loader/manifest.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

/* The table of ABI 1.0; no plugin has a smaller one. A size beyond the other is no table. */
#define TABLE_SIZE_MIN (offsetof(struct atlas_plugin, find) + sizeof(void *))
#define TABLE_SIZE_MAX 4096

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEEP_IMAGES true
#else
#define KEEP_IMAGES false
#endif

struct plugin_library {
    void *handle;
    const void *entry; /* address of the entry: different for every image */
    struct atlas_plugin table;
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

/* The part of a larger table that this host does not know must be zero: then nothing is lost. */
static bool is_tail_zero(const struct atlas_plugin *table)
{
    const unsigned char *bytes = (const unsigned char *)table;

    for (size_t i = sizeof *table; i < table->size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static atlas_status_t check_service(const char *name, const struct manifest *manifest,
                                    const struct atlas_service *service, struct error *error)
{
    bool is_declared = false;

    if (service == NULL || !ATLAS_HAS(service, methods) || service->name == NULL) {
        return error_set(
            error, ATLAS_FAILED_PRECONDITION,
            "%s: plugin %s has a service without a name or methods: list the generated "
            "services in its table",
            name, manifest->id);
    }
    for (size_t i = 0; i < manifest->services.count; i++) {
        is_declared = is_declared || strcmp(manifest->services.items[i], service->name) == 0;
    }
    if (!is_declared) {
        return error_set(error, ATLAS_FAILED_PRECONDITION,
                         "%s: plugin %s serves %s, but its manifest does not say so: add the line "
                         "\"service %s\"",
                         name, manifest->id, service->name, service->name);
    }
    for (uint32_t i = 0; i < service->method_count; i++) {
        const struct atlas_method *method = &service->methods[i];
        if (!ATLAS_HAS(method, handle) || method->name == NULL || method->handle == NULL) {
            return error_set(
                error, ATLAS_FAILED_PRECONDITION,
                "%s: plugin %s: method %u of %s has no name or handler: rebuild it with "
                "protoc-gen-atlas",
                name, manifest->id, i, service->name);
        }
    }
    return ATLAS_OK;
}

static atlas_status_t check_table(const char *name, const struct manifest *manifest,
                                  const struct atlas_plugin *table, struct error *error)
{
    for (size_t i = 0; i < table->service_count; i++) {
        atlas_status_t status = check_service(name, manifest, table->services[i], error);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    if (table->service_count != manifest->services.count) {
        return error_set(
            error, ATLAS_FAILED_PRECONDITION,
            "%s: plugin %s serves %zu services, but its manifest names %zu: make them the "
            "same",
            name, manifest->id, table->service_count, manifest->services.count);
    }
    return ATLAS_OK;
}

/* Calls the entry and copies the table. */
static atlas_status_t read_table(struct plugin_library *library, const char *name,
                                 const struct manifest *manifest, struct error *error)
{
    atlas_plugin_v1_fn *entry = NULL;

    memcpy(&entry, &library->entry, sizeof entry);
    const struct atlas_plugin *table = entry(ATLAS_ABI_MINOR);
    if (table == NULL || table->size < TABLE_SIZE_MIN || table->size > TABLE_SIZE_MAX) {
        return error_set(
            error, ATLAS_FAILED_PRECONDITION,
            "%s: plugin %s returned %s of %u bytes, this host (ABI %d.%d) needs at least "
            "%zu: rebuild it with this host's SDK",
            name, manifest->id, table == NULL ? "no table" : "a table",
            table == NULL ? 0 : table->size, ATLAS_ABI_MAJOR, ATLAS_ABI_MINOR, TABLE_SIZE_MIN);
    }
    if (table->flags != 0 || (table->size > sizeof *table && !is_tail_zero(table))) {
        return error_set(
            error, ATLAS_FAILED_PRECONDITION,
            "%s: plugin %s (built for ABI %u.%u) uses members of its table that this host "
            "(ABI %d.%d) does not know: use a host of ABI %u.%u or leave them zero",
            name, manifest->id, manifest->abi_major, manifest->abi_minor, ATLAS_ABI_MAJOR,
            ATLAS_ABI_MINOR, manifest->abi_major, manifest->abi_minor);
    }
    memcpy(&library->table, table,
           table->size < sizeof library->table ? table->size : sizeof library->table);
    library->table.size = sizeof library->table;
    return check_table(name, manifest, &library->table, error);
}

static atlas_status_t open_image(struct plugin_library *library, const char *staged_path,
                                 const char *name, struct error *error)
{
    library->handle = dlopen(staged_path, RTLD_NOW | RTLD_LOCAL);
    if (library->handle == NULL) {
        return error_set(error, ATLAS_FAILED_PRECONDITION,
                         "%s: cannot be loaded (%s): link everything that it uses into it", name,
                         dlerror());
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

    atlas_status_t status = open_image(library, staged_path, name, error);
    if (status == ATLAS_OK) {
        status = read_table(library, name, manifest, error);
    }
    if (status != ATLAS_OK) {
        if (library->handle != NULL) {
            dlclose(library->handle);
        }
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
    free(library);
    return is_gone;
}
