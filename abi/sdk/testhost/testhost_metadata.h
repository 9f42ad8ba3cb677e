/* Metadata of calls in the test host: lists of it, and what gRPC allows. */
#ifndef TESTHOST_METADATA_H
#define TESTHOST_METADATA_H

#include "atlas/sdk.h"
#include "testhost_arena.h"

/* Metadata in the order in which it was added. */
struct metadata_entry {
    struct metadata_entry *next;
    struct atlas_metadata metadata;
};

struct metadata_list {
    struct metadata_entry *first;
};

/* Adds a copy that lives in the arena; metadata_add_all one of each entry of source. */
void metadata_add(struct arena *arena, struct metadata_list *list,
                  const struct atlas_metadata *entry);
void metadata_add_all(struct arena *arena, struct metadata_list *list,
                      const struct metadata_list *source);
/* The n-th entry, from 0; false if there are fewer. */
bool metadata_get(const struct metadata_list *list, size_t n, struct atlas_metadata *ret_entry);
/* The first value of that name; of no data if there is none. Borrowed from the list. */
struct atlas_bytes metadata_value(const struct metadata_list *list, const char *name);
/* True if gRPC allows the name and the value. */
bool metadata_is_valid(const struct atlas_metadata *entry);

#endif
