/*
 * Protobuf's wire format, field by field: a bounded reader that copies nothing, and writers into a
 * buffer. It knows nothing of message types. Groups are refused: no proto3 message has them.
 */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include "atlas/abi.h"
#include "base/buffer.h"

enum wire_type {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2,
    WIRE_FIXED32 = 5,
};

struct wire_reader {
    const uint8_t *at;
    const uint8_t *end;
};

struct wire_field {
    uint32_t number;
    enum wire_type type;
    uint64_t value;           /* VARINT, FIXED64, FIXED32 */
    struct atlas_bytes bytes; /* BYTES: points into what is read */
};

static inline struct wire_reader wire_reader(struct atlas_bytes bytes)
{
    const uint8_t *start = (const uint8_t *)bytes.data;

    return (struct wire_reader){start, start == NULL ? NULL : start + bytes.len};
}

/* Reads a varint of at most ten bytes; false if it is cut off or too long. */
bool wire_read_varint(struct wire_reader *reader, uint64_t *ret_value);

/* Little-endian fixed values; false if cut off. */
bool wire_read_fixed32(struct wire_reader *reader, uint64_t *ret_value);
bool wire_read_fixed64(struct wire_reader *reader, uint64_t *ret_value);

enum wire_result {
    WIRE_END = 0,   /* nothing follows */
    WIRE_FIELD = 1, /* ret_field is set */
    WIRE_MALFORMED = -1,
};

/* The next field of the message. */
enum wire_result wire_next(struct wire_reader *reader, struct wire_field *ret_field);

static inline uint64_t wire_zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t wire_unzigzag(uint64_t value)
{
    return (int64_t)((value >> 1) ^ (~(value & 1) + 1));
}

/* Values, without a tag. A failure sticks to the buffer. */
void wire_put_varint(struct buffer *buffer, uint64_t value);
void wire_put_fixed32(struct buffer *buffer, uint32_t value);
void wire_put_fixed64(struct buffer *buffer, uint64_t value);

static inline void wire_put_tag(struct buffer *buffer, uint32_t number, enum wire_type type)
{
    wire_put_varint(buffer, ((uint64_t)number << 3) | (uint64_t)type);
}

/* A length-delimited part of unknown length: open it, write its content, close it. Returns the
 * mark that close needs. */
size_t wire_open(struct buffer *buffer);
void wire_close(struct buffer *buffer, size_t mark);

#endif
