#include "services/postgres/pg_value.h"

#include <stdio.h>
#include <string.h>

/* PostgreSQL counts microseconds from 2000-01-01. */
#define EPOCH_2000_US INT64_C(946684800000000)
#define UUID_TEXT_LEN 36
#define UUID_LEN      16
/* Header of an array: dimensions, has-nulls, element type, and count and lower bound of the one. */
#define ARRAY_HEADER 12
#define ARRAY_BOUNDS 8

struct type_row {
    const char *name;
    pg_oid oid;
    uint8_t element; /* of an array; 0 for scalars */
    int64_t min;     /* of integers */
    int64_t max;
};

static const struct type_row types[] = {
    [ATLAS_PG_BOOL] = {"bool", 16, 0, 0, 1},
    [ATLAS_PG_INT2] = {"int2", 21, 0, INT16_MIN, INT16_MAX},
    [ATLAS_PG_INT4] = {"int4", 23, 0, INT32_MIN, INT32_MAX},
    [ATLAS_PG_INT8] = {"int8", 20, 0, INT64_MIN, INT64_MAX},
    [ATLAS_PG_FLOAT8] = {"float8", 701, 0, 0, 0},
    [ATLAS_PG_TEXT] = {"text", 25, 0, 0, 0},
    [ATLAS_PG_BYTEA] = {"bytea", 17, 0, 0, 0},
    [ATLAS_PG_UUID] = {"uuid", 2950, 0, 0, 0},
    [ATLAS_PG_TIMESTAMP] = {"timestamptz", 1184, 0, 0, 0},
    [ATLAS_PG_TEXT_ARRAY] = {"text[]", 1009, ATLAS_PG_TEXT, 0, 0},
    [ATLAS_PG_INT8_ARRAY] = {"int8[]", 1016, ATLAS_PG_INT8, 0, 0},
    [ATLAS_PG_FLOAT8_ARRAY] = {"float8[]", 1022, ATLAS_PG_FLOAT8, 0, 0},
    [ATLAS_PG_UUID_ARRAY] = {"uuid[]", 2951, ATLAS_PG_UUID, 0, 0},
    [ATLAS_PG_BYTEA_ARRAY] = {"bytea[]", 1001, ATLAS_PG_BYTEA, 0, 0},
    [ATLAS_PG_TIMESTAMP_ARRAY] = {"timestamptz[]", 1185, ATLAS_PG_TIMESTAMP, 0, 0},
};

#define TYPE_COUNT (sizeof types / sizeof types[0])

/* Types whose binary form is that of text. */
static const struct {
    pg_oid oid;
    uint8_t type;
    const char *name;
} aliases[] = {
    {1043, ATLAS_PG_TEXT, "varchar"},
    {1042, ATLAS_PG_TEXT, "bpchar"},
    {19, ATLAS_PG_TEXT, "name"},
    {114, ATLAS_PG_TEXT, "json"},
    {1015, ATLAS_PG_TEXT_ARRAY, "varchar[]"},
};

#define ALIAS_COUNT (sizeof aliases / sizeof aliases[0])

pg_oid pg_value_oid(uint8_t type)
{
    return type < TYPE_COUNT ? types[type].oid : 0;
}

bool pg_value_accepts(uint8_t type, pg_oid oid)
{
    if (pg_value_oid(type) == oid) {
        return oid != 0;
    }
    for (size_t i = 0; i < ALIAS_COUNT; i++) {
        if (aliases[i].oid == oid && aliases[i].type == type) {
            return true;
        }
    }
    return false;
}

const char *pg_value_type_name(uint8_t type)
{
    return pg_value_oid(type) != 0 ? types[type].name : "no type";
}

const char *pg_value_oid_name(pg_oid oid)
{
    for (size_t i = 0; oid != 0 && i < TYPE_COUNT; i++) {
        if (types[i].oid == oid) {
            return types[i].name;
        }
    }
    for (size_t i = 0; i < ALIAS_COUNT; i++) {
        if (aliases[i].oid == oid) {
            return aliases[i].name;
        }
    }
    return NULL;
}

static void put_be(char *to, uint64_t value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        to[i] = (char)(value >> (8 * (len - 1 - i)) & 0xff);
    }
}

static uint64_t get_be(const char *from, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        value = value << 8 | (uint8_t)from[i];
    }
    return value;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_uuid_dash(size_t position)
{
    return position == 8 || position == 13 || position == 18 || position == 23;
}

static bool parse_uuid(struct atlas_bytes text, char *to)
{
    const char *from = text.data;
    if (from == NULL || text.len != UUID_TEXT_LEN) {
        return false;
    }
    for (size_t i = 0; i < UUID_TEXT_LEN;) {
        if (is_uuid_dash(i)) {
            if (from[i++] != '-') {
                return false;
            }
            continue;
        }
        int high = hex_digit(from[i]);
        int low = hex_digit(from[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        *to++ = (char)(high << 4 | low);
        i += 2;
    }
    return true;
}

static void format_uuid(const char *from, char *to)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < UUID_TEXT_LEN;) {
        if (is_uuid_dash(i)) {
            to[i++] = '-';
            continue;
        }
        uint8_t byte = (uint8_t)*from++;
        to[i++] = digits[byte >> 4];
        to[i++] = digits[byte & 15];
    }
    to[UUID_TEXT_LEN] = '\0';
}

/* Both ends of the range stand for infinity on either side, and stay what they are. */
static int64_t shift_epoch(int64_t us, int64_t by)
{
    int64_t shifted;
    if (us == INT64_MAX || us == INT64_MIN) {
        return us;
    }
    if (__builtin_add_overflow(us, by, &shifted)) {
        return by > 0 ? INT64_MAX : INT64_MIN;
    }
    return shifted;
}

/* Bytes of a scalar in binary; strings excepted. */
static size_t fixed_size(uint8_t type)
{
    switch (type) {
    case ATLAS_PG_BOOL:
        return 1;
    case ATLAS_PG_INT2:
        return 2;
    case ATLAS_PG_INT4:
        return 4;
    case ATLAS_PG_INT8:
    case ATLAS_PG_FLOAT8:
    case ATLAS_PG_TIMESTAMP:
        return 8;
    case ATLAS_PG_UUID:
        return UUID_LEN;
    default:
        return 0;
    }
}

static size_t scalar_size(uint8_t type, const struct atlas_pg_value *value)
{
    size_t fixed = fixed_size(type);
    return fixed != 0 ? fixed : value->as.bytes.len;
}

static atlas_status_t put_integer(char *to, uint8_t type, int64_t integer, struct error *error)
{
    if (type == ATLAS_PG_TIMESTAMP) {
        integer = shift_epoch(integer, -EPOCH_2000_US);
    } else if (integer < types[type].min || integer > types[type].max) {
        return error_set(error, ATLAS_INVALID_ARGUMENT, "%lld is out of the range of %s",
                         (long long)integer, types[type].name);
    }
    put_be(to, (uint64_t)integer, fixed_size(type));
    return ATLAS_OK;
}

static atlas_status_t put_scalar(char *to, uint8_t type, const struct atlas_pg_value *value,
                                 struct error *error)
{
    uint64_t bits;
    switch (type) {
    case ATLAS_PG_FLOAT8:
        memcpy(&bits, &value->as.number, sizeof bits);
        put_be(to, bits, sizeof bits);
        return ATLAS_OK;
    case ATLAS_PG_UUID:
        if (!parse_uuid(value->as.bytes, to)) {
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
    put_be(to, count > 0, 4);
    put_be(to + 4, has_null_item(value), 4);
    put_be(to + 8, types[element].oid, 4);
    if (count == 0) {
        return to + ARRAY_HEADER;
    }
    put_be(to + ARRAY_HEADER, count, 4);
    put_be(to + ARRAY_HEADER + 4, 1, 4);
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
        put_be(to, item->is_null ? UINT32_MAX : len, 4);
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
    if (types[type].element != 0) {
        return encode_array(arena, types[type].element, value, ret_data, ret_len, error);
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
                     pg_value_type_name(type));
}

static int64_t get_integer(uint8_t type, const char *data)
{
    switch (type) {
    case ATLAS_PG_BOOL:
        return data[0] != 0;
    case ATLAS_PG_INT2:
        return (int16_t)get_be(data, 2);
    case ATLAS_PG_INT4:
        return (int32_t)get_be(data, 4);
    case ATLAS_PG_TIMESTAMP:
        return shift_epoch((int64_t)get_be(data, 8), EPOCH_2000_US);
    default:
        return (int64_t)get_be(data, 8);
    }
}

static atlas_status_t decode_uuid(struct arena *arena, const char *data,
                                  struct atlas_pg_value *ret_value, struct error *error)
{
    char *text = arena_alloc(arena, UUID_TEXT_LEN + 1);
    if (text == NULL) {
        return out_of_memory(error);
    }
    format_uuid(data, text);
    ret_value->as.bytes = (struct atlas_bytes){text, UUID_TEXT_LEN};
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
    if (len != fixed_size(type)) {
        return malformed(type, len, error);
    }
    if (type == ATLAS_PG_UUID) {
        return decode_uuid(arena, data, ret_value, error);
    }
    if (type == ATLAS_PG_FLOAT8) {
        uint64_t bits = get_be(data, 8);
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
    uint32_t len = (uint32_t)get_be(reader->next, 4);
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
                decode_scalar(arena, types[type].element, data, len, &items[i], error);
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
    uint32_t dimensions = (uint32_t)get_be(data, 4);
    if (dimensions == 0) {
        return ATLAS_OK;
    }
    if (dimensions != 1 || len < ARRAY_HEADER + ARRAY_BOUNDS) {
        return error_set(error, ATLAS_INTERNAL, "an array of %u dimensions cannot be read; use one",
                         dimensions);
    }
    size_t count = (size_t)get_be(data + ARRAY_HEADER, 4);
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
    return types[type].element != 0 ? decode_array(arena, type, data, len, ret_value, error)
                                    : decode_scalar(arena, type, data, len, ret_value, error);
}
