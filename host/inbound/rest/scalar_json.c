#include "inbound/rest/scalar_json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"

/* The shortest of the usual precisions that reads back as the same number. */
static void put_number(struct buffer *out, double number, bool is_float)
{
    int precision = is_float ? FLT_DIG : DBL_DIG;
    char text[32];

    if (!isfinite(number)) {
        buffer_put_string(out, isnan(number)  ? "\"NaN\""
                               : number > 0.0 ? "\"Infinity\""
                                              : "\"-Infinity\"");
        return;
    }
    if (number == 0.0 && signbit(number)) {
        buffer_put_string(out, "-0.0"); /* "-0" would be read as the integer 0 */
        return;
    }
    for (;; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, number);
        if (is_float ? precision == FLT_DECIMAL_DIG || strtof(text, NULL) == (float)number
                     : precision == DBL_DECIMAL_DIG || strtod(text, NULL) == number) {
            break;
        }
    }
    buffer_put_string(out, text);
}

static void put_integer(struct buffer *out, uint64_t magnitude, bool is_negative, bool is_quoted)
{
    char text[24];
    size_t at = sizeof text;

    if (is_quoted) {
        text[--at] = '"';
    }
    do {
        text[--at] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude > 0);
    if (is_negative) {
        text[--at] = '-';
    }
    if (is_quoted) {
        text[--at] = '"';
    }
    buffer_put(out, text + at, sizeof text - at);
}

static void put_signed(struct buffer *out, int64_t integer, bool is_quoted)
{
    put_integer(out, integer < 0 ? ~(uint64_t)integer + 1 : (uint64_t)integer, integer < 0,
                is_quoted);
}

static void put_base64(struct buffer *out, struct atlas_bytes bytes)
{
    size_t size = base64_encoded_size(bytes.len) + 2;
    uint8_t *at = buffer_reserve(out, size);

    if (at != NULL) {
        at[0] = '"';
        base64_encode(bytes.data, bytes.len, (char *)at + 1);
        at[size - 1] = '"';
        out->len += size;
    }
}

void scalar_put_json(struct buffer *out, const struct field_descriptor *field,
                     const struct scalar *value)
{
    const char *name = NULL;

    switch (field->type) {
    case FIELD_DOUBLE:
    case FIELD_FLOAT:
        put_number(out, value->number, field->type == FIELD_FLOAT);
        break;
    case FIELD_BOOL:
        buffer_put_string(out, value->integer != 0 ? "true" : "false");
        break;
    case FIELD_BYTES:
        put_base64(out, value->bytes);
        break;
    case FIELD_ENUM:
        name = enum_name(field->enumeration, (int32_t)value->integer);
        if (name != NULL) {
            buffer_put_byte(out, '"');
            buffer_put_string(out, name);
            buffer_put_byte(out, '"');
        } else {
            put_signed(out, value->integer, false);
        }
        break;
    case FIELD_UINT64:
    case FIELD_FIXED64:
        put_integer(out, value->natural, false, true);
        break;
    case FIELD_UINT32:
    case FIELD_FIXED32:
        put_integer(out, value->natural, false, false);
        break;
    default:
        put_signed(out, value->integer,
                   field->type == FIELD_INT64 || field->type == FIELD_SINT64 ||
                       field->type == FIELD_SFIXED64);
        break;
    }
}
