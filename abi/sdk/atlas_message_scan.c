/* One pass over the wire format, guided by the descriptors, before protobuf-c allocates anything.
 */
#include "atlas_message_wire.h"

#include "atlas/sdk_call.h"

/* Messages with more fields than this keep their marks in the arena. */
#define SMALL_FIELD_COUNT 256

struct scan {
    struct atlas_call *call;
    size_t unknown_fields;
    struct message_counts counts;
};

static atlas_status_t refuse(struct scan *scan, const ProtobufCMessageDescriptor *message,
                             const ProtobufCFieldDescriptor *field, const char *reason)
{
    return atlas_fail(scan->call, ATLAS_INVALID_ARGUMENT, "%s%s%s: %s", message->name,
                      field != NULL ? "." : "", field != NULL ? field->name : "", reason);
}

/* The length of the character that starts at s, 0 if there is none: RFC 3629, table of section 4.
 */
static size_t utf8_length(const uint8_t *s, size_t left)
{
    uint8_t low = 0x80;
    uint8_t high = 0xbf;
    size_t len;

    if (s[0] < 0x80) {
        return s[0] != 0 ? 1 : 0;
    }
    if (s[0] < 0xc2 || s[0] > 0xf4) {
        return 0;
    }
    len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (s[0] == 0xe0) {
        low = 0xa0;
    } else if (s[0] == 0xed) {
        high = 0x9f;
    } else if (s[0] == 0xf0) {
        low = 0x90;
    } else if (s[0] == 0xf4) {
        high = 0x8f;
    }
    if (left < len || s[1] < low || s[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return len;
}

/* Text without NUL: a C string would end there. */
static bool is_text(struct atlas_bytes bytes)
{
    const uint8_t *s = bytes.data;
    size_t i = 0;

    while (i < bytes.len) {
        size_t len = utf8_length(s + i, bytes.len - i);

        if (len == 0) {
            return false;
        }
        i += len;
    }
    return true;
}

/* Marks a field of the message as seen; true if it was already. */
static bool mark(uint64_t *seen, size_t index)
{
    uint64_t bit = UINT64_C(1) << (index % 64);
    bool was_seen = (seen[index / 64] & bit) != 0;

    seen[index / 64] |= bit;
    return was_seen;
}

static atlas_status_t scan_message(struct scan *scan, const ProtobufCMessageDescriptor *message,
                                   struct atlas_bytes bytes, unsigned int depth);

/* The value of a known field that has a length. */
static atlas_status_t scan_bytes(struct scan *scan, const ProtobufCMessageDescriptor *message,
                                 const ProtobufCFieldDescriptor *field, struct atlas_bytes bytes,
                                 uint64_t *seen, unsigned int depth)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        return is_text(bytes)
                   ? ATLAS_OK
                   : refuse(scan, message, field, "text that is not UTF-8 or holds a NUL");
    }
    if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        return ATLAS_OK;
    }
    if (field->label != PROTOBUF_C_LABEL_REPEATED &&
        mark(seen, (size_t)(field - message->fields)) &&
        ++scan->counts.merges > ATLAS_MESSAGE_MERGE_LIMIT) {
        return refuse(scan, message, field, "a message that is not repeated came too often");
    }
    return scan_message(scan, field->descriptor, bytes, depth + 1);
}

/* One field: its tag, then its value. */
static atlas_status_t scan_field(struct scan *scan, const ProtobufCMessageDescriptor *message,
                                 struct cursor *cursor, uint64_t *seen, unsigned int depth)
{
    const ProtobufCFieldDescriptor *field;
    struct atlas_bytes bytes = {NULL, 0};
    uint64_t tag;

    if (!read_varint(cursor, &tag) || tag > UINT32_MAX || tag >> 3 == 0) {
        return refuse(scan, message, NULL, "malformed: no tag of a field where one must be");
    }
    field = protobuf_c_message_descriptor_get_field(message, (unsigned int)(tag >> 3));
    if (!read_value(cursor, tag & 7, &bytes)) {
        return refuse(scan, message, field, "malformed: the value is cut off or of no known kind");
    }
    if (++scan->counts.fields > ATLAS_MESSAGE_FIELD_LIMIT) {
        return refuse(scan, message, NULL, "too many fields");
    }
    if (field == NULL) {
        return ++scan->unknown_fields <= ATLAS_MESSAGE_UNKNOWN_LIMIT
                   ? ATLAS_OK
                   : refuse(scan, message, NULL, "too many unknown fields");
    }
    return (tag & 7) == WIRE_BYTES ? scan_bytes(scan, message, field, bytes, seen, depth)
                                   : ATLAS_OK;
}

static atlas_status_t scan_message(struct scan *scan, const ProtobufCMessageDescriptor *message,
                                   struct atlas_bytes bytes, unsigned int depth)
{
    uint64_t small[SMALL_FIELD_COUNT / 64] = {0};
    uint64_t *seen = small;
    struct cursor cursor = cursor_of(bytes);
    atlas_status_t status = ATLAS_OK;

    if (depth > ATLAS_MESSAGE_DEPTH_LIMIT) {
        return refuse(scan, message, NULL, "messages lie too deep in each other");
    }
    if (message->n_fields > SMALL_FIELD_COUNT) {
        seen = atlas_zalloc(scan->call, message->n_fields / 64 + 1, sizeof *seen);
        if (seen == NULL) {
            return atlas_no_memory(scan->call);
        }
    }
    while (status == ATLAS_OK && cursor.at < cursor.end) {
        status = scan_field(scan, message, &cursor, seen, depth);
    }
    return status;
}

atlas_status_t atlas_message_count(struct atlas_call *call,
                                   const ProtobufCMessageDescriptor *descriptor,
                                   struct atlas_bytes bytes, struct message_counts *ret_counts)
{
    struct scan scan = {.call = call};

    atlas_status_t status = scan_message(&scan, descriptor, bytes, 1);
    if (status == ATLAS_OK) {
        *ret_counts = scan.counts;
    }
    return status;
}

atlas_status_t atlas_message_scan(struct atlas_call *call,
                                  const ProtobufCMessageDescriptor *descriptor,
                                  struct atlas_bytes bytes)
{
    struct message_counts counts;

    return atlas_message_count(call, descriptor, bytes, &counts);
}
