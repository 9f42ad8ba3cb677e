#include "testhost_arena.h"

#include <stdlib.h>
#include <string.h>

#include "testhost_misuse.h"

void *arena_alloc(struct arena *arena, size_t size)
{
    struct block *block = calloc(1, sizeof *block + 16 + size);

    if (block == NULL) {
        testhost_misuse("out of memory");
    }
    block->next = arena->blocks;
    arena->blocks = block;
    return (char *)block + 16;
}

char *arena_text(struct arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(arena_alloc(arena, size), text, size);
}

struct atlas_bytes arena_bytes(struct arena *arena, struct atlas_bytes bytes)
{
    char *copy = arena_alloc(arena, bytes.len + 1);

    if (bytes.len > 0) {
        memcpy(copy, bytes.data, bytes.len);
    }
    return atlas_bytes_of(copy, bytes.len);
}

void arena_free(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct block *block = arena->blocks;

        arena->blocks = block->next;
        free(block);
    }
}
