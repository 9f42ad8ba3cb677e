/* Arena memory that is always there, for configuration and the like. */
#include "base/memory.h"

#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void end_without_memory(void)
{
    fputs("atlas: out of memory while reading the configuration\n", stderr);
    abort();
}

void *memory_take(struct arena *arena, size_t count, size_t size)
{
    size_t total = 0;
    void *memory = NULL;

    if (!__builtin_mul_overflow(count, size, &total)) {
        memory = arena_alloc(arena, total == 0 ? 1 : total);
    }
    if (memory == NULL) {
        end_without_memory();
        return NULL;
    }
    return memset(memory, 0, total);
}

char *memory_text(struct arena *arena, const char *text)
{
    if (text == NULL) {
        return NULL;
    }

    size_t size = strlen(text) + 1;
    return memcpy(memory_take(arena, size, 1), text, size);
}

char *memory_vformat(struct arena *arena, const char *format, va_list args)
{
    char *text = NULL;

    if (vasprintf(&text, format, args) < 0) {
        end_without_memory();
        return NULL;
    }

    char *copy = memory_text(arena, text);
    free(text);
    return copy;
}

char *memory_format(struct arena *arena, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = memory_vformat(arena, format, args);
    va_end(args);
    return text;
}
