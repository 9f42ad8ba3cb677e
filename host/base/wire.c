/* Protobuf's wire format: https://protobuf.dev/programming-guides/encoding/ */
#include "base/wire.h"

#define VARINT_LIMIT 10

bool wire_read_varint(struct wire_reader *reader, uint64_t *ret_value)
{
    const uint8_t *at = reader->at;
    uint64_t value = 0;

    for (unsigned int i = 0; i < VARINT_LIMIT && at < reader->end; i++) {
        uint8_t byte = *at++;

        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            reader->at = at;
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static bool read_fixed(struct wire_reader *reader, size_t size, uint64_t *ret_value)
{
    uint64_t value = 0;

    if ((size_t)(reader->end - reader->at) < size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        value |= (uint64_t)reader->at[i] << (8 * i);
    }
    reader->at += size;
    *ret_value = value;
    return true;
}

bool wire_read_fixed32(struct wire_reader *reader, uint64_t *ret_value)
{
    return read_fixed(reader, 4, ret_value);
}

bool wire_read_fixed64(struct wire_reader *reader, uint64_t *ret_value)
{
    return read_fixed(reader, 8, ret_value);
}

static bool read_bytes(struct wire_reader *reader, struct atlas_bytes *ret_bytes)
{
    uint64_t len = 0;

    if (!wire_read_varint(reader, &len) || len > (uint64_t)(reader->end - reader->at)) {
        return false;
    }
    *ret_bytes = (struct atlas_bytes){reader->at, (size_t)len};
    reader->at += len;
    return true;
}

enum wire_result wire_next(struct wire_reader *reader, struct wire_field *ret_field)
{
    struct wire_field field = {0};
    uint64_t tag = 0;
    bool is_read = false;

    if (reader->at == reader->end) {
        return WIRE_END;
    }
    if (!wire_read_varint(reader, &tag) || tag > UINT32_MAX || (tag >> 3) == 0) {
        return WIRE_MALFORMED;
    }
    field.number = (uint32_t)(tag >> 3);
    field.type = (enum wire_type)(tag & 7);
    switch (field.type) {
    case WIRE_VARINT:
        is_read = wire_read_varint(reader, &field.value);
        break;
    case WIRE_FIXED64:
        is_read = wire_read_fixed64(reader, &field.value);
        break;
    case WIRE_FIXED32:
        is_read = wire_read_fixed32(reader, &field.value);
        break;
    case WIRE_BYTES:
        is_read = read_bytes(reader, &field.bytes);
        break;
    }
    if (!is_read) {
        return WIRE_MALFORMED;
    }
    *ret_field = field;
    return WIRE_FIELD;
}

void wire_put_varint(struct buffer *buffer, uint64_t value)
{
    uint8_t *at = buffer_reserve(buffer, VARINT_LIMIT);
    size_t len = 0;

    if (at == NULL) {
        return;
    }
    while (value >= 0x80) {
        at[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    at[len++] = (uint8_t)value;
    buffer->len += len;
}

static void put_fixed(struct buffer *buffer, uint64_t value, size_t size)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    buffer_put(buffer, bytes, size);
}

void wire_put_fixed32(struct buffer *buffer, uint32_t value)
{
    put_fixed(buffer, value, 4);
}

void wire_put_fixed64(struct buffer *buffer, uint64_t value)
{
    put_fixed(buffer, value, 8);
}

size_t wire_open(struct buffer *buffer)
{
    size_t mark = buffer->len;

    buffer_put_byte(buffer, 0); /* enough for contents below 128 bytes, which most are */
    return mark;
}

void wire_close(struct buffer *buffer, size_t mark)
{
    size_t len = 0;
    uint8_t prefix[VARINT_LIMIT];
    size_t prefix_len = 0;

    if (buffer->failed) {
        return;
    }
    len = buffer->len - mark - 1;
    for (uint64_t rest = len;; rest >>= 7) {
        prefix[prefix_len++] = (uint8_t)(rest >= 0x80 ? rest | 0x80 : rest);
        if (rest < 0x80) {
            break;
        }
    }
    if (prefix_len > 1) {
        if (buffer_reserve(buffer, prefix_len - 1) == NULL) {
            return;
        }
        memmove(buffer->data + mark + prefix_len, buffer->data + mark + 1, len);
        buffer->len += prefix_len - 1;
    }
    memcpy(buffer->data + mark, prefix, prefix_len);
}
