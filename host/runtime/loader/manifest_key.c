/* "config <key> <type> [default=] [min=] [max=]": the keys of a plugin's configuration. */
#include "base/memory.h"
#include "runtime/loader/manifest_line.h"

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const type_names[] = {"string",  "integer",  "number",
                                         "boolean", "duration", "bytes"};

const char *manifest_type_name(enum manifest_type type)
{
    return type_names[type];
}

static bool find_type(const char *name, enum manifest_type *ret_type)
{
    for (size_t i = 0; i < COUNT(type_names); i++) {
        if (strcmp(type_names[i], name) == 0) {
            *ret_type = (enum manifest_type)i;
            return true;
        }
    }
    return false;
}

static bool units_kind_of(enum manifest_type type, enum units_kind *ret_kind)
{
    *ret_kind = type == MANIFEST_DURATION ? UNITS_DURATION_MS
                : type == MANIFEST_BYTES  ? UNITS_BYTES
                                          : UNITS_PLAIN;
    return type == MANIFEST_INTEGER || type == MANIFEST_DURATION || type == MANIFEST_BYTES;
}

/* A value of the key's type, inside the bounds that are known so far. */
static bool check_value(struct manifest_line *line, const struct manifest_key *key,
                        const char *text, int64_t *ret_integer, double *ret_number)
{
    enum units_kind kind = UNITS_PLAIN;
    char error[160];

    if (units_kind_of(key->type, &kind)) {
        if (units_parse(kind, text, key->bounds, ret_integer, error, sizeof error) != ATLAS_OK) {
            manifest_finding(line, "%s", error);
            return false;
        }
    } else if (key->type == MANIFEST_NUMBER) {
        if (!manifest_parse_number(text, ret_number) || *ret_number < key->number_min ||
            *ret_number > key->number_max) {
            manifest_finding(line, "\"%s\" is no number between its min and max", text);
            return false;
        }
    } else if (key->type == MANIFEST_BOOLEAN && strcmp(text, "true") != 0 &&
               strcmp(text, "false") != 0) {
        manifest_finding(line, "\"%s\" is neither true nor false", text);
        return false;
    }
    return true;
}

/* min= or max=: bounds of a type that can be compared. */
static void read_bound(struct manifest_line *line, struct manifest_key *key, const char *text,
                       bool is_min)
{
    int64_t integer = 0;
    double number = 0;
    enum units_kind kind = UNITS_PLAIN;

    if (key->type != MANIFEST_NUMBER && !units_kind_of(key->type, &kind)) {
        manifest_finding(line, "a %s has no min or max: remove it", type_names[key->type]);
    } else if (check_value(line, key, text, &integer, &number)) {
        *(is_min ? &key->bounds.min : &key->bounds.max) = integer;
        *(is_min ? &key->number_min : &key->number_max) = number;
    }
}

static void read_attributes(struct manifest_line *line, struct manifest_key *key)
{
    int64_t integer = 0;
    double number = 0;

    for (size_t i = 3; i < line->count; i++) {
        const char *word = line->words[i];
        if (strncmp(word, "min=", 4) == 0) {
            read_bound(line, key, word + 4, true);
        } else if (strncmp(word, "max=", 4) == 0) {
            read_bound(line, key, word + 4, false);
        } else if (strncmp(word, "default=", 8) == 0 && key->fallback == NULL) {
            key->fallback = word + 8;
        } else {
            manifest_finding(
                line,
                "\"%s\" is not understood: after the type come default=, min= and max=, "
                "each once, and no value holds a blank",
                word);
        }
    }
    if (key->fallback != NULL) {
        check_value(line, key, key->fallback, &integer, &number);
    }
}

void manifest_read_key(struct manifest_line *line)
{
    struct manifest *manifest = line->manifest;
    struct manifest_key key = {
        .bounds = {INT64_MIN, INT64_MAX}, .number_min = -HUGE_VAL, .number_max = HUGE_VAL};

    if (line->count > 1 && !manifest_is_id(line->words[1], MANIFEST_NAME_MAX_LEN)) {
        manifest_finding(line, "\"%s\" cannot be a key: write it like create_delay, with [a-z0-9_]",
                         line->words[1]);
        return;
    }
    if (line->count < 3 || !find_type(line->words[2], &key.type)) {
        manifest_finding(line,
                         "is not \"config <key> <type> [default=] [min=] [max=]\": type is string, "
                         "integer, number, boolean, duration or bytes");
        return;
    }
    key.key = line->words[1];
    if (key.type == MANIFEST_DURATION || key.type == MANIFEST_BYTES) {
        key.bounds.min = 0;
    }
    for (size_t i = 0; i < manifest->key_count; i++) {
        if (strcmp(manifest->keys[i].key, key.key) == 0) {
            manifest_finding(line, "declares %s a second time: keep one line", key.key);
            return;
        }
    }
    read_attributes(line, &key);
    if (manifest->keys == NULL) {
        manifest->keys = memory_take(&manifest->arena, MANIFEST_LINE_LIMIT, sizeof *manifest->keys);
    }
    manifest->keys[manifest->key_count++] = key;
}
