#include "base/descriptors_builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire_find.h"

atlas_status_t descriptors_fail(const struct descriptors_builder *builder, atlas_status_t status,
                                const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set(builder->error, status, "descriptors: file %s: %s",
                     builder->file != NULL ? builder->file->name : "(unnamed)", text);
}

atlas_status_t descriptors_out_of_memory(const struct descriptors_builder *builder)
{
    return descriptors_fail(builder, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
}

void *descriptors_alloc(const struct descriptors_builder *builder, size_t count, size_t size)
{
    void *array = arena_alloc(&builder->descriptors->arena, count > 0 ? count * size : 1);

    if (array != NULL) {
        memset(array, 0, count * size);
    }
    return array;
}

static bool is_printable(struct atlas_bytes bytes)
{
    const uint8_t *text = bytes.data;

    for (size_t i = 0; i < bytes.len; i++) {
        if (text[i] <= 0x20 || text[i] >= 0x7f) {
            return false;
        }
    }
    return bytes.len <= DESCRIPTORS_NAME_LIMIT;
}

atlas_status_t descriptors_copy_text(const struct descriptors_builder *builder,
                                     struct atlas_bytes bytes, const char *what,
                                     const char **ret_text)
{
    char *text = NULL;

    if (!is_printable(bytes)) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT,
                                "%s has a character that is not allowed or is longer than %u", what,
                                DESCRIPTORS_NAME_LIMIT);
    }
    text = descriptors_alloc(builder, bytes.len + 1, 1);
    if (text == NULL) {
        return descriptors_out_of_memory(builder);
    }
    memcpy(text, bytes.data, bytes.len);
    *ret_text = text;
    return ATLAS_OK;
}

atlas_status_t descriptors_full_name(const struct descriptors_builder *builder, const char *scope,
                                     struct atlas_bytes message, const char *separator,
                                     const char **ret_name)
{
    struct atlas_bytes name = wire_find_bytes(message, 1);
    size_t scope_len = strlen(scope);
    size_t separator_len = scope_len > 0 ? strlen(separator) : 0;
    char *text = NULL;

    if (name.len == 0 || !is_printable(name) || scope_len + name.len > DESCRIPTORS_NAME_LIMIT) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT,
                                "a definition in \"%s\" has no valid name", scope);
    }
    text = descriptors_alloc(builder, scope_len + separator_len + name.len + 1, 1);
    if (text == NULL) {
        return descriptors_out_of_memory(builder);
    }
    memcpy(text, scope, scope_len);
    memcpy(text + scope_len, separator, separator_len);
    memcpy(text + scope_len + separator_len, name.data, name.len);
    *ret_name = text;
    return ATLAS_OK;
}

atlas_status_t descriptors_add_symbol(struct descriptors_builder *builder, const char *name,
                                      enum symbol_kind kind, void *thing)
{
    struct descriptor_set *model = builder->descriptors;

    if (model->symbol_count == model->symbol_capacity) {
        size_t capacity = model->symbol_capacity == 0 ? 64 : model->symbol_capacity * 2;
        struct symbol *symbols = realloc(model->symbols, capacity * sizeof *symbols);

        if (symbols == NULL) {
            return descriptors_out_of_memory(builder);
        }
        model->symbols = symbols;
        model->symbol_capacity = capacity;
    }
    model->symbols[model->symbol_count++] = (struct symbol){name, kind, thing, builder->file};
    return ATLAS_OK;
}
