#include "runtime/handle.h"

#include <stdlib.h>

/* value: kind in the highest 8 bits, index in 24, generation in 32. */
#define INDEX_MAX 0xffffffu

static struct handle_entry *entry_of(const struct handle_table *table, struct atlas_handle handle)
{
    uint32_t index = (uint32_t)(handle.value >> 32) & INDEX_MAX;
    if (index >= table->count) {
        return NULL;
    }
    struct handle_entry *entry = &table->entries[index];
    bool is_live = entry->pointer != NULL && entry->generation == (uint32_t)handle.value &&
                   entry->kind == (uint8_t)(handle.value >> 56);
    return is_live ? entry : NULL;
}

static bool grow(struct handle_table *table)
{
    uint32_t room = table->limit < INDEX_MAX ? table->limit : INDEX_MAX;
    uint32_t count = table->count == 0 ? 64 : table->count * 2;
    count = count < room ? count : room;
    if (count <= table->count) {
        return false;
    }
    struct handle_entry *entries = realloc(table->entries, count * sizeof *entries);
    if (entries == NULL) {
        return false;
    }
    for (uint32_t i = table->count; i < count; i++) {
        entries[i] = (struct handle_entry){.generation = 1, .next_free = table->first_free};
        table->first_free = i + 1;
    }
    table->entries = entries;
    table->count = count;
    return true;
}

struct atlas_handle handle_create(struct handle_table *table, enum handle_kind kind, void *pointer)
{
    if (table->first_free == 0 && !grow(table)) {
        return (struct atlas_handle){0};
    }
    uint32_t index = table->first_free - 1;
    struct handle_entry *entry = &table->entries[index];
    table->first_free = entry->next_free;
    entry->pointer = pointer;
    entry->kind = (uint8_t)kind;
    return (struct atlas_handle){(uint64_t)kind << 56 | (uint64_t)index << 32 | entry->generation};
}

void *handle_find(const struct handle_table *table, enum handle_kind kind,
                  struct atlas_handle handle)
{
    if ((uint8_t)(handle.value >> 56) != (uint8_t)kind) {
        return NULL;
    }
    struct handle_entry *entry = entry_of(table, handle);
    return entry != NULL ? entry->pointer : NULL;
}

void handle_drop(struct handle_table *table, struct atlas_handle handle)
{
    struct handle_entry *entry = entry_of(table, handle);
    if (entry == NULL) {
        return;
    }
    entry->pointer = NULL;
    entry->generation = entry->generation == UINT32_MAX ? 1 : entry->generation + 1;
    entry->next_free = table->first_free;
    table->first_free = (uint32_t)(entry - table->entries) + 1;
}

void handle_table_finish(struct handle_table *table)
{
    free(table->entries);
    *table = (struct handle_table){.limit = table->limit};
}
