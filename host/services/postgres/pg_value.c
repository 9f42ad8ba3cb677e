#include "services/postgres/pg_value.h"

#include <string.h>

#include "services/postgres/pg_binary.h"
#include "services/postgres/pg_type.h"

/* Header of an array: dimensions, has-nulls, element type, and count and lower bound of the one. */
#define ARRAY_HEADER 12
#define ARRAY_BOUNDS 8

static size_t scalar_size(uint8_t type, const struct atlas_pg_value *value)
{
    size_t fixed = pg_type_size(type);
    return fixed != 0 ? fixed : value->as.bytes.len;
}

static atlas_status_t put_integer(char *to, uint8_t type, int64_t integer, struct error *error)
{
    if (type == ATLAS_PG_TIMESTAMP) {
        integer = pg_binary_from_unix_us(integer);
    } else if (!pg_type_holds(type, integer)) {
        return error_set(error, ATLAS_INVALID_ARGUMENT, "%lld is out of the range of %s",
                         (long long)integer, pg_type_name(type));
    }
    pg_binary_put(to, (uint64_t)integer, pg_type_size(type));
    return ATLAS_OK;
}

static atlas_status_t put_scalar(char *to, uint8_t type, const struct atlas_pg_value *value,
                                 struct error *error)
{
    uint64_t bits;
    switch (type) {
    case ATLAS_PG_FLOAT8:
        memcpy(&bits, &value->as.number, sizeof bits);
        pg_binary_put(to, bits, sizeof bits);
        return ATLAS_OK;
    case ATLAS_PG_UUID:
        if (!pg_binary_put_uuid(value->as.bytes, to)) {
            return error_set(error, ATLAS_INVALID_ARGUMENT,
                             "\"%.*s\" is no UUID: 36 characters as in RFC 4122 are wanted",
                             (int)(value->as.bytes.len < 64 ? value->as.bytes.len : 64),
                             (const char *)value->as.bytes.data);
        }
        return ATLAS_OK;
    case ATLAS_PG_TEXT:
    case ATLAS_PG_BYTEA:
        if (value->as.bytes.len > 0) {
            memcpy(to, value->as.bytes.data, value->as.bytes.len);
        }
        return ATLAS_OK;
    default:
        return put_integer(to, type, value->as.integer, error);
    }
}

static atlas_status_t out_of_memory(struct error *error)
{
    return error_set(error, ATLAS_RESOURCE_EXHAUSTED,
                     "the call's memory is used up; raise arena_limit or ask for less");
}

static size_t array_size(uint8_t element, const struct atlas_pg_value *value)
{
    size_t size = ARRAY_HEADER + (value->as.array.count > 0 ? ARRAY_BOUNDS : 0);
    for (size_t i = 0; i < value->as.array.count; i++) {
        const struct atlas_pg_value *item = &value->as.array.items[i];
        size += 4 + (item->is_null ? 0 : scalar_size(element, item));
    }
    return size;
}

static bool has_null_item(const struct atlas_pg_value *value)
{
    for (size_t i = 0; i < value->as.array.count; i++) {
        if (value->as.array.items[i].is_null) {
            return true;
        }
    }
    return false;
}

static char *put_array_header(char *to, uint8_t element, const struct atlas_pg_value *value)
{
    size_t count = value->as.array.count;
    pg_binary_put(to, count > 0, 4);
    pg_binary_put(to + 4, has_null_item(value), 4);
    pg_binary_put(to + 8, pg_type_oid(element), 4);
    if (count == 0) {
        return to + ARRAY_HEADER;
    }
    pg_binary_put(to + ARRAY_HEADER, count, 4);
    pg_binary_put(to + ARRAY_HEADER + 4, 1, 4);
    return to + ARRAY_HEADER + ARRAY_BOUNDS;
}

static atlas_status_t encode_array(struct arena *arena, uint8_t element,
                                   const struct atlas_pg_value *value, const char **ret_data,
                                   int *ret_len, struct error *error)
{
    size_t size = array_size(element, value);
    char *data = size <= INT32_MAX ? arena_alloc(arena, size) : NULL;
    if (data == NULL) {
        return out_of_memory(error);
    }
    char *to = put_array_header(data, element, value);
    for (size_t i = 0; i < value->as.array.count; i++) {
        const struct atlas_pg_value *item = &value->as.array.items[i];
        size_t len = item->is_null ? 0 : scalar_size(element, item);
        pg_binary_put(to, item->is_null ? UINT32_MAX : len, 4);
        to += 4;
        if (!item->is_null) {
            atlas_status_t status = put_scalar(to, element, item, error);
            if (status != ATLAS_OK) {
                return error_prefix(error, "item %zu", i), status;
            }
        }
        to += len;
    }
    *ret_data = data;
    *ret_len = (int)size;
    return ATLAS_OK;
}

atlas_status_t pg_value_encode(struct arena *arena, uint8_t type,
                               const struct atlas_pg_value *value, const char **ret_data,
                               int *ret_len, struct error *error)
{
    if (value->is_null) {
        *ret_data = NULL;
        *ret_len = 0;
        return ATLAS_OK;
    }
    if (pg_type_element(type) != 0) {
        return encode_array(arena, pg_type_element(type), value, ret_data, ret_len, error);
    }
    size_t size = scalar_size(type, value);
    if (size > INT32_MAX) {
        return error_set(error, ATLAS_INVALID_ARGUMENT, "%zu bytes are too many for one value",
                         size);
    }
    if (type == ATLAS_PG_TEXT || type == ATLAS_PG_BYTEA) {
        *ret_data = size > 0 ? value->as.bytes.data : ""; /* NULL would be an SQL NULL */
        *ret_len = (int)size;
        return ATLAS_OK;
    }
    char *data = arena_alloc(arena, size);
    if (data == NULL) {
        return out_of_memory(error);
    }
    atlas_status_t status = put_scalar(data, type, value, error);
    if (status == ATLAS_OK) {
        *ret_data = data;
        *ret_len = (int)size;
    }
    return status;
}

static atlas_status_t malformed(uint8_t type, size_t len, struct error *error)
{
    return error_set(error, ATLAS_INTERNAL, "%zu bytes of the answer are no %s", len,
                     pg_type_name(type));
}

static int64_t get_integer(uint8_t type, const char *data)
{
    switch (type) {
    case ATLAS_PG_BOOL:
        return data[0] != 0;
    case ATLAS_PG_INT2:
        return (int16_t)pg_binary_get(data, 2);
    case ATLAS_PG_INT4:
        return (int32_t)pg_binary_get(data, 4);
    case ATLAS_PG_TIMESTAMP:
        return pg_binary_to_unix_us((int64_t)pg_binary_get(data, 8));
    default:
        return (int64_t)pg_binary_get(data, 8);
    }
}

static atlas_status_t decode_uuid(struct arena *arena, const char *data,
                                  struct atlas_pg_value *ret_value, struct error *error)
{
    char *text = arena_alloc(arena, PG_UUID_TEXT_LEN + 1);
    if (text == NULL) {
        return out_of_memory(error);
    }
    pg_binary_get_uuid(data, text);
    ret_value->as.bytes = (struct atlas_bytes){text, PG_UUID_TEXT_LEN};
    return ATLAS_OK;
}

static atlas_status_t decode_scalar(struct arena *arena, uint8_t type, const char *data, size_t len,
                                    struct atlas_pg_value *ret_value, struct error *error)
{
    if (type == ATLAS_PG_TEXT || type == ATLAS_PG_BYTEA) {
        char *copy = arena_copy(arena, data, len);
        ret_value->as.bytes = (struct atlas_bytes){copy, len};
        return copy != NULL ? ATLAS_OK : out_of_memory(error);
    }
    if (len != pg_type_size(type)) {
        return malformed(type, len, error);
    }
    if (type == ATLAS_PG_UUID) {
        return decode_uuid(arena, data, ret_value, error);
    }
    if (type == ATLAS_PG_FLOAT8) {
        uint64_t bits = pg_binary_get(data, 8);
        memcpy(&ret_value->as.number, &bits, sizeof bits);
    } else {
        ret_value->as.integer = get_integer(type, data);
    }
    return ATLAS_OK;
}

/* What is left of an array while its items are read. */
struct array_reader {
    const char *next;
    size_t left;
};

static bool read_item(struct array_reader *reader, const char **ret_data, size_t *ret_len,
                      bool *ret_is_null)
{
    if (reader->left < 4) {
        return false;
    }
    uint32_t len = (uint32_t)pg_binary_get(reader->next, 4);
    reader->next += 4;
    reader->left -= 4;
    *ret_is_null = len == UINT32_MAX;
    *ret_len = *ret_is_null ? 0 : len;
    *ret_data = reader->next;
    if (*ret_len > reader->left) {
        return false;
    }
    reader->next += *ret_len;
    reader->left -= *ret_len;
    return true;
}

static atlas_status_t decode_items(struct arena *arena, uint8_t type, struct array_reader *reader,
                                   struct atlas_pg_value *items, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        const char *data;
        size_t len;
        memset(&items[i], 0, sizeof items[i]);
        if (!read_item(reader, &data, &len, &items[i].is_null)) {
            return malformed(type, reader->left, error);
        }
        if (!items[i].is_null) {
            atlas_status_t status =
                decode_scalar(arena, pg_type_element(type), data, len, &items[i], error);
            if (status != ATLAS_OK) {
                return status;
            }
        }
    }
    return ATLAS_OK;
}

static atlas_status_t decode_array(struct arena *arena, uint8_t type, const char *data, size_t len,
                                   struct atlas_pg_value *ret_value, struct error *error)
{
    ret_value->as.array.items = NULL;
    ret_value->as.array.count = 0;
    if (len < ARRAY_HEADER) {
        return malformed(type, len, error);
    }
    uint32_t dimensions = (uint32_t)pg_binary_get(data, 4);
    if (dimensions == 0) {
        return ATLAS_OK;
    }
    if (dimensions != 1 || len < ARRAY_HEADER + ARRAY_BOUNDS) {
        return error_set(error, ATLAS_INTERNAL, "an array of %u dimensions cannot be read; use one",
                         dimensions);
    }
    size_t count = (size_t)pg_binary_get(data + ARRAY_HEADER, 4);
    struct array_reader reader = {data + ARRAY_HEADER + ARRAY_BOUNDS,
                                  len - ARRAY_HEADER - ARRAY_BOUNDS};
    if (count > reader.left / 4) {
        return malformed(type, len, error);
    }
    struct atlas_pg_value *items = arena_alloc(arena, count * sizeof *items);
    if (items == NULL) {
        return out_of_memory(error);
    }
    ret_value->as.array.items = items;
    ret_value->as.array.count = count;
    return decode_items(arena, type, &reader, items, count, error);
}

atlas_status_t pg_value_decode(struct arena *arena, uint8_t type, const char *data, size_t len,
                               struct atlas_pg_value *ret_value, struct error *error)
{
    memset(ret_value, 0, sizeof *ret_value);
    return pg_type_element(type) != 0 ? decode_array(arena, type, data, len, ret_value, error)
                                      : decode_scalar(arena, type, data, len, ret_value, error);
}
