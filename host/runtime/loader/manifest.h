/*
 * A plugin's manifest and descriptors, read from its file without running it. The format is in
 * atlas/manifest.h; what does not follow it to the letter is refused.
 */
#ifndef RUNTIME_LOADER_MANIFEST_H
#define RUNTIME_LOADER_MANIFEST_H

#include "base/arena.h"
#include "base/error.h"
#include "base/units.h"

struct elf_image;
struct report;

#define MANIFEST_ID_SIZE      64
#define MANIFEST_VERSION_SIZE 32
#define MANIFEST_TEXT_LIMIT   (64 * 1024)
#define MANIFEST_LINE_LIMIT   512

enum manifest_type {
    MANIFEST_STRING = 0,
    MANIFEST_INTEGER = 1,
    MANIFEST_NUMBER = 2,
    MANIFEST_BOOLEAN = 3,
    MANIFEST_DURATION = 4, /* milliseconds */
    MANIFEST_BYTES = 5,
};

/* One "config" line. */
struct manifest_key {
    const char *key;
    enum manifest_type type;
    const char *fallback;       /* as written; NULL: the key must be given */
    struct units_bounds bounds; /* integer, duration, bytes */
    double number_min;          /* number */
    double number_max;
};

struct manifest_names {
    const char **items;
    size_t count;
};

struct manifest {
    char id[MANIFEST_ID_SIZE];
    char version[MANIFEST_VERSION_SIZE];
    unsigned abi_major;
    unsigned abi_minor;
    struct manifest_names required; /* interfaces */
    struct manifest_names optional; /* interfaces */
    struct manifest_names services;
    struct manifest_names calls; /* services of others */
    struct manifest_key *keys;
    size_t key_count;
    unsigned char *descriptors; /* a google.protobuf.FileDescriptorSet; NULL: none in the file */
    size_t descriptors_len;
    struct arena arena; /* everything above lives here */
};

/*
 * Reads the notes of an image; several descriptor notes are joined. Everything wrong goes to the
 * report as "path: manifest line 3: ..."; NULL if anything is. The result belongs to the caller and
 * does not refer to the image.
 */
struct manifest *manifest_read(const struct elf_image *image, const char *path,
                               struct report *report);

/* The same from the text alone. */
struct manifest *manifest_parse(const char *text, size_t len, const char *path,
                                struct report *report);

/* Whether the descriptors, if the file has any, describe each service that the manifest names. Adds
 * what is wrong to the report. */
void manifest_check_descriptors(const struct manifest *manifest, const char *path,
                                struct report *report);

/* Frees it. NULL is allowed. */
void manifest_destroy(struct manifest *manifest);

/* True if the name is among them. */
bool manifest_names_have(const struct manifest_names *names, const char *name);

/* True if the interface stands in "requires" or "optional". */
bool manifest_asks_for(const struct manifest *manifest, const char *interface_id);

/* "string", "integer", ... as the manifest writes it. */
const char *manifest_type_name(enum manifest_type type);

/* Reads "1.2.3" into parts; false if it is none. For comparing versions of one plugin. */
bool manifest_parse_version(const char *text, unsigned ret_parts[3]);

/* Reads a number that must be finite and end with the text; false if it is none. */
bool manifest_parse_number(const char *text, double *ret_number);

#endif
