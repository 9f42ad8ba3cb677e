/* Bytes, arena memory and cleanup. Memory of a call's arena is freed with the call. */
#ifndef ATLAS_SDK_MEMORY_H
#define ATLAS_SDK_MEMORY_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "atlas/call.h"
#include "atlas/host.h"

#define ATLAS_PRINTF(text_index, first) __attribute__((format(printf, text_index, first)))

/* Calls fn(&variable) when the variable leaves its scope; fn accepts what an early return leaves.
 */
#define ATLAS_AUTO(fn) __attribute__((cleanup(fn)))

/* Hands a pointer over: its value, and the variable is NULL afterwards. */
#define ATLAS_TAKE(pointer)                                                                        \
    (__extension__({                                                                               \
        __typeof__(pointer) atlas_taken_ = (pointer);                                              \
        (pointer) = NULL;                                                                          \
        atlas_taken_;                                                                              \
    }))

/* For printf: printf("%.*s", ATLAS_BYTES_ARG(bytes)). */
#define ATLAS_BYTES_ARG(bytes) ((int)(bytes).len), ((const char *)(bytes).data)

/* Views; both borrow what they point to. */
static inline struct atlas_bytes atlas_bytes_of(const void *data, size_t len)
{
    struct atlas_bytes bytes;

    bytes.data = data;
    bytes.len = len;
    return bytes;
}

/* A C string without its NUL; NULL gives no bytes. */
static inline struct atlas_bytes atlas_str(const char *text)
{
    return atlas_bytes_of(text, text != NULL ? strlen(text) : 0);
}

/* True if both have the same bytes. */
static inline bool atlas_bytes_equal(struct atlas_bytes a, struct atlas_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Memory from the arena, aligned for any type, not initialised. NULL: the call's budget is used up,
 * which atlas_no_memory() reports. */
static inline void *atlas_alloc(struct atlas_call *call, size_t size)
{
    return call->interfaces->call->alloc(call, size);
}

/* The same, zeroed, for count members; NULL also if the product overflows. */
static inline void *atlas_zalloc(struct atlas_call *call, size_t count, size_t size)
{
    void *memory;

    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    memory = atlas_alloc(call, count * size);
    if (memory != NULL) {
        memset(memory, 0, count * size);
    }
    return memory;
}

/* count zeroed members of a type: struct row *rows = ATLAS_NEW(call, struct row, n). */
#define ATLAS_NEW(call, type, count) ((type *)atlas_zalloc((call), (count), sizeof(type)))

/* A NUL-terminated copy in the arena, NULL if the budget is used up. */
static inline char *atlas_strndup(struct atlas_call *call, const void *data, size_t len)
{
    char *copy = (char *)atlas_alloc(call, len + 1);

    if (copy != NULL) {
        if (len > 0) {
            memcpy(copy, data, len);
        }
        copy[len] = '\0';
    }
    return copy;
}

/* The same for a C string, which is not NULL. */
static inline char *atlas_strdup(struct atlas_call *call, const char *text)
{
    return atlas_strndup(call, text, strlen(text));
}

/* Formatted text in the arena, of any length; NULL if the budget is used up. */
ATLAS_PRINTF(2, 0)
static inline char *atlas_vprintf(struct atlas_call *call, const char *format, va_list args)
{
    va_list again;
    char *text = NULL;
    int len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    if (len >= 0) {
        text = (char *)atlas_alloc(call, (size_t)len + 1);
    }
    if (text != NULL) {
        vsnprintf(text, (size_t)len + 1, format, again);
    }
    va_end(again);
    return text;
}

/* The same with the arguments themselves. */
ATLAS_PRINTF(2, 3)
static inline char *atlas_printf(struct atlas_call *call, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = atlas_vprintf(call, format, args);
    va_end(args);
    return text;
}

#endif
