/* The wire format, for the scan and the merge of messages; not for plugins. */
#ifndef ATLAS_SDK_MESSAGE_WIRE_H
#define ATLAS_SDK_MESSAGE_WIRE_H

#include "atlas/sdk_memory.h"
#include "atlas_message.h"

enum wire_type { WIRE_VARINT = 0, WIRE_64BIT = 1, WIRE_BYTES = 2, WIRE_32BIT = 5 };

/* What is left of one message. */
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

/* What a scan has met, messages in messages included. */
struct message_counts {
    size_t fields;
    size_t merges; /* occurrences of singular message fields beyond their first */
};

/* atlas_message_scan, and what it has counted. [call] */
atlas_status_t atlas_message_count(struct atlas_call *call,
                                   const ProtobufCMessageDescriptor *descriptor,
                                   struct atlas_bytes bytes, struct message_counts *ret_counts);

/* The same message with the pieces of every singular message field put together, as protobuf
 * merges them. bytes were scanned; counts are theirs. The result is the caller's, to free; no data
 * if there is no memory. Any context; does not wait. */
struct atlas_bytes atlas_message_merge(const ProtobufCMessageDescriptor *descriptor,
                                       struct atlas_bytes bytes,
                                       const struct message_counts *counts);

static inline struct cursor cursor_of(struct atlas_bytes bytes)
{
    struct cursor cursor = {.at = bytes.data, .end = bytes.data};

    if (bytes.len > 0) {
        cursor.end += bytes.len;
    }
    return cursor;
}

static inline bool read_varint(struct cursor *cursor, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (unsigned int shift = 0; shift < 70 && cursor->at < cursor->end; shift += 7) {
        uint8_t byte = *cursor->at++;

        value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static inline bool take(struct cursor *cursor, uint64_t len, struct atlas_bytes *ret_bytes)
{
    if (len > (uint64_t)(cursor->end - cursor->at)) {
        return false;
    }
    *ret_bytes = atlas_bytes_of(cursor->at, (size_t)len);
    cursor->at += len;
    return true;
}

/* Moves over the value of a field; its bytes, if it has a length, are in ret_bytes. Groups are an
 * error, as in protobuf-c. */
static inline bool read_value(struct cursor *cursor, unsigned int wire_type,
                              struct atlas_bytes *ret_bytes)
{
    uint64_t number;

    switch (wire_type) {
    case WIRE_VARINT:
        return read_varint(cursor, &number);
    case WIRE_64BIT:
        return take(cursor, 8, ret_bytes);
    case WIRE_BYTES:
        return read_varint(cursor, &number) && take(cursor, number, ret_bytes);
    case WIRE_32BIT:
        return take(cursor, 4, ret_bytes);
    default:
        return false;
    }
}

#endif
