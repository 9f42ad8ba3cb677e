#include "inbound/rest/text_to_proto.h"

#include "inbound/rest/scalar_text.h"
#include "inbound/rest/time_text.h"

const char *text_put_time(struct buffer *out, const struct message_descriptor *message,
                          struct atlas_bytes text)
{
    bool is_timestamp = message->well_known == WELL_KNOWN_TIMESTAMP;
    struct time_value time = {0};

    if (!(is_timestamp ? timestamp_from_text(text, &time) : duration_from_text(text, &time))) {
        return is_timestamp ? "a time such as \"2026-01-31T12:00:00Z\""
                            : "a duration such as \"1.5s\"";
    }
    wire_put_tag(out, 1, WIRE_VARINT);
    wire_put_varint(out, (uint64_t)time.seconds);
    wire_put_tag(out, 2, WIRE_VARINT);
    wire_put_varint(out, (uint64_t)(int64_t)time.nanos);
    return NULL;
}

static const char *put_scalar(struct buffer *out, const struct field_descriptor *field,
                              struct atlas_bytes text)
{
    struct scalar value = {0};
    const char *expected = scalar_from_text(field, text, out->arena, &value);

    if (expected == NULL) {
        /* One element of a packed field may lie unpacked: readers take both. */
        wire_put_tag(out, field->number, scalar_wire_type(field->type));
        scalar_put(out, field->type, &value);
    }
    return expected;
}

const char *text_put_field(struct buffer *out, const struct field_descriptor *field,
                           struct atlas_bytes text)
{
    const char *expected = NULL;
    size_t mark = 0;

    if (field->type != FIELD_MESSAGE) {
        return put_scalar(out, field, text);
    }
    wire_put_tag(out, field->number, WIRE_BYTES);
    mark = wire_open(out);
    if (field->message->well_known == WELL_KNOWN_WRAPPER) {
        expected = put_scalar(out, message_field_by_number(field->message, 1), text);
    } else {
        expected = text_put_time(out, field->message, text);
    }
    wire_close(out, mark);
    return expected;
}
