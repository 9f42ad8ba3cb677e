/* One function copies a struct, one an array of them; the rest says what points to what. */
#include "runtime/loader/plugin_table.h"

#include "base/memory.h"
#include "runtime/loader/manifest.h"

#include <string.h>

/* No struct and no array of a plugin is larger; a number beyond it is garbage. */
#define STRUCT_SIZE_MAX 4096
#define ARRAY_COUNT_MAX 4096

/* A struct that may grow. Every one starts with its size. */
struct layout {
    const char *type;
    uint32_t size;     /* here */
    uint32_t size_min; /* in ABI 1.0, with its last member then */
};

#define LAYOUT(type, last)                                                                         \
    {                                                                                              \
#type, sizeof(struct type), offsetof(struct type, last) + sizeof(((struct type *)0)->last) \
    }
static const struct layout plugin_layout = LAYOUT(atlas_plugin, find);
static const struct layout service_layout = LAYOUT(atlas_service, methods);
static const struct layout method_layout = LAYOUT(atlas_method, handle);
static const struct layout consumer_layout = LAYOUT(atlas_consumer, handle);
static const struct layout background_layout = LAYOUT(atlas_background, run);
static const struct layout metric_layout = LAYOUT(atlas_metric, help);
static const struct layout schema_layout = LAYOUT(atlas_pg_schema, statement_count);
static const struct layout migration_layout = LAYOUT(atlas_pg_migration, compatible_since);
static const struct layout statement_layout = LAYOUT(atlas_pg_statement, columns);
#undef LAYOUT

struct reading {
    const char *name;
    const struct manifest *manifest;
    struct arena *arena;
    struct error *error;
};

static uint32_t size_of(const void *item)
{
    uint32_t size;

    memcpy(&size, item, sizeof size);
    return size;
}

static atlas_status_t check_size(const struct reading *reading, const struct layout *layout,
                                 uint32_t size)
{
    if (size >= layout->size_min && size <= STRUCT_SIZE_MAX) {
        return ATLAS_OK;
    }
    return error_set(reading->error, ATLAS_FAILED_PRECONDITION,
                     "%s: plugin %s has a struct %s of %u bytes, this host (ABI %d.%d) needs at "
                     "least %u: set .size = sizeof(struct %s) in it and rebuild it with this "
                     "host's SDK",
                     reading->name, reading->manifest->id, layout->type, size, ATLAS_ABI_MAJOR,
                     ATLAS_ABI_MINOR, layout->size_min, layout->type);
}

/* The part of a larger struct that this host does not know must be zero: then nothing is lost. */
static bool is_tail_zero(const void *source, uint32_t from, uint32_t to)
{
    const unsigned char *bytes = source;

    for (uint32_t i = from; i < to; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static atlas_status_t copy_struct(const struct reading *reading, const struct layout *layout,
                                  const void *source, void *target)
{
    const struct manifest *manifest = reading->manifest;
    uint32_t size = size_of(source);
    atlas_status_t status = check_size(reading, layout, size);

    if (status != ATLAS_OK) {
        return status;
    }
    if (!is_tail_zero(source, layout->size, size)) {
        return error_set(reading->error, ATLAS_FAILED_PRECONDITION,
                         "%s: plugin %s (built for ABI %u.%u) uses members of its struct %s that "
                         "this host (ABI %d.%d) does not know: use a host of ABI %u.%u or leave "
                         "them zero",
                         reading->name, manifest->id, manifest->abi_major, manifest->abi_minor,
                         layout->type, ATLAS_ABI_MAJOR, ATLAS_ABI_MINOR, manifest->abi_major,
                         manifest->abi_minor);
    }
    memset(target, 0, layout->size);
    memcpy(target, source, size < layout->size ? size : layout->size);
    memcpy(target, &layout->size, sizeof layout->size);
    return ATLAS_OK;
}

/* An array of structs: stepped through by the plugin's size, copied into one of ours. */
static atlas_status_t copy_array(const struct reading *reading, const struct layout *layout,
                                 const void *source, size_t count, void **ret_copy)
{
    if (count > ARRAY_COUNT_MAX || (count > 0 && source == NULL)) {
        return error_set(reading->error, ATLAS_FAILED_PRECONDITION,
                         "%s: plugin %s has %zu of struct %s, and %s: give the array and its count",
                         reading->name, reading->manifest->id, count, layout->type,
                         source == NULL ? "no array of them" : "at most 4096 are allowed");
    }

    uint32_t stride = count > 0 ? size_of(source) : 0;
    char *copy = memory_take(reading->arena, count + 1, layout->size);
    for (size_t i = 0; i < count; i++) {
        const char *item = (const char *)source + i * stride;
        if (size_of(item) != stride) {
            return error_set(reading->error, ATLAS_FAILED_PRECONDITION,
                             "%s: plugin %s has structs %s of %u and of %u bytes in one array: set "
                             ".size = sizeof(struct %s) in each",
                             reading->name, reading->manifest->id, layout->type, stride,
                             size_of(item), layout->type);
        }
        atlas_status_t status = copy_struct(reading, layout, item, copy + i * layout->size);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    *ret_copy = copy;
    return ATLAS_OK;
}

static atlas_status_t copy_service(const struct reading *reading,
                                   const struct atlas_service *source,
                                   const struct atlas_service **ret_copy)
{
    struct atlas_service *copy = memory_take(reading->arena, 1, sizeof *copy);
    void *methods = NULL;

    if (source == NULL) {
        return error_set(reading->error, ATLAS_FAILED_PRECONDITION,
                         "%s: plugin %s lists a service that is NULL: list the generated services",
                         reading->name, reading->manifest->id);
    }
    atlas_status_t status = copy_struct(reading, &service_layout, source, copy);
    if (status == ATLAS_OK) {
        status = copy_array(reading, &method_layout, copy->methods, copy->method_count, &methods);
    }
    if (status == ATLAS_OK) {
        copy->methods = methods;
        *ret_copy = copy;
    }
    return status;
}

static atlas_status_t copy_services(const struct reading *reading, struct atlas_plugin *table)
{
    size_t count = table->service_count;

    if (count > ARRAY_COUNT_MAX || (count > 0 && table->services == NULL)) {
        return error_set(reading->error, ATLAS_FAILED_PRECONDITION,
                         "%s: plugin %s has %zu services, and no array of them: give both",
                         reading->name, reading->manifest->id, count);
    }

    const struct atlas_service **copies =
        memory_take(reading->arena, count + 1, sizeof(const struct atlas_service *));
    for (size_t i = 0; i < count; i++) {
        atlas_status_t status = copy_service(reading, table->services[i], &copies[i]);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    table->services = copies;
    return ATLAS_OK;
}

static atlas_status_t copy_schema(const struct reading *reading, struct atlas_plugin *table)
{
    struct atlas_pg_schema *copy = memory_take(reading->arena, 1, sizeof *copy);
    void *migrations = NULL;
    void *statements = NULL;

    if (table->postgres == NULL) {
        return ATLAS_OK;
    }
    atlas_status_t status = copy_struct(reading, &schema_layout, table->postgres, copy);
    if (status == ATLAS_OK) {
        status = copy_array(reading, &migration_layout, copy->migrations, copy->migration_count,
                            &migrations);
    }
    if (status == ATLAS_OK) {
        status = copy_array(reading, &statement_layout, copy->statements, copy->statement_count,
                            &statements);
    }
    if (status == ATLAS_OK) {
        copy->migrations = migrations;
        copy->statements = statements;
        table->postgres = copy;
    }
    return status;
}

static atlas_status_t copy_declarations(const struct reading *reading, struct atlas_plugin *table)
{
    void *consumers = NULL;
    void *backgrounds = NULL;
    void *metrics = NULL;

    atlas_status_t status =
        copy_array(reading, &consumer_layout, table->consumers, table->consumer_count, &consumers);
    if (status == ATLAS_OK) {
        status = copy_array(reading, &background_layout, table->backgrounds,
                            table->background_count, &backgrounds);
    }
    if (status == ATLAS_OK) {
        status = copy_array(reading, &metric_layout, table->metrics, table->metric_count, &metrics);
    }
    if (status == ATLAS_OK) {
        table->consumers = consumers;
        table->backgrounds = backgrounds;
        table->metrics = metrics;
    }
    return status;
}

atlas_status_t plugin_table_read(const struct atlas_plugin *theirs, const char *name,
                                 const struct manifest *manifest, struct arena *arena,
                                 struct atlas_plugin *ret_table, struct error *error)
{
    struct reading reading = {name, manifest, arena, error};
    struct atlas_plugin table;

    if (theirs == NULL) {
        return error_set(error, ATLAS_FAILED_PRECONDITION,
                         "%s: plugin %s returned no table from " ATLAS_PLUGIN_ENTRY
                         ": give it to ATLAS_PLUGIN_DEFINE of atlas/sdk.h",
                         name, manifest->id);
    }
    atlas_status_t status = copy_struct(&reading, &plugin_layout, theirs, &table);
    if (status == ATLAS_OK) {
        status = copy_services(&reading, &table);
    }
    if (status == ATLAS_OK) {
        status = copy_declarations(&reading, &table);
    }
    if (status == ATLAS_OK) {
        status = copy_schema(&reading, &table);
    }
    if (status == ATLAS_OK) {
        *ret_table = table;
    }
    return status;
}
