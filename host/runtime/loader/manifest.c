/* Strict reading of the manifest: a table of line kinds, one function each. */
#include "runtime/loader/manifest.h"

#include "atlas/manifest.h"
#include "base/memory.h"
#include "base/report.h"
#include "runtime/loader/elf_image.h"
#include "runtime/loader/manifest_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void read_plugin(struct manifest_line *line)
{
    struct manifest *manifest = line->manifest;
    unsigned parts[3];

    if (manifest->id[0] != '\0') {
        manifest_finding(line, "names the plugin a second time: keep one line");
        return;
    }
    if (line->count != 3 || !manifest_is_id(line->words[1], MANIFEST_ID_SIZE) ||
        !manifest_parse_version(line->words[2], parts) ||
        strlen(line->words[2]) >= MANIFEST_VERSION_SIZE) {
        manifest_finding(
            line, "is not \"plugin <id> <version>\": id like order_desk, version like 1.2.3");
        return;
    }
    memcpy(manifest->id, line->words[1], strlen(line->words[1]) + 1);
    memcpy(manifest->version, line->words[2], strlen(line->words[2]) + 1);
}

static void read_abi(struct manifest_line *line)
{
    struct manifest *manifest = line->manifest;
    unsigned parts[3];

    char text[32] = "";
    if (line->count == 2 && strlen(line->words[1]) < 16) {
        snprintf(text, sizeof text, "%s.0", line->words[1]);
    }
    if (!manifest_parse_version(text, parts) || parts[0] == 0) {
        manifest_finding(line, "is not \"abi <major>.<minor>\": leave it to ATLAS_PLUGIN_MANIFEST");
        return;
    }
    if (manifest->abi_major != 0) {
        manifest_finding(line, "names the ABI a second time: leave it to ATLAS_PLUGIN_MANIFEST");
        return;
    }
    manifest->abi_major = parts[0];
    manifest->abi_minor = parts[1];
}

bool manifest_names_have(const struct manifest_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void add_name(struct manifest_line *line, struct manifest_names *names)
{
    if (line->count != 2 || !manifest_is_dotted_name(line->words[1])) {
        manifest_finding(line, "is not \"%s <name>\" with one dotted name", line->words[0]);
        return;
    }
    if (manifest_names_have(names, line->words[1])) {
        manifest_finding(line, "names %s a second time: keep one line", line->words[1]);
        return;
    }
    if (names->items == NULL) {
        names->items =
            memory_take(&line->manifest->arena, MANIFEST_LINE_LIMIT, sizeof *names->items);
    }
    names->items[names->count++] = line->words[1];
}

static void read_requires(struct manifest_line *line)
{
    add_name(line, &line->manifest->required);
}

static void read_optional(struct manifest_line *line)
{
    add_name(line, &line->manifest->optional);
}

static void read_service(struct manifest_line *line)
{
    add_name(line, &line->manifest->services);
}

static void read_calls(struct manifest_line *line)
{
    add_name(line, &line->manifest->calls);
}

struct line_kind {
    const char *word;
    void (*read)(struct manifest_line *line);
};

static const struct line_kind line_kinds[] = {
    {"plugin", read_plugin},       {"abi", read_abi},         {"requires", read_requires},
    {"optional", read_optional},   {"service", read_service}, {"calls", read_calls},
    {"config", manifest_read_key},
};

/* Cuts a line into words at single blanks. False if there are blanks elsewhere or too many words.
 */
static bool split(struct manifest_line *line, char *text)
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
        if (p == start || line->count == MANIFEST_WORDS_MAX) {
            return false;
        }
        line->words[line->count++] = start;
        if (*p == '\0') {
            return true;
        }
        *p = '\0';
    }
}

static void read_line(struct manifest_line *line, char *text)
{
    if (!split(line, text)) {
        manifest_finding(line, "is not printable words with one blank between them");
        return;
    }
    for (size_t i = 0; i < COUNT(line_kinds); i++) {
        if (strcmp(line_kinds[i].word, line->words[0]) == 0) {
            line_kinds[i].read(line);
            return;
        }
    }
    manifest_finding(
        line, "starts with \"%s\", which this host does not know: the plugin may need a newer host",
        line->words[0]);
}

static void read_lines(struct manifest *manifest, char *text, const char *path,
                       struct report *report)
{
    struct manifest_line line = {.manifest = manifest, .report = report, .path = path};

    while (*text != '\0') {
        char *end = strchr(text, '\n');
        line.number++;
        if (end == NULL) {
            manifest_finding(&line, "does not end with a newline");
            return;
        }
        if (line.number > MANIFEST_LINE_LIMIT) {
            manifest_finding(&line, "is one too many: at most %d lines", MANIFEST_LINE_LIMIT);
            return;
        }
        *end = '\0';
        read_line(&line, text);
        text = end + 1;
    }
    if (manifest->id[0] == '\0') {
        manifest_finding(&line, "is the last, and none said \"plugin <id> <version>\"");
    }
    if (manifest->abi_major == 0) {
        manifest_finding(&line, "is the last, and none said \"abi <major>.<minor>\"");
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
    return manifest_names_have(&manifest->required, interface_id) ||
           manifest_names_have(&manifest->optional, interface_id);
}
