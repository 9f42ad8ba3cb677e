#include "testhost_manifest.h"

#include "atlas/manifest.h"
#include "testhost_misuse.h"

#include <elf.h>
#include <stdlib.h>

/* --- The note -----------------------------------------------------------------------------------
 */

static size_t padded(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

/* The text of our note in a segment of notes, NULL if it is not there. */
static const char *find_note(const char *notes, size_t size)
{
    Elf64_Nhdr header;

    for (size_t at = 0; at + sizeof header <= size;) {
        size_t name = at + sizeof header;

        memcpy(&header, notes + at, sizeof header);
        if (header.n_type == ATLAS_NOTE_MANIFEST && header.n_namesz == sizeof ATLAS_NOTE_OWNER &&
            name + padded(header.n_namesz) + header.n_descsz <= size &&
            memcmp(notes + name, ATLAS_NOTE_OWNER, sizeof ATLAS_NOTE_OWNER) == 0) {
            return notes + name + padded(header.n_namesz);
        }
        at = name + padded(header.n_namesz) + padded(header.n_descsz);
    }
    return NULL;
}

static const char *find_manifest(const char *file, size_t size)
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    const char *text = NULL;

    if (size < sizeof header) {
        return NULL;
    }
    memcpy(&header, file, sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        return NULL;
    }
    for (size_t i = 0; i < header.e_phnum && text == NULL; i++) {
        size_t at = header.e_phoff + i * header.e_phentsize;

        if (at + sizeof segment > size) {
            return NULL;
        }
        memcpy(&segment, file + at, sizeof segment);
        if (segment.p_type == PT_NOTE && segment.p_offset + segment.p_filesz <= size) {
            text = find_note(file + segment.p_offset, segment.p_filesz);
        }
    }
    return text;
}

const char *manifest_read(struct arena *arena, const char *path)
{
    FILE *stream = fopen(path, "rb");
    struct arena whole = {NULL};
    const char *text = NULL;
    char *file;
    size_t size;

    if (stream == NULL) {
        return NULL;
    }
    fseek(stream, 0, SEEK_END);
    size = (size_t)ftell(stream);
    rewind(stream);
    file = arena_alloc(&whole, size);
    if (fread(file, 1, size, stream) == size) {
        text = find_manifest(file, size);
    }
    fclose(stream);
    text = text != NULL ? arena_text(arena, text) : NULL;
    arena_free(&whole);
    return text;
}

bool manifest_has(const char *manifest, const char *word, const char *value)
{
    char line[256];
    const char *at = manifest;
    size_t len = (size_t)snprintf(line, sizeof line, "%s %s", word, value);

    while ((at = strstr(at, line)) != NULL) {
        if ((at == manifest || at[-1] == '\n') && (at[len] == '\n' || at[len] == '\0')) {
            return true;
        }
        at += len;
    }
    return false;
}

/* --- Configuration keys -------------------------------------------------------------------------
 */

/* "config <key> <type> [default=] [min=] [max=]", already cut into a line of its own. */
static void read_key(struct testhost *host, char *line)
{
    struct config_key *key = &host->keys[host->key_count];
    char *rest = NULL;

    strtok_r(line, " ", &rest);
    key->name = strtok_r(NULL, " ", &rest);
    key->type = strtok_r(NULL, " ", &rest);
    if (key->name == NULL || key->type == NULL || host->key_count + 1 == ATLAS_COUNT(host->keys)) {
        testhost_misuse("manifest: a config line needs a key and a type, and there is room for %zu",
                        ATLAS_COUNT(host->keys));
    }
    for (char *word; (word = strtok_r(NULL, " ", &rest)) != NULL;) {
        if (strncmp(word, "default=", 8) == 0) {
            key->value = word + 8;
        } else if (strncmp(word, "min=", 4) == 0) {
            key->min = word + 4;
        } else if (strncmp(word, "max=", 4) == 0) {
            key->max = word + 4;
        }
    }
    host->key_count++;
}

void manifest_read_keys(struct testhost *host)
{
    char *lines = arena_text(&host->life, host->manifest);
    char *rest = NULL;

    for (char *line = strtok_r(lines, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "config ", 7) == 0) {
            read_key(host, line);
        }
    }
}

/* --- Values -------------------------------------------------------------------------------------
 */

struct unit {
    const char *name;
    double factor;
};

static const struct unit durations[] = {{"ms", 1}, {"s", 1e3}, {"m", 6e4}, {"h", 36e5}, {NULL, 0}};
static const struct unit sizes[] = {
    {"", 1}, {"B", 1}, {"KiB", 1024}, {"MiB", 1048576.}, {"GiB", 1073741824.}, {NULL, 0}};
static const struct unit plain[] = {{"", 1}, {NULL, 0}};

static const struct unit *units_of(const char *type)
{
    if (strcmp(type, "duration") == 0) {
        return durations;
    }
    return strcmp(type, "bytes") == 0 ? sizes : plain;
}

static bool parse(const char *type, const char *text, double *ret_value)
{
    char *end;
    double value = strtod(text, &end);

    for (const struct unit *unit = units_of(type); end != text && unit->name != NULL; unit++) {
        if (strcmp(end, unit->name) == 0) {
            *ret_value = value * unit->factor;
            return true;
        }
    }
    return false;
}

static bool is_of_type(const struct config_key *key, double *ret_value)
{
    if (strcmp(key->type, "string") == 0) {
        return true;
    }
    if (strcmp(key->type, "boolean") == 0) {
        return strcmp(key->value, "true") == 0 || strcmp(key->value, "false") == 0;
    }
    return parse(key->type, key->value, ret_value);
}

static atlas_status_t check_key(const struct config_key *key, char *text, size_t text_size)
{
    double value = 0;
    double bound;

    if (key->value == NULL) {
        snprintf(text, text_size, "%s: must be given", key->name);
        return ATLAS_INVALID_ARGUMENT;
    }
    if (!is_of_type(key, &value)) {
        snprintf(text, text_size, "%s: \"%s\" is no %s", key->name, key->value, key->type);
        return ATLAS_INVALID_ARGUMENT;
    }
    if ((key->min != NULL && parse(key->type, key->min, &bound) && value < bound) ||
        (key->max != NULL && parse(key->type, key->max, &bound) && value > bound)) {
        snprintf(text, text_size, "%s: %s is out of bounds", key->name, key->value);
        return ATLAS_INVALID_ARGUMENT;
    }
    return ATLAS_OK;
}

atlas_status_t config_check(struct testhost *host, char *text, size_t text_size)
{
    for (size_t i = 0; i < host->key_count; i++) {
        atlas_status_t status = check_key(&host->keys[i], text, text_size);

        if (status != ATLAS_OK) {
            return status;
        }
    }
    return ATLAS_OK;
}

static const char *find_value(const struct atlas_config *config, const char *name, const char *type)
{
    const struct testhost *host =
        (const struct testhost *)(const void *)((const char *)config -
                                                offsetof(struct testhost, config));

    for (size_t i = 0; i < host->key_count; i++) {
        if (strcmp(host->keys[i].name, name) == 0 && strcmp(host->keys[i].type, type) == 0) {
            return host->keys[i].value;
        }
    }
    testhost_misuse("the plugin reads the key %s as %s: its manifest does not declare that", name,
                    type);
}

static double find_number(const struct atlas_config *config, const char *name, const char *type)
{
    double value = 0;

    parse(type, find_value(config, name, type), &value);
    return value;
}

static const char *config_string(const struct atlas_config *config, const char *key)
{
    return find_value(config, key, "string");
}

static int64_t config_integer(const struct atlas_config *config, const char *key)
{
    return strtoll(find_value(config, key, "integer"), NULL, 10);
}

static double config_number(const struct atlas_config *config, const char *key)
{
    return find_number(config, key, "number");
}

static bool config_boolean(const struct atlas_config *config, const char *key)
{
    return strcmp(find_value(config, key, "boolean"), "true") == 0;
}

static int64_t config_duration_ms(const struct atlas_config *config, const char *key)
{
    return (int64_t)find_number(config, key, "duration");
}

static int64_t config_bytes(const struct atlas_config *config, const char *key)
{
    return (int64_t)find_number(config, key, "bytes");
}

const struct atlas_config config_functions = {
    .size = sizeof(struct atlas_config),
    .string = config_string,
    .integer = config_integer,
    .number = config_number,
    .boolean = config_boolean,
    .duration_ms = config_duration_ms,
    .bytes = config_bytes,
};
