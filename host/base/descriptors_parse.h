/* Between descriptors_parse.c, which reads the set, and descriptors.c, which links and indexes it.
 */
#ifndef BASE_DESCRIPTORS_PARSE_H
#define BASE_DESCRIPTORS_PARSE_H

#include "base/arena.h"
#include "base/descriptors.h"

enum symbol_kind {
    SYMBOL_MESSAGE,
    SYMBOL_ENUM,
    SYMBOL_SERVICE,
};

struct symbol {
    const char *name;
    enum symbol_kind kind;
    void *thing; /* the descriptor of that kind */
    const struct file_descriptor *file;
};

struct descriptor_set {
    struct arena arena; /* all that is pointed to from here, but for the two vectors */
    struct symbol *symbols;
    size_t symbol_count;
    size_t symbol_capacity;
    struct file_descriptor *files;
    size_t file_count;
    const struct service_descriptor **services; /* in the order of the set */
    size_t service_count;
};

/* A model under construction: where it stands, and where the failure is told. */
struct descriptors_builder {
    struct descriptor_set *descriptors;
    const struct file_descriptor *file; /* being read */
    bool is_proto3;
    struct error *error;
};

/* Fills the error, "descriptors: file F: ...", and returns status. */
atlas_status_t descriptors_fail(const struct descriptors_builder *builder, atlas_status_t status,
                                const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Reads all files of the set, which must live as long as the model: every message, enum and service
 * becomes a symbol; type names are still to be resolved. */
atlas_status_t descriptors_parse(struct descriptors_builder *builder, struct atlas_bytes set);

#endif
