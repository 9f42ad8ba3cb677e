/* One line of a manifest, cut into words, and what reads it. Private to manifest*.c. */
#ifndef RUNTIME_LOADER_MANIFEST_LINE_H
#define RUNTIME_LOADER_MANIFEST_LINE_H

#include "runtime/loader/manifest.h"

#define MANIFEST_WORDS_MAX    8
#define MANIFEST_NAME_MAX_LEN 128

/* The line that is read, and what it goes to. */
struct manifest_line {
    struct manifest *manifest;
    struct report *report;
    const char *path;
    unsigned number;
    char *words[MANIFEST_WORDS_MAX];
    size_t count;
};

/* Adds a finding that names file and line. */
__attribute__((format(printf, 2, 3))) void manifest_finding(const struct manifest_line *line,
                                                            const char *format, ...);

/* [a-z][a-z0-9_]* of less than limit bytes. */
bool manifest_is_id(const char *text, size_t limit);

/* A service or interface: at least two parts, of letters, digits and "_", between "." and "/". */
bool manifest_is_dotted_name(const char *text);

/* Reads a "config" line into the manifest's keys. */
void manifest_read_key(struct manifest_line *line);

#endif
