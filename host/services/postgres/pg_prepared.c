#include "services/postgres/pg_prepared.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LIMIT (PG_PREPARED_SLOTS / 4 * 3)

/* The slot of a hash, or the free one where it belongs. */
static size_t find(const struct pg_prepared *set, uint64_t hash)
{
    size_t slot = (size_t)hash & (PG_PREPARED_SLOTS - 1);
    while (set->slots[slot] != 0 && set->slots[slot] != hash) {
        slot = (slot + 1) & (PG_PREPARED_SLOTS - 1);
    }
    return slot;
}

bool pg_prepared_has(const struct pg_prepared *set, uint64_t hash)
{
    return set->slots[find(set, hash)] == hash;
}

bool pg_prepared_add(struct pg_prepared *set, uint64_t hash)
{
    size_t slot = find(set, hash);
    if (set->slots[slot] == hash) {
        return true;
    }
    if (set->count >= LIMIT) {
        return false;
    }
    set->slots[slot] = hash;
    set->count++;
    return true;
}

void pg_prepared_remove(struct pg_prepared *set, uint64_t hash)
{
    size_t slot = find(set, hash);
    if (set->slots[slot] != hash) {
        return;
    }
    set->slots[slot] = 0;
    set->count--;
    /* What stood behind it in the same run may belong nearer to its place. */
    for (slot = (slot + 1) & (PG_PREPARED_SLOTS - 1); set->slots[slot] != 0;
         slot = (slot + 1) & (PG_PREPARED_SLOTS - 1)) {
        uint64_t moved = set->slots[slot];
        set->slots[slot] = 0;
        set->slots[find(set, moved)] = moved;
    }
}

void pg_prepared_clear(struct pg_prepared *set)
{
    memset(set, 0, sizeof *set);
}

static uint64_t fnv_add(uint64_t hash, uint8_t byte)
{
    return (hash ^ byte) * UINT64_C(1099511628211);
}

uint64_t pg_prepared_hash(const char *sql, const uint8_t *types)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *c = sql; *c != '\0'; c++) {
        hash = fnv_add(hash, (uint8_t)*c);
    }
    hash = fnv_add(hash, 0);
    for (; types != NULL && *types != 0; types++) {
        hash = fnv_add(hash, *types);
    }
    return hash != 0 ? hash : 1;
}

void pg_prepared_name(uint64_t hash, char name[PG_PREPARED_NAME_SIZE])
{
    snprintf(name, PG_PREPARED_NAME_SIZE, "a%016" PRIx64, hash);
}
