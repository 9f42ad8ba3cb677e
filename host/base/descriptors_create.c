/* Making a set of descriptors: parsed, then linked. */
#include <stdlib.h>

#include "base/descriptors.h"
#include "base/descriptors_link.h"
#include "base/descriptors_parse.h"

/* Model bytes per byte of the set, about: a field of 20 bytes becomes 100. */
#define MEMORY_FACTOR 16u

static atlas_status_t build(struct descriptors_builder *builder, struct atlas_bytes bytes)
{
    struct descriptor_set *set = builder->descriptors;
    void *copy = arena_copy(&set->arena, bytes.data, bytes.len);

    if (copy == NULL) {
        return descriptors_fail(builder, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    atlas_status_t status = descriptors_parse(builder, (struct atlas_bytes){copy, bytes.len});
    return status == ATLAS_OK ? descriptors_link(builder) : status;
}

atlas_status_t descriptors_create(struct atlas_bytes bytes, struct descriptor_set **ret_set,
                                  struct error *error)
{
    struct descriptor_set *set = NULL;

    if (bytes.len > DESCRIPTORS_LIMIT) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED,
                         "descriptors: the set has %zu bytes, more than the limit of %u", bytes.len,
                         DESCRIPTORS_LIMIT);
    }
    set = calloc(1, sizeof *set);
    if (set == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "descriptors: out of memory");
    }
    arena_init(&set->arena, NULL, bytes.len * MEMORY_FACTOR + 4096);
    atlas_status_t status =
        build(&(struct descriptors_builder){.descriptors = set, .error = error}, bytes);
    if (status != ATLAS_OK) {
        descriptors_destroy(set);
        return status;
    }
    *ret_set = set;
    return ATLAS_OK;
}

void descriptors_destroy(struct descriptor_set *set)
{
    if (set != NULL) {
        free(set->symbols);
        arena_finish(&set->arena);
        free(set);
    }
}
