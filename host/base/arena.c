#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 8192
#define ALIGNMENT  16

/* Under sanitizers every block is malloc'ed and freed, so that a use after free is seen. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CACHE_IS_USED false
#else
#define CACHE_IS_USED true
#endif

struct arena_block {
    struct arena_block *next;
    size_t size; /* of data */
    _Alignas(ALIGNMENT) char data[];
};

void arena_init(struct arena *arena, struct arena_cache *cache, size_t limit)
{
    *arena = (struct arena){.cache = cache, .limit = limit};
}

static struct arena_block *take_block(struct arena *arena, size_t size)
{
    struct arena_cache *cache = arena->cache;
    if (size == BLOCK_SIZE && cache != NULL && cache->free != NULL) {
        struct arena_block *block = cache->free;
        cache->free = block->next;
        cache->count--;
        return block;
    }
    struct arena_block *block = malloc(sizeof *block + size);
    if (block != NULL) {
        block->size = size;
    }
    return block;
}

static bool grow(struct arena *arena, size_t size)
{
    size_t block_size = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    struct arena_block *block = take_block(arena, block_size);
    if (block == NULL) {
        return false;
    }
    if (block_size > BLOCK_SIZE && arena->blocks != NULL) {
        /* A block for one large thing goes behind the current one, which keeps its room. */
        block->next = arena->blocks->next;
        arena->blocks->next = block;
        return true;
    }
    block->next = arena->blocks;
    arena->blocks = block;
    arena->next = block->data;
    arena->end = block->data + block->size;
    return true;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > arena->limit - arena->used) {
        arena->is_used_up = true;
        return NULL;
    }
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (rounded == 0) {
        rounded = ALIGNMENT;
    }
    if (arena->next == NULL || rounded > (size_t)(arena->end - arena->next)) {
        struct arena_block *current = arena->blocks;
        if (!grow(arena, rounded)) {
            return NULL;
        }
        if (arena->blocks == current) {
            arena->used += rounded < arena->limit - arena->used ? rounded : size;
            return current->next->data;
        }
    }
    void *memory = arena->next;
    arena->next += rounded;
    arena->used += rounded < arena->limit - arena->used ? rounded : size;
    return memory;
}

char *arena_copy(struct arena *arena, const void *data, size_t len)
{
    char *copy = len == SIZE_MAX ? NULL : arena_alloc(arena, len + 1);
    if (copy == NULL) {
        return NULL;
    }
    if (len > 0) {
        memcpy(copy, data, len);
    }
    copy[len] = '\0';
    return copy;
}

void arena_adopt(struct arena *parent, struct arena *child)
{
    struct arena_block *last = child->blocks;
    if (last == NULL) {
        return;
    }
    while (last->next != NULL) {
        last = last->next;
    }
    /* Behind the parent's current block, which keeps its room. */
    struct arena_block **place = parent->blocks != NULL ? &parent->blocks->next : &parent->blocks;
    last->next = *place;
    *place = child->blocks;
    size_t room = parent->limit - parent->used;
    parent->used += child->used < room ? child->used : room;
    child->blocks = NULL;
    arena_init(child, child->cache, child->limit);
}

static void give_back(struct arena_cache *cache, struct arena_block *block)
{
    if (CACHE_IS_USED && cache != NULL && block->size == BLOCK_SIZE &&
        cache->count < cache->limit) {
        block->next = cache->free;
        cache->free = block;
        cache->count++;
        return;
    }
    free(block);
}

void arena_finish(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks, *next; block != NULL; block = next) {
        next = block->next;
        give_back(arena->cache, block);
    }
    arena_init(arena, arena->cache, arena->limit);
}

void arena_cache_finish(struct arena_cache *cache)
{
    for (struct arena_block *block = cache->free, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    cache->free = NULL;
    cache->count = 0;
}
