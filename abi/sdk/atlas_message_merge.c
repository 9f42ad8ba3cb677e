/*
 * Puts the pieces of a message field that is not repeated together before protobuf-c sees them.
 *
 * A sender may give such a field in pieces, and means their merger: so does REST, where path, query
 * and body may each give a part. Merging by protobuf-c 1.4 fails when the message has a oneof that
 * neither piece sets (every optional field of proto3 is one), forgets the first piece if the field
 * itself is in a oneof, and takes quadratic time. But the merger of messages is what their bytes
 * say one behind the other.
 */
#include "atlas_message_wire.h"

#include <stdlib.h>

/* A length is written before it is known, in this many bytes; readers take that. */
#define LENGTH_SIZE 5

/* The pieces of one field. Of a oneof only those count that no other member came behind. */
struct pieces {
    size_t count; /* of all */
    size_t met;
    size_t len;     /* so far, of those that count */
    size_t room;    /* the largest that len becomes */
    uint8_t *bytes; /* they themselves, if there are several */
};

struct merge {
    uint8_t *out; /* where the next byte goes; there is room for all */
    bool is_out_of_memory;
};

/* One message of those in each other. */
struct level {
    const ProtobufCMessageDescriptor *message;
    struct pieces *pieces; /* by the index of the field */
    char *cases;           /* like the struct of the message: the last member of each oneof */
};

/* One field as it lies there. */
struct occurrence {
    const ProtobufCFieldDescriptor *field; /* NULL: not known */
    unsigned int wire_type;
    const uint8_t *start;     /* of its tag */
    struct atlas_bytes value; /* if it has a length */
};

static void merge_message(struct merge *merge, const ProtobufCMessageDescriptor *message,
                          struct atlas_bytes bytes);

/* False at the end. */
static bool next_occurrence(const struct level *level, struct cursor *cursor,
                            struct occurrence *ret_next)
{
    uint64_t tag;

    ret_next->start = cursor->at;
    if (cursor->at >= cursor->end || !read_varint(cursor, &tag)) {
        return false;
    }
    ret_next->field =
        protobuf_c_message_descriptor_get_field(level->message, (unsigned int)(tag >> 3));
    ret_next->wire_type = tag & 7;
    ret_next->value = atlas_bytes_of(NULL, 0);
    return read_value(cursor, ret_next->wire_type, &ret_next->value);
}

static bool is_message(const struct occurrence *next)
{
    return next->field != NULL && next->field->type == PROTOBUF_C_TYPE_MESSAGE &&
           next->wire_type == WIRE_BYTES;
}

/* The pieces that this one belongs to, NULL if its field does not merge. */
static struct pieces *pieces_of(struct level *level, const struct occurrence *next)
{
    return is_message(next) && next->field->label != PROTOBUF_C_LABEL_REPEATED
               ? &level->pieces[next->field - level->message->fields]
               : NULL;
}

/* True if it goes on with what was there, and does not begin anew. */
static bool is_continued(struct level *level, const struct occurrence *next)
{
    if (next->field == NULL || (next->field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0) {
        return true;
    }
    uint32_t *last = (uint32_t *)(void *)(level->cases + next->field->quantifier_offset);
    bool is_same = *last == next->field->id;

    *last = next->field->id;
    return is_same;
}

static void count_pieces(struct level *level, struct atlas_bytes bytes)
{
    struct cursor cursor = cursor_of(bytes);
    struct occurrence next;

    while (next_occurrence(level, &cursor, &next)) {
        bool is_more = is_continued(level, &next);
        struct pieces *pieces = pieces_of(level, &next);

        if (pieces != NULL) {
            pieces->count++;
            pieces->len = (is_more ? pieces->len : 0) + next.value.len;
            pieces->room = pieces->len > pieces->room ? pieces->len : pieces->room;
        }
    }
    memset(level->cases, 0, level->message->sizeof_message);
}

static void put_varint(struct merge *merge, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        *merge->out++ = (uint8_t)(value | 0x80);
    }
    *merge->out++ = (uint8_t)value;
}

static void put_message(struct merge *merge, const ProtobufCFieldDescriptor *field,
                        struct atlas_bytes bytes)
{
    put_varint(merge, (uint64_t)field->id << 3 | WIRE_BYTES);
    uint8_t *length = merge->out;
    merge->out += LENGTH_SIZE;
    merge_message(merge, field->descriptor, bytes);
    size_t len = (size_t)(merge->out - length) - LENGTH_SIZE;
    for (size_t i = 0; i < LENGTH_SIZE; i++) {
        length[i] = (uint8_t)((len >> (7 * i) & 0x7f) | (i + 1 < LENGTH_SIZE ? 0x80 : 0));
    }
}

/* Adds a piece to the others; the last one brings them all to where it is. */
static void put_piece(struct merge *merge, struct pieces *pieces, const struct occurrence *piece,
                      bool is_more)
{
    if (pieces->met++ == 0) {
        pieces->bytes = malloc(pieces->room + 1);
        pieces->len = 0;
    }
    if (pieces->bytes == NULL) {
        merge->is_out_of_memory = true;
        return;
    }
    pieces->len = is_more ? pieces->len : 0;
    if (piece->value.len > 0) {
        memcpy(pieces->bytes + pieces->len, piece->value.data, piece->value.len);
    }
    pieces->len += piece->value.len;
    if (pieces->met == pieces->count) {
        put_message(merge, piece->field, atlas_bytes_of(pieces->bytes, pieces->len));
    }
}

static void put_fields(struct merge *merge, struct level *level, struct atlas_bytes bytes)
{
    struct cursor cursor = cursor_of(bytes);
    struct occurrence next;

    while (!merge->is_out_of_memory && next_occurrence(level, &cursor, &next)) {
        bool is_more = is_continued(level, &next);
        struct pieces *pieces = pieces_of(level, &next);

        if (pieces != NULL && pieces->count > 1) {
            put_piece(merge, pieces, &next, is_more);
        } else if (is_message(&next)) {
            put_message(merge, next.field, next.value);
        } else {
            size_t len = (size_t)(cursor.at - next.start);

            memcpy(merge->out, next.start, len);
            merge->out += len;
        }
    }
}

static void merge_message(struct merge *merge, const ProtobufCMessageDescriptor *message,
                          struct atlas_bytes bytes)
{
    struct level level = {.message = message};

    level.pieces = calloc((size_t)message->n_fields + 1, sizeof *level.pieces);
    level.cases = calloc(1, message->sizeof_message);
    if (level.pieces == NULL || level.cases == NULL) {
        merge->is_out_of_memory = true;
    } else {
        count_pieces(&level, bytes);
        put_fields(merge, &level, bytes);
        for (size_t i = 0; i < message->n_fields; i++) {
            free(level.pieces[i].bytes);
        }
    }
    free(level.pieces);
    free(level.cases);
}

struct atlas_bytes atlas_message_merge(const ProtobufCMessageDescriptor *descriptor,
                                       struct atlas_bytes bytes,
                                       const struct message_counts *counts)
{
    uint8_t *merged = malloc(bytes.len + counts->fields * LENGTH_SIZE + 1);
    struct merge merge = {.out = merged};

    if (merged == NULL) {
        return atlas_bytes_of(NULL, 0);
    }
    merge_message(&merge, descriptor, bytes);
    if (merge.is_out_of_memory) {
        free(merged);
        return atlas_bytes_of(NULL, 0);
    }
    return atlas_bytes_of(merged, (size_t)(merge.out - merged));
}
