/* Strict reading of the manifest: a table of line kinds, one function each. */
#include "runtime/manifest.h"

#include "atlas/manifest.h"
#include "base/memory.h"
#include "base/report.h"
#include "runtime/elf_image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX    8
#define NAME_MAX_LEN 128
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The line that is read, and what it goes to. */
struct line {
    struct manifest *manifest;
    struct report *report;
    const char *path;
    unsigned number;
    char *words[WORDS_MAX];
    size_t count;
};

static const char *const type_names[] = {"string",  "integer",  "number",
                                         "boolean", "duration", "bytes"};

const char *manifest_type_name(enum manifest_type type)
{
    return type_names[type];
}

__attribute__((format(printf, 2, 3))) static void finding(const struct line *line,
                                                          const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report_add(line->report, "%s: manifest line %u: %s", line->path, line->number,
               memory_vformat(&line->manifest->arena, format, args));
    va_end(args);
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* [a-z][a-z0-9_]* of bounded length. */
static bool is_id(const char *text, size_t limit)
{
    size_t len = strlen(text);

    if (!is_letter(text[0]) || len >= limit) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_letter(text[i]) && !is_digit(text[i]) && text[i] != '_') {
            return false;
        }
    }
    return true;
}

/* A dotted name of a service or an interface: letters, digits and . _ / between them. */
static bool is_dotted_name(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        bool is_plain = is_letter(text[i]) || is_digit(text[i]) || text[i] == '_' ||
                        (text[i] >= 'A' && text[i] <= 'Z');
        bool is_separator = (text[i] == '.' || text[i] == '/') && i > 0 && i + 1 < len;
        if (!is_plain && !is_separator) {
            return false;
        }
    }
    return len > 0 && len < NAME_MAX_LEN && strchr(text, '.') != NULL;
}

bool manifest_parse_version(const char *text, unsigned ret_parts[3])
{
    const char *p = text;

    for (int i = 0; i < 3; i++) {
        unsigned value = 0;
        const char *start = p;
        for (; is_digit(*p) && p - start < 6; p++) {
            value = value * 10 + (unsigned)(*p - '0');
        }
        bool is_good =
            p != start && (*start != '0' || p == start + 1) && *p == (i < 2 ? '.' : '\0');
        if (!is_good) {
            return false;
        }
        ret_parts[i] = value;
        p++;
    }
    return true;
}

bool manifest_parse_number(const char *text, double *ret_number)
{
    char *end = NULL;
    double value = strtod(text, &end);

    if ((text[0] != '-' && !is_digit(text[0])) || *end != '\0' || !isfinite(value)) {
        return false;
    }
    *ret_number = value;
    return true;
}

static void read_plugin(struct line *line)
{
    struct manifest *manifest = line->manifest;
    unsigned parts[3];

    if (manifest->id[0] != '\0') {
        finding(line, "names the plugin a second time: keep one line");
        return;
    }
    if (line->count != 3 || !is_id(line->words[1], MANIFEST_ID_SIZE) ||
        !manifest_parse_version(line->words[2], parts) ||
        strlen(line->words[2]) >= MANIFEST_VERSION_SIZE) {
        finding(line, "is not \"plugin <id> <version>\": id like order_desk, version like 1.2.3");
        return;
    }
    memcpy(manifest->id, line->words[1], strlen(line->words[1]) + 1);
    memcpy(manifest->version, line->words[2], strlen(line->words[2]) + 1);
}

static void read_abi(struct line *line)
{
    struct manifest *manifest = line->manifest;
    unsigned parts[3];

    char text[32] = "";
    if (line->count == 2 && strlen(line->words[1]) < 16) {
        snprintf(text, sizeof text, "%s.0", line->words[1]);
    }
    if (!manifest_parse_version(text, parts) || parts[0] == 0) {
        finding(line, "is not \"abi <major>.<minor>\": leave it to ATLAS_PLUGIN_MANIFEST");
        return;
    }
    if (manifest->abi_major != 0) {
        finding(line, "names the ABI a second time: leave it to ATLAS_PLUGIN_MANIFEST");
        return;
    }
    manifest->abi_major = parts[0];
    manifest->abi_minor = parts[1];
}

static bool has_name(const struct manifest_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void add_name(struct line *line, struct manifest_names *names)
{
    if (line->count != 2 || !is_dotted_name(line->words[1])) {
        finding(line, "is not \"%s <name>\" with one dotted name", line->words[0]);
        return;
    }
    if (has_name(names, line->words[1])) {
        finding(line, "names %s a second time: keep one line", line->words[1]);
        return;
    }
    if (names->items == NULL) {
        names->items =
            memory_take(&line->manifest->arena, MANIFEST_LINE_LIMIT, sizeof *names->items);
    }
    names->items[names->count++] = line->words[1];
}

static void read_requires(struct line *line)
{
    add_name(line, &line->manifest->required);
}

static void read_optional(struct line *line)
{
    add_name(line, &line->manifest->optional);
}

static void read_service(struct line *line)
{
    add_name(line, &line->manifest->services);
}

static void read_calls(struct line *line)
{
    add_name(line, &line->manifest->calls);
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
static bool check_value(struct line *line, const struct manifest_key *key, const char *text,
                        int64_t *ret_integer, double *ret_number)
{
    enum units_kind kind = UNITS_PLAIN;
    char error[160];

    if (units_kind_of(key->type, &kind)) {
        if (units_parse(kind, text, key->bounds, ret_integer, error, sizeof error) != ATLAS_OK) {
            finding(line, "%s", error);
            return false;
        }
    } else if (key->type == MANIFEST_NUMBER) {
        if (!manifest_parse_number(text, ret_number) || *ret_number < key->number_min ||
            *ret_number > key->number_max) {
            finding(line, "\"%s\" is no number between its min and max", text);
            return false;
        }
    } else if (key->type == MANIFEST_BOOLEAN && strcmp(text, "true") != 0 &&
               strcmp(text, "false") != 0) {
        finding(line, "\"%s\" is neither true nor false", text);
        return false;
    }
    return true;
}

/* min= or max=: bounds of a type that can be compared. */
static void read_bound(struct line *line, struct manifest_key *key, const char *text, bool is_min)
{
    int64_t integer = 0;
    double number = 0;
    enum units_kind kind = UNITS_PLAIN;

    if (key->type != MANIFEST_NUMBER && !units_kind_of(key->type, &kind)) {
        finding(line, "a %s has no min or max: remove it", type_names[key->type]);
    } else if (check_value(line, key, text, &integer, &number)) {
        *(is_min ? &key->bounds.min : &key->bounds.max) = integer;
        *(is_min ? &key->number_min : &key->number_max) = number;
    }
}

static void read_attributes(struct line *line, struct manifest_key *key)
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
            finding(line,
                    "\"%s\" is not understood: after the type come default=, min= and max=, "
                    "each once",
                    word);
        }
    }
    if (key->fallback != NULL) {
        check_value(line, key, key->fallback, &integer, &number);
    }
}

static void read_config(struct line *line)
{
    struct manifest *manifest = line->manifest;
    struct manifest_key key = {
        .bounds = {INT64_MIN, INT64_MAX}, .number_min = -HUGE_VAL, .number_max = HUGE_VAL};

    if (line->count < 3 || !is_id(line->words[1], NAME_MAX_LEN) ||
        !find_type(line->words[2], &key.type)) {
        finding(line, "is not \"config <key> <type> [default=] [min=] [max=]\": type is string, "
                      "integer, number, boolean, duration or bytes");
        return;
    }
    key.key = line->words[1];
    if (key.type == MANIFEST_DURATION || key.type == MANIFEST_BYTES) {
        key.bounds.min = 0;
    }
    for (size_t i = 0; i < manifest->key_count; i++) {
        if (strcmp(manifest->keys[i].key, key.key) == 0) {
            finding(line, "declares %s a second time: keep one line", key.key);
            return;
        }
    }
    read_attributes(line, &key);
    if (manifest->keys == NULL) {
        manifest->keys = memory_take(&manifest->arena, MANIFEST_LINE_LIMIT, sizeof *manifest->keys);
    }
    manifest->keys[manifest->key_count++] = key;
}

struct line_kind {
    const char *word;
    void (*read)(struct line *line);
};

static const struct line_kind line_kinds[] = {
    {"plugin", read_plugin},     {"abi", read_abi},         {"requires", read_requires},
    {"optional", read_optional}, {"service", read_service}, {"calls", read_calls},
    {"config", read_config},
};

/* Cuts a line into words at single blanks. False if there are blanks elsewhere or too many words.
 */
static bool split(struct line *line, char *text)
{
    line->count = 0;
    for (char *p = text;; p++) {
        char *start = p;
        while (*p != ' ' && *p != '\0') {
            if (*p < '!' || *p > '~') {
                return false;
            }
            p++;
        }
        if (p == start || line->count == WORDS_MAX) {
            return false;
        }
        line->words[line->count++] = start;
        if (*p == '\0') {
            return true;
        }
        *p = '\0';
    }
}

static void read_line(struct line *line, char *text)
{
    if (!split(line, text)) {
        finding(line, "is not printable words with one blank between them");
        return;
    }
    for (size_t i = 0; i < COUNT(line_kinds); i++) {
        if (strcmp(line_kinds[i].word, line->words[0]) == 0) {
            line_kinds[i].read(line);
            return;
        }
    }
    finding(line,
            "starts with \"%s\", which this host does not know: the plugin may need a newer host",
            line->words[0]);
}

static void read_lines(struct manifest *manifest, char *text, const char *path,
                       struct report *report)
{
    struct line line = {.manifest = manifest, .report = report, .path = path};

    while (*text != '\0') {
        char *end = strchr(text, '\n');
        line.number++;
        if (end == NULL) {
            finding(&line, "does not end with a newline");
            return;
        }
        if (line.number > MANIFEST_LINE_LIMIT) {
            finding(&line, "is one too many: at most %d lines", MANIFEST_LINE_LIMIT);
            return;
        }
        *end = '\0';
        read_line(&line, text);
        text = end + 1;
    }
    if (manifest->id[0] == '\0') {
        finding(&line, "is the last, and none said \"plugin <id> <version>\"");
    }
    if (manifest->abi_major == 0) {
        finding(&line, "is the last, and none said \"abi <major>.<minor>\"");
    }
}

struct manifest *manifest_parse(const char *text, size_t len, const char *path,
                                struct report *report)
{
    struct manifest *manifest = calloc(1, sizeof *manifest);
    size_t findings = report->count;

    if (manifest == NULL) {
        report_add(report, "%s: no memory to read the manifest", path);
        return NULL;
    }
    arena_init(&manifest->arena, NULL, SIZE_MAX);
    if (len > 0 && text[len - 1] == '\0') {
        len--;
    }
    if (len > MANIFEST_TEXT_LIMIT || memchr(text, '\0', len) != NULL) {
        report_add(report,
                   "%s: the manifest is longer than 64KiB or holds a NUL: rebuild the plugin",
                   path);
    } else {
        char *copy = memory_take(&manifest->arena, len + 1, 1);
        memcpy(copy, text, len);
        read_lines(manifest, copy, path, report);
    }
    if (report->count != findings) {
        manifest_destroy(manifest);
        return NULL;
    }
    return manifest;
}

/* Serialized messages of the same type that follow each other are one merged message (protobuf). */
static void join_descriptors(const struct elf_image *image, struct manifest *manifest)
{
    struct elf_note note = {0};
    size_t len = 0;

    while (elf_image_next_note(image, ATLAS_NOTE_OWNER, &note)) {
        len += note.type == ATLAS_NOTE_DESCRIPTORS ? note.len : 0;
    }
    if (len == 0) {
        return;
    }
    manifest->descriptors = memory_take(&manifest->arena, len, 1);
    note = (struct elf_note){0};
    while (elf_image_next_note(image, ATLAS_NOTE_OWNER, &note)) {
        if (note.type == ATLAS_NOTE_DESCRIPTORS) {
            memcpy(manifest->descriptors + manifest->descriptors_len, note.data, note.len);
            manifest->descriptors_len += note.len;
        }
    }
}

struct manifest *manifest_read(const struct elf_image *image, const char *path,
                               struct report *report)
{
    struct elf_note note = {0};
    struct elf_note found = {0};
    size_t count = 0;

    while (elf_image_next_note(image, ATLAS_NOTE_OWNER, &note)) {
        if (note.type == ATLAS_NOTE_MANIFEST) {
            found = note;
            count++;
        }
    }
    if (count != 1) {
        report_add(report,
                   "%s: has %s manifest: put ATLAS_PLUGIN_MANIFEST of atlas/manifest.h once into "
                   "the plugin",
                   path, count == 0 ? "no" : "more than one");
        return NULL;
    }

    struct manifest *manifest = manifest_parse((const char *)found.data, found.len, path, report);
    if (manifest != NULL) {
        join_descriptors(image, manifest);
    }
    return manifest;
}

void manifest_destroy(struct manifest *manifest)
{
    if (manifest != NULL) {
        arena_finish(&manifest->arena);
        free(manifest);
    }
}

bool manifest_asks_for(const struct manifest *manifest, const char *interface_id)
{
    return has_name(&manifest->required, interface_id) ||
           has_name(&manifest->optional, interface_id);
}
