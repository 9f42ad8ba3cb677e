/*
 * Memory of one call: allocations that are freed together. Blocks come from a cache of the loop, so
 * that a call of ordinary size costs no malloc.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_block;

/* Free blocks of one loop, at most limit of them. Zero-initialise, set limit. */
struct arena_cache {
    struct arena_block *free;
    size_t count;
    size_t limit;
};

struct arena {
    struct arena_cache *cache;
    struct arena_block *blocks;
    char *next;
    char *end;
    size_t used;     /* bytes taken from the budget */
    size_t limit;    /* the budget */
    bool is_used_up; /* something did not fit into it */
};

/* Starts an empty arena with a budget in bytes. cache may be NULL and must outlive the arena. */
void arena_init(struct arena *arena, struct arena_cache *cache, size_t limit);

/* Memory aligned to 16, valid until arena_finish; NULL when the budget or the memory is used up. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of the bytes with a NUL behind them; NULL as arena_alloc. */
char *arena_copy(struct arena *arena, const void *data, size_t len);

/* Moves everything that child holds to the end of parent's life; child is empty afterwards. Both
 * use the same cache. */
void arena_adopt(struct arena *parent, struct arena *child);

/* Frees everything that was allocated. The arena can be used again. */
void arena_finish(struct arena *arena);

/* Frees the blocks of a cache. */
void arena_cache_finish(struct arena_cache *cache);

#endif
