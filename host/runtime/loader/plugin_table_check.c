/* What a table must say, and what it must say as the manifest does. */
#include "runtime/loader/plugin_table.h"

#include "runtime/loader/manifest.h"

#include <string.h>

#define METHOD_FLAGS                                                                               \
    ((unsigned)ATLAS_METHOD_CLIENT_STREAMING | (unsigned)ATLAS_METHOD_SERVER_STREAMING)

static bool is_declared(const struct manifest *manifest, const char *service)
{
    for (size_t i = 0; i < manifest->services.count; i++) {
        if (strcmp(manifest->services.items[i], service) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_named_before(const struct atlas_service *service, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(service->methods[i].name, service->methods[index].name) == 0) {
            return true;
        }
    }
    return false;
}

static atlas_status_t check_methods(const struct atlas_service *service, const char *name,
                                    const struct manifest *manifest, struct error *error)
{
    for (uint32_t i = 0; i < service->method_count; i++) {
        const struct atlas_method *method = &service->methods[i];
        if (method->name == NULL || method->handle == NULL) {
            return error_set(
                error, ATLAS_FAILED_PRECONDITION,
                "%s: plugin %s: method %u of %s has no name or handler: rebuild it with "
                "protoc-gen-atlas",
                name, manifest->id, i, service->name);
        }
        if ((method->flags & ~METHOD_FLAGS) != 0 || is_named_before(service, i)) {
            return error_set(error, ATLAS_FAILED_PRECONDITION,
                             "%s: plugin %s: method %s of %s is there twice, or sets flags that "
                             "this host does not know",
                             name, manifest->id, method->name, service->name);
        }
    }
    return ATLAS_OK;
}

static atlas_status_t check_service(const struct atlas_plugin *table, size_t index,
                                    const char *name, const struct manifest *manifest,
                                    struct error *error)
{
    const struct atlas_service *service = table->services[index];

    if (service->name == NULL) {
        return error_set(error, ATLAS_FAILED_PRECONDITION,
                         "%s: plugin %s has a service without a name: list the generated services "
                         "in its table",
                         name, manifest->id);
    }
    if (!is_declared(manifest, service->name)) {
        return error_set(error, ATLAS_FAILED_PRECONDITION,
                         "%s: plugin %s serves %s, but its manifest does not say so: add the line "
                         "\"service %s\"",
                         name, manifest->id, service->name, service->name);
    }
    for (size_t i = 0; i < index; i++) {
        if (strcmp(table->services[i]->name, service->name) == 0) {
            return error_set(error, ATLAS_FAILED_PRECONDITION,
                             "%s: plugin %s lists the service %s twice: keep one", name,
                             manifest->id, service->name);
        }
    }
    return check_methods(service, name, manifest, error);
}

static atlas_status_t check_services(const struct atlas_plugin *table, const char *name,
                                     const struct manifest *manifest, struct error *error)
{
    for (size_t i = 0; i < table->service_count; i++) {
        atlas_status_t status = check_service(table, i, name, manifest, error);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    if (table->service_count != manifest->services.count) {
        return error_set(error, ATLAS_FAILED_PRECONDITION,
                         "%s: plugin %s serves %zu services, but its manifest names %zu: make them "
                         "the same",
                         name, manifest->id, table->service_count, manifest->services.count);
    }
    return ATLAS_OK;
}

/* A consumer or a background without a function would be called as soon as there is work. */
static atlas_status_t check_functions(const struct atlas_plugin *table, const char *name,
                                      const struct manifest *manifest, struct error *error)
{
    for (size_t i = 0; i < table->consumer_count; i++) {
        if (table->consumers[i].name == NULL || table->consumers[i].handle == NULL) {
            return error_set(error, ATLAS_FAILED_PRECONDITION,
                             "%s: plugin %s: consumer %zu of its table has no name or no handle: "
                             "set both",
                             name, manifest->id, i);
        }
    }
    for (size_t i = 0; i < table->background_count; i++) {
        if (table->backgrounds[i].name == NULL || table->backgrounds[i].run == NULL) {
            return error_set(error, ATLAS_FAILED_PRECONDITION,
                             "%s: plugin %s: background %zu of its table has no name or no run: "
                             "set both",
                             name, manifest->id, i);
        }
    }
    return ATLAS_OK;
}

/* "<plugin id>_<what>", so that no two plugins have the same metric. */
static bool is_metric_name(const char *name, const char *id)
{
    size_t len = strlen(id);

    return name != NULL && strncmp(name, id, len) == 0 && name[len] == '_' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

/* Prometheus tells the kinds apart by the name. */
static bool is_metric_kind(const struct atlas_metric *metric)
{
    size_t len = strlen(metric->name);
    bool is_total = len > 6 && strcmp(metric->name + len - 6, "_total") == 0;

    return metric->kind == ATLAS_METRIC_COUNTER ? is_total : metric->kind == ATLAS_METRIC_GAUGE;
}

static atlas_status_t check_metrics(const struct atlas_plugin *table, const char *name,
                                    const struct manifest *manifest, struct error *error)
{
    for (size_t i = 0; i < table->metric_count; i++) {
        const struct atlas_metric *metric = &table->metrics[i];
        if (metric->help == NULL || !is_metric_name(metric->name, manifest->id)) {
            return error_set(error, ATLAS_FAILED_PRECONDITION,
                             "%s: plugin %s: the metric \"%s\" cannot be declared: name it "
                             "%s_<what>_<unit> with [a-z0-9_], and give it a help",
                             name, manifest->id, metric->name != NULL ? metric->name : "",
                             manifest->id);
        }
        if (!is_metric_kind(metric)) {
            return error_set(error, ATLAS_FAILED_PRECONDITION,
                             "%s: plugin %s: the metric %s cannot be of kind %u: a counter's name "
                             "ends in _total, anything else is a gauge",
                             name, manifest->id, metric->name, metric->kind);
        }
    }
    return ATLAS_OK;
}

static bool has_exclusive(const struct atlas_plugin *table)
{
    for (size_t i = 0; i < table->background_count; i++) {
        if (table->backgrounds[i].is_exclusive) {
            return true;
        }
    }
    return false;
}

/* What is declared for an interface that was not asked for would never be looked at. */
static atlas_status_t check_interfaces(const struct atlas_plugin *table, const char *name,
                                       const struct manifest *manifest, struct error *error)
{
    const struct {
        bool is_used;
        const char *what;
        const char *interface_id;
    } uses[] = {
        {table->consumer_count > 0, "consumers", ATLAS_KAFKA},
        {table->postgres != NULL, "a PostgreSQL schema", ATLAS_POSTGRES},
        {has_exclusive(table), "an exclusive background", ATLAS_POSTGRES},
        {table->metric_count > 0, "metrics", "atlas.metrics/1"},
    };

    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        if (uses[i].is_used && !manifest_asks_for(manifest, uses[i].interface_id)) {
            return error_set(error, ATLAS_FAILED_PRECONDITION,
                             "%s: plugin %s declares %s, but its manifest does not ask for %s: add "
                             "the line \"requires %s\"",
                             name, manifest->id, uses[i].what, uses[i].interface_id,
                             uses[i].interface_id);
        }
    }
    return ATLAS_OK;
}

/* Its events would be kept, and never go anywhere. */
static atlas_status_t check_outbox(const struct atlas_plugin *table, const char *name,
                                   const struct manifest *manifest, struct error *error)
{
    bool has_outbox =
        table->postgres != NULL && (table->postgres->flags & ATLAS_PG_HAS_OUTBOX) != 0;

    if (has_outbox && !manifest_names_have(&manifest->required, ATLAS_KAFKA)) {
        return error_set(error, ATLAS_FAILED_PRECONDITION,
                         "%s: plugin %s declares an outbox, whose events go to Kafka: add the line "
                         "\"requires " ATLAS_KAFKA "\"",
                         name, manifest->id);
    }
    return ATLAS_OK;
}

atlas_status_t plugin_table_check(const struct atlas_plugin *table, const char *name,
                                  const struct manifest *manifest, struct error *error)
{
    if (table->flags != 0) {
        return error_set(error, ATLAS_FAILED_PRECONDITION,
                         "%s: plugin %s sets flags 0x%x of its struct atlas_plugin, which this "
                         "host (ABI %d.%d) does not know: use a newer host or leave them zero",
                         name, manifest->id, table->flags, ATLAS_ABI_MAJOR, ATLAS_ABI_MINOR);
    }
    atlas_status_t status = check_services(table, name, manifest, error);
    if (status == ATLAS_OK) {
        status = check_functions(table, name, manifest, error);
    }
    if (status == ATLAS_OK) {
        status = check_metrics(table, name, manifest, error);
    }
    if (status == ATLAS_OK) {
        status = check_interfaces(table, name, manifest, error);
    }
    if (status == ATLAS_OK) {
        status = check_outbox(table, name, manifest, error);
    }
    return status == ATLAS_OK && table->postgres != NULL
               ? plugin_schema_check(table->postgres, name, manifest, error)
               : status;
}
