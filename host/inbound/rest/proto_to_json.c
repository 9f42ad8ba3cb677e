/*
 * Protobuf to JSON. Fields come in any order on the wire and leave in the order of their numbers: a
 * first pass over a message notes where each field begins (field_slots.h), a second writes them.
 * Recurses at most JSON_DEPTH_LIMIT deep.
 */
#include "inbound/rest/proto_to_json.h"

#include "base/arena.h"
#include "base/utf8.h"
#include "inbound/rest/field_slots.h"
#include "inbound/rest/json_depth.h"
#include "inbound/rest/json_text.h"
#include "inbound/rest/scalar_json.h"
#include "inbound/rest/time_text.h"

struct decoder {
    struct buffer *out;
    struct error *error;
    struct field_slots slots;
    unsigned int depth;
};

static atlas_status_t put_message(struct decoder *decoder, const struct message_descriptor *message,
                                  struct atlas_bytes proto);

static atlas_status_t malformed(const struct decoder *decoder,
                                const struct message_descriptor *message, const char *what)
{
    return field_slots_malformed(decoder->error, message, NULL, what);
}

static atlas_status_t malformed_field(const struct decoder *decoder,
                                      const struct message_descriptor *message,
                                      const struct field_descriptor *field, const char *what)
{
    return field_slots_malformed(decoder->error, message, field, what);
}

static atlas_status_t put_scalar(struct decoder *decoder, const struct message_descriptor *message,
                                 const struct field_descriptor *field, const struct scalar *value)
{
    if (field->type != FIELD_STRING) {
        scalar_put_json(decoder->out, field, value);
        return ATLAS_OK;
    }
    if (!utf8_is_text(value->bytes.data, value->bytes.len)) {
        return malformed_field(decoder, message, field, "is not UTF-8");
    }
    json_put_string(decoder->out, value->bytes.data, value->bytes.len);
    return ATLAS_OK;
}

static void put_default(struct decoder *decoder, const struct field_descriptor *field)
{
    static const struct scalar zero = {.bytes = {"", 0}};

    if (field->is_map) {
        buffer_put_string(decoder->out, "{}");
    } else if (field->is_repeated) {
        buffer_put_string(decoder->out, "[]");
    } else if (field->type == FIELD_STRING) {
        buffer_put_string(decoder->out, "\"\"");
    } else {
        scalar_put_json(decoder->out, field, &zero);
    }
}

/* A singular message that occurs several times is their sum: its pieces one after the other. */
static struct atlas_bytes merge(struct decoder *decoder, const struct field_slot *slot,
                                struct atlas_bytes proto)
{
    struct field_occurrences pieces = field_slot_occurrences(slot, proto);
    struct buffer merged;
    struct wire_field wire;

    buffer_init(&merged, decoder->out->arena, 0, proto.len);
    while (field_occurrences_next(&pieces, &wire)) {
        buffer_put(&merged, wire.bytes.data, wire.bytes.len);
    }
    if (merged.failed) {
        decoder->out->failed = true;
    }
    return buffer_bytes(&merged);
}

static atlas_status_t put_packed(struct decoder *decoder, const struct message_descriptor *message,
                                 const struct field_descriptor *field, struct atlas_bytes run,
                                 bool *is_first)
{
    struct wire_reader reader = wire_reader(run);
    struct scalar value = {0};

    while (reader.at < reader.end) {
        if (!scalar_from_packed(field->type, &reader, &value)) {
            return malformed_field(decoder, message, field, "is cut off");
        }
        if (!*is_first) {
            buffer_put_byte(decoder->out, ',');
        }
        *is_first = false;
        scalar_put_json(decoder->out, field, &value);
    }
    return ATLAS_OK;
}

static atlas_status_t put_repeated(struct decoder *decoder,
                                   const struct message_descriptor *message,
                                   const struct field_descriptor *field,
                                   struct field_occurrences elements)
{
    struct wire_field wire;
    bool is_first = true;
    atlas_status_t status = ATLAS_OK;

    buffer_put_byte(decoder->out, '[');
    while (status == ATLAS_OK && field_occurrences_next(&elements, &wire)) {
        if (wire.type == WIRE_BYTES && scalar_wire_type(field->type) != WIRE_BYTES) {
            status = put_packed(decoder, message, field, wire.bytes, &is_first);
            continue;
        }
        if (!is_first) {
            buffer_put_byte(decoder->out, ',');
        }
        is_first = false;
        if (field->type == FIELD_MESSAGE) {
            status = put_message(decoder, field->message, wire.bytes);
        } else {
            struct scalar value = scalar_from_wire(field->type, &wire);

            status = put_scalar(decoder, message, field, &value);
        }
    }
    buffer_put_byte(decoder->out, ']');
    return status;
}

/* One entry of a map: key 1, value 2, either of which may be absent. */
static atlas_status_t read_entry(const struct decoder *decoder,
                                 const struct message_descriptor *entry, struct atlas_bytes proto,
                                 struct wire_field *ret_key, struct wire_field *ret_value)
{
    const struct field_descriptor *key = message_field_by_number(entry, 1);
    const struct field_descriptor *value = message_field_by_number(entry, 2);
    struct wire_reader reader = wire_reader(proto);
    struct wire_field wire;
    enum wire_result result = WIRE_FIELD;

    while ((result = wire_next(&reader, &wire)) == WIRE_FIELD) {
        const struct field_descriptor *field = message_field_by_number(entry, wire.number);

        if (field != NULL && wire.type != scalar_wire_type(field->type)) {
            return malformed_field(decoder, entry, field, "has another wire type");
        }
        if (field == key) {
            *ret_key = wire;
        } else if (field == value) {
            *ret_value = wire;
        }
    }
    return result == WIRE_END ? ATLAS_OK : malformed(decoder, entry, "malformed wire format");
}

/* Keys are strings whatever their type. */
static atlas_status_t put_key(struct decoder *decoder, const struct message_descriptor *entry,
                              const struct wire_field *wire)
{
    const struct field_descriptor *field = message_field_by_number(entry, 1);
    struct scalar key = scalar_from_wire(field->type, wire);
    bool is_quoted = field->type == FIELD_INT64 || field->type == FIELD_UINT64 ||
                     field->type == FIELD_SINT64 || field->type == FIELD_FIXED64 ||
                     field->type == FIELD_SFIXED64 || field->type == FIELD_STRING;

    if (!is_quoted) {
        buffer_put_byte(decoder->out, '"');
    }
    atlas_status_t status = put_scalar(decoder, entry, field, &key);
    buffer_put_string(decoder->out, is_quoted ? ":" : "\":");
    return status;
}

static atlas_status_t put_entry(struct decoder *decoder, const struct message_descriptor *entry,
                                struct atlas_bytes proto)
{
    const struct field_descriptor *field = message_field_by_number(entry, 2);
    struct wire_field key = {.bytes = {"", 0}};
    struct wire_field value = {.bytes = {"", 0}};

    atlas_status_t status = read_entry(decoder, entry, proto, &key, &value);
    if (status == ATLAS_OK) {
        status = put_key(decoder, entry, &key);
    }
    if (status != ATLAS_OK) {
        return status;
    }
    if (field->type == FIELD_MESSAGE) {
        return put_message(decoder, field->message, value.bytes);
    }
    struct scalar scalar = scalar_from_wire(field->type, &value);
    return put_scalar(decoder, entry, field, &scalar);
}

static atlas_status_t put_map(struct decoder *decoder, const struct field_descriptor *field,
                              struct field_occurrences entries)
{
    struct wire_field wire;
    bool is_first = true;

    buffer_put_byte(decoder->out, '{');
    while (field_occurrences_next(&entries, &wire)) {
        if (!is_first) {
            buffer_put_byte(decoder->out, ',');
        }
        is_first = false;
        atlas_status_t status = put_entry(decoder, field->message, wire.bytes);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    buffer_put_byte(decoder->out, '}');
    return ATLAS_OK;
}

/* The value of a field that has a slot. */
static atlas_status_t put_value(struct decoder *decoder, const struct message_descriptor *message,
                                const struct field_descriptor *field, struct atlas_bytes proto,
                                size_t slot_index)
{
    const struct field_slot *slot = &decoder->slots.items[slot_index];

    if (slot->first == NULL) {
        put_default(decoder, field);
        return ATLAS_OK;
    }
    if (field->is_map) {
        return put_map(decoder, field, field_slot_occurrences(slot, proto));
    }
    if (field->is_repeated) {
        return put_repeated(decoder, message, field, field_slot_occurrences(slot, proto));
    }
    if (field->type == FIELD_MESSAGE) {
        return put_message(decoder, field->message,
                           slot->count > 1 ? merge(decoder, slot, proto) : slot->last.bytes);
    }
    struct scalar value = scalar_from_wire(field->type, &slot->last);
    return put_scalar(decoder, message, field, &value);
}

static atlas_status_t put_fields(struct decoder *decoder, const struct message_descriptor *message,
                                 struct atlas_bytes proto, size_t base)
{
    bool is_first = true;

    buffer_put_byte(decoder->out, '{');
    for (size_t i = 0; i < message->field_count; i++) {
        const struct field_descriptor *field = &message->fields[i];

        if (decoder->slots.items[base + i].first == NULL && field->has_presence) {
            continue;
        }
        if (!is_first) {
            buffer_put_byte(decoder->out, ',');
        }
        is_first = false;
        buffer_put_byte(decoder->out, '"');
        buffer_put(decoder->out, field->name, field->name_len);
        buffer_put(decoder->out, "\":", 2);
        atlas_status_t status = put_value(decoder, message, field, proto, base + i);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    buffer_put_byte(decoder->out, '}');
    return ATLAS_OK;
}

static atlas_status_t put_time(struct decoder *decoder, const struct message_descriptor *message,
                               size_t base)
{
    const struct field_slot *slots = &decoder->slots.items[base];
    struct time_value time = {(int64_t)slots[0].last.value, (int32_t)(uint32_t)slots[1].last.value};
    bool is_put = message->well_known == WELL_KNOWN_TIMESTAMP
                      ? timestamp_put_json(decoder->out, time)
                      : duration_put_json(decoder->out, time);

    return is_put ? ATLAS_OK : malformed(decoder, message, "it is out of range");
}

static atlas_status_t put_known(struct decoder *decoder, const struct message_descriptor *message,
                                struct atlas_bytes proto, size_t base)
{
    switch (message->well_known) {
    case WELL_KNOWN_TIMESTAMP:
    case WELL_KNOWN_DURATION:
        return put_time(decoder, message, base);
    case WELL_KNOWN_WRAPPER:
        return put_value(decoder, message, &message->fields[0], proto, base);
    default:
        return error_set(decoder->error, ATLAS_UNIMPLEMENTED,
                         "%s is not supported over JSON; use gRPC", message->name);
    }
}

static atlas_status_t put_message(struct decoder *decoder, const struct message_descriptor *message,
                                  struct atlas_bytes proto)
{
    size_t base = field_slots_open(&decoder->slots, message->field_count);

    if (base == SIZE_MAX || decoder->out->failed) {
        decoder->out->failed = true;
        return ATLAS_OK; /* told once, at the end */
    }
    if (++decoder->depth > JSON_DEPTH_LIMIT) {
        return malformed(decoder, message, "it is nested too deep");
    }
    atlas_status_t status = field_slots_note(&decoder->slots, message, proto, base, decoder->error);
    if (status == ATLAS_OK) {
        status = message->well_known != WELL_KNOWN_NONE ? put_known(decoder, message, proto, base)
                                                        : put_fields(decoder, message, proto, base);
    }
    decoder->depth--;
    field_slots_close(&decoder->slots, base);
    return status;
}

static atlas_status_t finish(const struct decoder *decoder, atlas_status_t status)
{
    if (status == ATLAS_OK && decoder->out->failed) {
        return error_set(decoder->error, ATLAS_RESOURCE_EXHAUSTED,
                         "the reply is larger as JSON than the limit of %zu bytes",
                         decoder->out->limit);
    }
    return status;
}

atlas_status_t proto_to_json(const struct message_descriptor *message, struct atlas_bytes proto,
                             struct buffer *out, struct error *error)
{
    struct decoder decoder = {.out = out, .error = error, .slots = {.arena = out->arena}};

    return finish(&decoder, put_message(&decoder, message, proto));
}

atlas_status_t proto_to_json_field(const struct message_descriptor *message,
                                   const struct field_descriptor *field, struct atlas_bytes proto,
                                   struct buffer *out, struct error *error)
{
    struct decoder decoder = {
        .out = out, .error = error, .slots = {.arena = out->arena}, .depth = 1};
    size_t base = field_slots_open(&decoder.slots, message->field_count);
    size_t slot = base + (size_t)(field - message->fields);

    if (base == SIZE_MAX) {
        out->failed = true;
        return finish(&decoder, ATLAS_OK);
    }
    atlas_status_t status = field_slots_note(&decoder.slots, message, proto, base, error);
    if (status != ATLAS_OK) {
        return status;
    }
    if (decoder.slots.items[slot].first == NULL && field->type == FIELD_MESSAGE &&
        !field->is_repeated) {
        buffer_put_string(out, "null");
        return finish(&decoder, ATLAS_OK);
    }
    return finish(&decoder, put_value(&decoder, message, field, proto, slot));
}
