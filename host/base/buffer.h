/*
 * Bytes that grow in an arena, up to a limit. A failure sticks: writers need not check every step,
 * only failed at the end.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <string.h>

#include "atlas/abi.h"

struct arena;

struct buffer {
    struct arena *arena; /* borrowed */
    uint8_t *data;
    size_t len;
    size_t capacity;
    size_t limit;
    bool failed; /* the limit or the arena's budget was reached; what follows is dropped */
};

/* Starts empty with room for size_hint bytes; never holds more than limit. The arena is borrowed
 * and owns the bytes. */
void buffer_init(struct buffer *buffer, struct arena *arena, size_t size_hint, size_t limit);

/* Makes room for more bytes behind len; false (and failed) if there is none to be had. */
bool buffer_grow(struct buffer *buffer, size_t more);

/* Room for more bytes, which the caller fills and then counts in by buffer->len; NULL on failure.
 */
static inline uint8_t *buffer_reserve(struct buffer *buffer, size_t more)
{
    if (buffer->capacity - buffer->len < more && !buffer_grow(buffer, more)) {
        return NULL;
    }
    return buffer->data + buffer->len;
}

static inline void buffer_put(struct buffer *buffer, const void *data, size_t len)
{
    uint8_t *at = len > 0 ? buffer_reserve(buffer, len) : NULL;

    if (at != NULL) {
        memcpy(at, data, len);
        buffer->len += len;
    }
}

static inline void buffer_put_byte(struct buffer *buffer, uint8_t byte)
{
    buffer_put(buffer, &byte, 1);
}

static inline void buffer_put_string(struct buffer *buffer, const char *text)
{
    buffer_put(buffer, text, strlen(text));
}

/* Appends formatted text of at most 128 bytes; longer text counts as a failure. */
void buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What was written; borrowed until the next write or the end of the arena. */
static inline struct atlas_bytes buffer_bytes(const struct buffer *buffer)
{
    return (struct atlas_bytes){buffer->data, buffer->len};
}

#endif
