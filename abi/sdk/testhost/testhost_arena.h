/* Arenas of the test host: memory that is freed in one step. */
#ifndef TESTHOST_ARENA_H
#define TESTHOST_ARENA_H

#include "atlas/sdk.h"

/* One allocation of an arena; the memory follows. Single blocks, so that a sanitizer sees the
 * bounds and the end of each. */
struct block {
    struct block *next;
};

struct arena {
    struct block *blocks;
};

/* size bytes of zeros, until arena_free. Never NULL. */
void *arena_alloc(struct arena *arena, size_t size);
/* Copies, each with a zero byte behind it. */
char *arena_text(struct arena *arena, const char *text);
struct atlas_bytes arena_bytes(struct arena *arena, struct atlas_bytes bytes);
/* Frees all of it; the arena may be used again. */
void arena_free(struct arena *arena);

#endif
