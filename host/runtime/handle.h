/*
 * Handles: what plugins hold in place of pointers. A handle names a slot of the worker's table and
 * the generation of its content, so a stale one finds nothing. On the worker's loop only.
 */
#ifndef RUNTIME_HANDLE_H
#define RUNTIME_HANDLE_H

#include "atlas/abi.h"

enum handle_kind {
    HANDLE_STREAM = 1,
    HANDLE_TRANSACTION = 2,
};

struct handle_entry {
    void *pointer;
    uint32_t generation;
    uint32_t next_free; /* index + 1 */
    uint8_t kind;
};

/* Zero-initialise; set limit. */
struct handle_table {
    struct handle_entry *entries;
    uint32_t count;
    uint32_t first_free; /* index + 1 */
    uint32_t limit;
};

/* A handle for the pointer; value 0 when limit handles exist or memory is short. */
struct atlas_handle handle_create(struct handle_table *table, enum handle_kind kind, void *pointer);

/* The pointer of a live handle of that kind, or NULL. */
void *handle_find(const struct handle_table *table, enum handle_kind kind,
                  struct atlas_handle handle);

/* Ends a handle; a stale one is ignored. */
void handle_drop(struct handle_table *table, struct atlas_handle handle);

/* Frees the table; handles that are left are not looked at. */
void handle_table_finish(struct handle_table *table);

#endif
