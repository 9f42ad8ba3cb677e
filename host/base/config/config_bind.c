/* Table-driven reading of groups. One reader per field type, chosen in read_field. */
#include "base/config/config_bind.h"

#include "base/memory.h"
#include "base/nearest.h"
#include "base/report.h"

#include <stdlib.h>
#include <string.h>

/* What a reader needs to know of the one key that it reads. */
struct reading {
    const struct config_binding *binding;
    const struct config_field *field;
    const struct config_node *node; /* NULL: the default is read */
    const char *path;
    void *member;
};

static const char *join(struct arena *arena, const char *path, const char *key)
{
    return path[0] == '\0' ? key : memory_format(arena, "%s.%s", path, key);
}

void config_finding(const struct config_binding *binding, const struct config_node *node,
                    const char *path, const char *key, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *text = memory_vformat(binding->arena, format, args);
    va_end(args);
    const char *place = node == NULL ? "configuration" : config_tree_place(binding->arena, node);
    report_add(binding->report, "%s: %s: %s", place, join(binding->arena, path, key), text);
}

static void wrong_type(const struct reading *reading, const char *expected)
{
    config_finding(reading->binding, reading->node, reading->path, reading->field->key,
                   "is %s: give %s", config_tree_describe(reading->binding->arena, reading->node),
                   expected);
}

/* The text of the key or of its default; NULL after a finding, or if there is nothing to read. */
static const char *text_of(const struct reading *reading, const char *expected)
{
    if (reading->node == NULL) {
        return reading->field->fallback;
    }
    if (reading->node->kind != CONFIG_STRING) {
        wrong_type(reading, expected);
        return NULL;
    }
    return reading->node->string;
}

static void read_text(const struct reading *reading)
{
    const char *text = text_of(reading, "a string in quotes");

    if (text != NULL && reading->field->type == CONFIG_FIELD_PATH && reading->node != NULL &&
        text[0] != '\0') {
        text = config_tree_path(reading->binding->arena, reading->node, text);
    }
    *(const char **)reading->member =
        text == NULL ? "" : memory_text(reading->binding->arena, text);
}

static void read_units(const struct reading *reading, enum units_kind kind, const char *expected)
{
    const struct config_field *field = reading->field;
    const char *text = NULL;
    char error[160];
    int64_t *member = reading->member;
    atlas_status_t status = ATLAS_OK;

    if (reading->node != NULL && kind == UNITS_PLAIN && reading->node->kind == CONFIG_INTEGER) {
        status = units_check(kind, reading->node->integer, field->bounds, error, sizeof error);
        *member = reading->node->integer;
    } else {
        text = text_of(reading, expected);
        if (text == NULL) {
            return;
        }
        status = units_parse(kind, text, field->bounds, member, error, sizeof error);
    }
    if (status != ATLAS_OK) {
        config_finding(reading->binding, reading->node, reading->path, field->key, "%s", error);
    }
}

static void read_flag(const struct reading *reading)
{
    if (reading->node == NULL) {
        *(bool *)reading->member = strcmp(reading->field->fallback, "true") == 0;
    } else if (reading->node->kind == CONFIG_BOOLEAN) {
        *(bool *)reading->member = reading->node->boolean;
    } else {
        wrong_type(reading, "true or false");
    }
}

static void read_choice(const struct reading *reading)
{
    const char *text = text_of(reading, "one of its words in quotes");
    const char *const *choices = reading->field->choices;
    size_t count = 0;

    if (text == NULL) {
        return;
    }
    for (; choices[count] != NULL; count++) {
        if (strcmp(choices[count], text) == 0) {
            *(int *)reading->member = (int)count;
            return;
        }
    }

    const char *list = choices[0];
    for (size_t i = 1; i < count; i++) {
        list = memory_format(reading->binding->arena, "%s, %s", list, choices[i]);
    }
    config_finding(reading->binding, reading->node, reading->path, reading->field->key,
                   "\"%s\" is not known: choose one of %s", text, list);
}

bool config_parse_address(struct arena *arena, const char *text, struct config_address *ret_address)
{
    const char *colon = strrchr(text, ':');
    const char *start = text;
    size_t host_len = 0;
    int64_t port = 0;
    char error[160];

    if (colon == NULL || colon == text) {
        return false;
    }
    host_len = (size_t)(colon - text);
    if (text[0] == '[' && colon[-1] == ']' && host_len > 2) {
        start++;
        host_len -= 2;
    } else if (memchr(text, ':', host_len) != NULL) {
        return false;
    }
    if (units_parse(UNITS_PLAIN, colon + 1, (struct units_bounds){1, UINT16_MAX}, &port, error,
                    sizeof error) != ATLAS_OK) {
        return false;
    }
    ret_address->text = memory_text(arena, text);
    ret_address->host = memory_format(arena, "%.*s", (int)host_len, start);
    ret_address->port = (uint16_t)port;
    return true;
}

static void read_address(const struct reading *reading)
{
    const char *text = text_of(reading, "an address like \"127.0.0.1:8085\"");

    if (text == NULL || text[0] == '\0') {
        return;
    }
    if (!config_parse_address(reading->binding->arena, text, reading->member)) {
        config_finding(reading->binding, reading->node, reading->path, reading->field->key,
                       "\"%s\" is no address: write host:port like \"127.0.0.1:8085\" or "
                       "\"[::1]:8085\", port 1 to 65535",
                       text);
    }
}

static void read_texts(const struct reading *reading)
{
    struct config_texts *member = reading->member;
    const struct config_node *node = reading->node;
    size_t count = 0;

    if (node == NULL) {
        return;
    }
    if (node->kind != CONFIG_LIST) {
        wrong_type(reading, "a list of strings like [ \"a\", \"b\" ]");
        return;
    }
    for (const struct config_node *item = node->first; item != NULL; item = item->next) {
        count++;
    }
    member->items = memory_take(reading->binding->arena, count, sizeof *member->items);
    for (const struct config_node *item = node->first; item != NULL; item = item->next) {
        if (item->kind != CONFIG_STRING) {
            wrong_type(reading, "a list of strings like [ \"a\", \"b\" ]");
            continue;
        }
        member->items[member->count++] = item->string;
    }
}

static void read_field(const struct reading *reading)
{
    switch (reading->field->type) {
    case CONFIG_FIELD_TEXT:
    case CONFIG_FIELD_PATH:
        read_text(reading);
        break;
    case CONFIG_FIELD_WHOLE:
        read_units(reading, UNITS_PLAIN, "a whole number");
        break;
    case CONFIG_FIELD_DURATION:
        read_units(reading, UNITS_DURATION_MS, "a duration in quotes like \"5s\"");
        break;
    case CONFIG_FIELD_SIZE:
        read_units(reading, UNITS_BYTES, "a size in quotes like \"64KiB\"");
        break;
    case CONFIG_FIELD_FLAG:
        read_flag(reading);
        break;
    case CONFIG_FIELD_CHOICE:
        read_choice(reading);
        break;
    case CONFIG_FIELD_ADDRESS:
        read_address(reading);
        break;
    case CONFIG_FIELD_TEXTS:
        read_texts(reading);
        break;
    case CONFIG_FIELD_TREE:
        *(const struct config_node **)reading->member = reading->node;
        break;
    }
}

void config_unknown_key(const struct config_binding *binding, const struct config_node *node,
                        const char *path, const char *const *known, size_t count)
{
    const char *near = nearest_word(node->key, known, count);

    if (near != NULL) {
        config_finding(binding, node, path, node->key, "is not known: did you mean \"%s\"?", near);
    } else {
        config_finding(binding, node, path, node->key, "is not known: remove it");
    }
}

static void find_unknown_keys(const struct config_binding *binding, const struct config_node *group,
                              const char *path, const struct config_field *fields, size_t count)
{
    const char **known = memory_take(binding->arena, count, sizeof *known);

    for (size_t i = 0; i < count; i++) {
        known[i] = fields[i].key;
    }
    for (const struct config_node *node = group->first; node != NULL; node = node->next) {
        bool is_known = false;
        for (size_t i = 0; i < count && !is_known; i++) {
            is_known = strcmp(known[i], node->key) == 0;
        }
        if (!is_known) {
            config_unknown_key(binding, node, path, known, count);
        }
    }
}

void config_bind(const struct config_binding *binding, const struct config_node *group,
                 const char *path, const struct config_field *fields, size_t count, void *target)
{
    if (group != NULL && group->kind != CONFIG_GROUP) {
        report_add(binding->report, "%s: %s: is %s: give a group { }",
                   config_tree_place(binding->arena, group), path,
                   config_tree_describe(binding->arena, group));
        group = NULL;
    }
    for (size_t i = 0; i < count; i++) {
        struct reading reading = {binding, &fields[i], config_tree_find(group, fields[i].key), path,
                                  (char *)target + fields[i].offset};
        if (reading.node == NULL && fields[i].fallback == NULL) {
            config_finding(binding, group, path, fields[i].key, "is missing: it must be given");
            continue;
        }
        read_field(&reading);
    }
    if (group != NULL) {
        find_unknown_keys(binding, group, path, fields, count);
    }
}
