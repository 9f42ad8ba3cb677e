/*
 * Memory for what is read once, at start or reload: some kilobytes in an arena. If there is none,
 * the process ends with a message, since nothing that depends on it could run. Never used on the
 * way of a call.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

/* Zeroed memory for count items of a size, valid until the arena is finished; never NULL. */
void *memory_take(struct arena *arena, size_t count, size_t size);

/* A copy of a NUL-terminated text; NULL if text is NULL. */
char *memory_text(struct arena *arena, const char *text);

/* A formatted text; never NULL. */
__attribute__((format(printf, 2, 3))) char *memory_format(struct arena *arena, const char *format,
                                                          ...);
__attribute__((format(printf, 2, 0))) char *memory_vformat(struct arena *arena, const char *format,
                                                           va_list args);

#endif
