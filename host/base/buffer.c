/* Bytes that grow in an arena: doubling, so that the arena holds at most twice the final size. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"

void buffer_init(struct buffer *buffer, struct arena *arena, size_t size_hint, size_t limit)
{
    *buffer = (struct buffer){.arena = arena, .limit = limit};
    if (size_hint > 0) {
        buffer_grow(buffer, size_hint < limit ? size_hint : limit);
    }
}

bool buffer_grow(struct buffer *buffer, size_t more)
{
    size_t capacity = buffer->capacity < 32 ? 64 : buffer->capacity * 2;
    uint8_t *data = NULL;

    if (buffer->failed || more > buffer->limit - buffer->len) {
        buffer->failed = true;
        return false;
    }
    if (capacity < buffer->len + more) {
        capacity = buffer->len + more;
    }
    if (capacity > buffer->limit) {
        capacity = buffer->limit;
    }
    data = arena_alloc(buffer->arena, capacity);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    if (buffer->len > 0) {
        memcpy(data, buffer->data, buffer->len);
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    char text[129];
    va_list args;
    int len = 0;

    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof text) {
        buffer->failed = true;
        return;
    }
    buffer_put(buffer, text, (size_t)len);
}
