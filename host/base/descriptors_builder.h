/*
 * A model of descriptors under construction: between the files that read a set, of which each adds
 * its symbols, and descriptors_link.c, which links and indexes them. Private to
 * base/descriptors*.c.
 */
#ifndef BASE_DESCRIPTORS_BUILDER_H
#define BASE_DESCRIPTORS_BUILDER_H

#include <string.h>

#include "base/arena.h"
#include "base/descriptors.h"

/* The longest name, path or text that is taken. */
#define DESCRIPTORS_NAME_LIMIT 1024u

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

/* For qsort and bsearch of symbols. */
static inline int descriptors_compare_symbols(const void *left, const void *right)
{
    return strcmp(((const struct symbol *)left)->name, ((const struct symbol *)right)->name);
}

/* Where the spelling of a field goes in message->names. */
static inline uint32_t descriptors_hash(const char *name, size_t len)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    }
    return hash;
}

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

/* Fails with RESOURCE_EXHAUSTED. */
atlas_status_t descriptors_out_of_memory(const struct descriptors_builder *builder);

/* Zeroed room for count things of that size, for as long as the model. NULL: out of memory. */
void *descriptors_alloc(const struct descriptors_builder *builder, size_t count, size_t size);

/* A copy that ends with NUL, for as long as the model. what names it in the failure. */
atlas_status_t descriptors_copy_text(const struct descriptors_builder *builder,
                                     struct atlas_bytes bytes, const char *what,
                                     const char **ret_text);

/* "scope" and the name in a message's field 1 become "scope.name", for as long as the model. */
atlas_status_t descriptors_full_name(const struct descriptors_builder *builder, const char *scope,
                                     struct atlas_bytes message, const char *separator,
                                     const char **ret_name);

/* Adds what the file at hand defines; name and thing live as long as the model. */
atlas_status_t descriptors_add_symbol(struct descriptors_builder *builder, const char *name,
                                      enum symbol_kind kind, void *thing);

#endif
