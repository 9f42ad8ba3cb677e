/* struct atlas_config over an array of checked values, one per key of the manifest. */
#include "runtime/loader/plugin_config.h"

#include "base/config/config_bind.h"
#include "base/memory.h"
#include "base/report.h"
#include "runtime/loader/manifest.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MISUSE_SIZE 192

struct value {
    const char *key;
    enum manifest_type type;
    const char *string;
    int64_t integer;
    double number;
    bool boolean;
};

struct plugin_config {
    struct atlas_config public; /* first: what the plugin points to */
    struct value *values;
    size_t count;
    char misuse[MISUSE_SIZE];
    uint8_t digest[DIGEST_SIZE];
    struct arena arena;
};

/* What reading one key needs. */
struct reading {
    const struct config_binding *binding;
    const struct config_node *node;
    const char *path;
    const struct manifest_key *key;
    struct value *value;
};

static void wrong_kind(const struct reading *reading)
{
    static const char *const expected[] = {
        "a string in quotes",
        "a whole number",
        "a number",
        "true or false",
        "a duration in quotes like \"5s\"",
        "a size in quotes like \"64KiB\"",
    };

    config_finding(reading->binding, reading->node, reading->path, reading->key->key,
                   "is %s: give %s", config_tree_describe(reading->binding->arena, reading->node),
                   expected[reading->key->type]);
}

static enum units_kind units_kind_of(enum manifest_type type)
{
    return type == MANIFEST_DURATION ? UNITS_DURATION_MS
           : type == MANIFEST_BYTES  ? UNITS_BYTES
                                     : UNITS_PLAIN;
}

/* A default was checked when the manifest was read. */
static void read_fallback(const struct manifest_key *key, struct value *value)
{
    char error[160];

    value->string = key->fallback;
    value->boolean = strcmp(key->fallback, "true") == 0;
    if (key->type == MANIFEST_NUMBER) {
        manifest_parse_number(key->fallback, &value->number);
    } else if (key->type != MANIFEST_STRING && key->type != MANIFEST_BOOLEAN) {
        units_parse(units_kind_of(key->type), key->fallback, key->bounds, &value->integer, error,
                    sizeof error);
    }
}

static void read_whole(const struct reading *reading)
{
    const struct config_node *node = reading->node;
    const struct manifest_key *key = reading->key;
    char error[160] = "";
    atlas_status_t status = ATLAS_OK;

    if (key->type == MANIFEST_INTEGER && node->kind == CONFIG_INTEGER) {
        reading->value->integer = node->integer;
        status = units_check(UNITS_PLAIN, node->integer, key->bounds, error, sizeof error);
    } else if (node->kind == CONFIG_STRING) {
        status = units_parse(units_kind_of(key->type), node->string, key->bounds,
                             &reading->value->integer, error, sizeof error);
    } else {
        wrong_kind(reading);
    }
    if (status != ATLAS_OK) {
        config_finding(reading->binding, node, reading->path, key->key, "%s", error);
    }
}

static void read_number(const struct reading *reading)
{
    const struct config_node *node = reading->node;
    const struct manifest_key *key = reading->key;
    double number = node->kind == CONFIG_INTEGER ? (double)node->integer : node->number;

    if (node->kind != CONFIG_INTEGER && node->kind != CONFIG_NUMBER) {
        wrong_kind(reading);
    } else if (!isfinite(number) || number < key->number_min || number > key->number_max) {
        config_finding(reading->binding, node, reading->path, key->key,
                       "%g is out of bounds: give a number from %g to %g", number, key->number_min,
                       key->number_max);
    }
    reading->value->number = number;
}

static void read_value(const struct reading *reading)
{
    const struct config_node *node = reading->node;

    switch (reading->key->type) {
    case MANIFEST_STRING:
        if (node->kind == CONFIG_STRING) {
            reading->value->string = memory_text(reading->binding->arena, node->string);
        } else {
            wrong_kind(reading);
        }
        break;
    case MANIFEST_BOOLEAN:
        if (node->kind == CONFIG_BOOLEAN) {
            reading->value->boolean = node->boolean;
        } else {
            wrong_kind(reading);
        }
        break;
    case MANIFEST_NUMBER:
        read_number(reading);
        break;
    default:
        read_whole(reading);
        break;
    }
}

static void read_keys(const struct config_binding *binding, const struct manifest *manifest,
                      const struct config_node *group, const char *path, const char *place,
                      struct plugin_config *config)
{
    for (size_t i = 0; i < manifest->key_count; i++) {
        const struct manifest_key *key = &manifest->keys[i];
        struct value *value = &config->values[i];
        struct reading reading = {binding, config_tree_find(group, key->key), path, key, value};

        value->key = memory_text(&config->arena, key->key);
        value->type = key->type;
        if (reading.node != NULL) {
            read_value(&reading);
        } else if (key->fallback != NULL) {
            read_fallback(key, value);
            value->string = memory_text(&config->arena, value->string);
        } else {
            report_add(binding->report,
                       "%s: %s.%s: is missing: the plugin has no default for this %s", place, path,
                       key->key, manifest_type_name(key->type));
        }
    }
}

static void find_unknown(const struct config_binding *binding, const struct manifest *manifest,
                         const struct config_node *group, const char *path)
{
    const char **known = memory_take(binding->arena, manifest->key_count, sizeof *known);

    for (size_t i = 0; i < manifest->key_count; i++) {
        known[i] = manifest->keys[i].key;
    }
    for (const struct config_node *node = group->first; node != NULL; node = node->next) {
        bool is_known = false;
        for (size_t i = 0; i < manifest->key_count && !is_known; i++) {
            is_known = strcmp(known[i], node->key) == 0;
        }
        if (!is_known) {
            config_unknown_key(binding, node, path, known, manifest->key_count);
        }
    }
}

/* "key=value" lines stand for the whole: a change of any of them is a change of the configuration.
 */
static void digest(struct plugin_config *config)
{
    struct digest_part part = {"", 0};
    const char *text = "";

    for (size_t i = 0; i < config->count; i++) {
        const struct value *value = &config->values[i];
        text = memory_format(&config->arena, "%s%s=%s|%" PRId64 "|%.17g|%d\n", text, value->key,
                             value->type == MANIFEST_STRING ? value->string : "", value->integer,
                             value->number, value->boolean);
    }
    part.data = text;
    part.len = strlen(text);
    digest_sha256(&part, 1, config->digest, NULL);
}

static const struct value *find(const struct atlas_config *public, const char *key,
                                enum manifest_type type)
{
    static const struct value absent = {.string = ""};
    const struct plugin_config *config = (const struct plugin_config *)(const void *)public;

    for (size_t i = 0; i < config->count; i++) {
        if (config->values[i].type == type && strcmp(config->values[i].key, key) == 0) {
            return &config->values[i];
        }
    }
    if (config->misuse[0] == '\0') {
        /* The object is ours and not constant; only the plugin sees it as such. */
        snprintf(((struct plugin_config *)(uintptr_t)config)->misuse, MISUSE_SIZE, "%s (%s)", key,
                 manifest_type_name(type));
    }
    return &absent;
}

static const char *get_string(const struct atlas_config *config, const char *key)
{
    return find(config, key, MANIFEST_STRING)->string;
}

static int64_t get_integer(const struct atlas_config *config, const char *key)
{
    return find(config, key, MANIFEST_INTEGER)->integer;
}

static double get_number(const struct atlas_config *config, const char *key)
{
    return find(config, key, MANIFEST_NUMBER)->number;
}

static bool get_boolean(const struct atlas_config *config, const char *key)
{
    return find(config, key, MANIFEST_BOOLEAN)->boolean;
}

static int64_t get_duration_ms(const struct atlas_config *config, const char *key)
{
    return find(config, key, MANIFEST_DURATION)->integer;
}

static int64_t get_bytes(const struct atlas_config *config, const char *key)
{
    return find(config, key, MANIFEST_BYTES)->integer;
}

struct plugin_config *plugin_config_create(const struct manifest *manifest,
                                           const struct config_node *group, const char *place,
                                           struct report *report)
{
    struct plugin_config *config = calloc(1, sizeof *config);
    size_t findings = report->count;

    if (config == NULL) {
        report_add(report, "plugin %s: no memory for its configuration", manifest->id);
        return NULL;
    }
    config->public =
        (struct atlas_config){sizeof config->public, get_string,      get_integer, get_number,
                              get_boolean,           get_duration_ms, get_bytes};
    arena_init(&config->arena, NULL, SIZE_MAX);
    config->count = manifest->key_count;
    config->values = memory_take(&config->arena, config->count, sizeof *config->values);

    struct config_binding binding = {&config->arena, report};
    const char *path = memory_format(&config->arena, "plugins.%s.config", manifest->id);
    if (group != NULL && group->kind != CONFIG_GROUP) {
        report_add(report, "%s: %s: is %s: give a group { }", place, path,
                   config_tree_describe(&config->arena, group));
        group = NULL;
    }
    read_keys(&binding, manifest, group, path, place, config);
    if (group != NULL) {
        find_unknown(&binding, manifest, group, path);
    }
    if (report->count != findings) {
        plugin_config_destroy(config);
        return NULL;
    }
    digest(config);
    return config;
}

void plugin_config_destroy(struct plugin_config *config)
{
    if (config != NULL) {
        arena_finish(&config->arena);
        free(config);
    }
}

const struct atlas_config *plugin_config_public(const struct plugin_config *config)
{
    return &config->public;
}

const char *plugin_config_misuse(const struct plugin_config *config)
{
    return config->misuse[0] == '\0' ? NULL : config->misuse;
}

const uint8_t *plugin_config_digest(const struct plugin_config *config)
{
    return config->digest;
}
