/* Scalars between text and wire: https://protobuf.dev/programming-guides/json/ */
#include "inbound/rest/scalar.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/utf8.h"

#define NUMBER_TEXT_LIMIT 64u /* digits of a number written as a string */
#define ENUM_NAME_LIMIT   256u

/* 2^63 and 2^64 are exact as doubles; the greatest integers below them are not. */
#define TWO_TO_63 9223372036854775808.0
#define TWO_TO_64 18446744073709551616.0

enum wire_type scalar_wire_type(uint8_t type)
{
    switch (type) {
    case FIELD_DOUBLE:
    case FIELD_FIXED64:
    case FIELD_SFIXED64:
        return WIRE_FIXED64;
    case FIELD_FLOAT:
    case FIELD_FIXED32:
    case FIELD_SFIXED32:
        return WIRE_FIXED32;
    case FIELD_STRING:
    case FIELD_BYTES:
    case FIELD_MESSAGE:
        return WIRE_BYTES;
    default:
        return WIRE_VARINT;
    }
}

static uint64_t bits_of_double(double number)
{
    uint64_t bits = 0;

    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static uint32_t bits_of_float(float number)
{
    uint32_t bits = 0;

    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static double double_of_bits(uint64_t bits)
{
    double number = 0;

    memcpy(&number, &bits, sizeof number);
    return number;
}

static float float_of_bits(uint32_t bits)
{
    float number = 0;

    memcpy(&number, &bits, sizeof number);
    return number;
}

void scalar_put(struct buffer *out, uint8_t type, const struct scalar *value)
{
    switch (type) {
    case FIELD_DOUBLE:
        wire_put_fixed64(out, bits_of_double(value->number));
        break;
    case FIELD_FLOAT:
        wire_put_fixed32(out, bits_of_float((float)value->number));
        break;
    case FIELD_FIXED64:
        wire_put_fixed64(out, value->natural);
        break;
    case FIELD_SFIXED64:
        wire_put_fixed64(out, (uint64_t)value->integer);
        break;
    case FIELD_FIXED32:
        wire_put_fixed32(out, (uint32_t)value->natural);
        break;
    case FIELD_SFIXED32:
        wire_put_fixed32(out, (uint32_t)(int32_t)value->integer);
        break;
    case FIELD_UINT32:
    case FIELD_UINT64:
        wire_put_varint(out, value->natural);
        break;
    case FIELD_SINT32:
    case FIELD_SINT64:
        wire_put_varint(out, wire_zigzag(value->integer));
        break;
    case FIELD_STRING:
    case FIELD_BYTES:
        wire_put_varint(out, value->bytes.len);
        buffer_put(out, value->bytes.data, value->bytes.len);
        break;
    default: /* int32, int64, bool, enum: negative ones take ten bytes */
        wire_put_varint(out, (uint64_t)value->integer);
        break;
    }
}

static struct scalar from_bits(uint8_t type, uint64_t bits)
{
    switch (type) {
    case FIELD_DOUBLE:
        return (struct scalar){.number = double_of_bits(bits)};
    case FIELD_FLOAT:
        return (struct scalar){.number = (double)float_of_bits((uint32_t)bits)};
    case FIELD_UINT64:
    case FIELD_FIXED64:
        return (struct scalar){.natural = bits};
    case FIELD_UINT32:
    case FIELD_FIXED32:
        return (struct scalar){.natural = (uint32_t)bits};
    case FIELD_SINT64:
        return (struct scalar){.integer = wire_unzigzag(bits)};
    case FIELD_SINT32:
        return (struct scalar){.integer = (int32_t)wire_unzigzag((uint32_t)bits)};
    case FIELD_INT64:
    case FIELD_SFIXED64:
        return (struct scalar){.integer = (int64_t)bits};
    case FIELD_BOOL:
        return (struct scalar){.integer = bits != 0};
    default: /* int32, sfixed32, enum */
        return (struct scalar){.integer = (int32_t)(uint32_t)bits};
    }
}

struct scalar scalar_from_wire(uint8_t type, const struct wire_field *field)
{
    if (type == FIELD_STRING || type == FIELD_BYTES) {
        return (struct scalar){.bytes = field->bytes};
    }
    return from_bits(type, field->value);
}

bool scalar_from_packed(uint8_t type, struct wire_reader *reader, struct scalar *ret_value)
{
    uint64_t bits = 0;
    bool is_read = false;

    switch (scalar_wire_type(type)) {
    case WIRE_FIXED64:
        is_read = wire_read_fixed64(reader, &bits);
        break;
    case WIRE_FIXED32:
        is_read = wire_read_fixed32(reader, &bits);
        break;
    default:
        is_read = wire_read_varint(reader, &bits);
        break;
    }
    *ret_value = from_bits(type, bits);
    return is_read;
}

bool scalar_from_integer(uint8_t type, int64_t integer, struct scalar *ret_value)
{
    *ret_value = (struct scalar){
        .integer = integer, .natural = (uint64_t)integer, .number = (double)integer};
    switch (type) {
    case FIELD_INT32:
    case FIELD_SINT32:
    case FIELD_SFIXED32:
    case FIELD_ENUM:
        return integer >= INT32_MIN && integer <= INT32_MAX;
    case FIELD_UINT32:
    case FIELD_FIXED32:
        return integer >= 0 && integer <= (int64_t)UINT32_MAX;
    case FIELD_UINT64:
    case FIELD_FIXED64:
        return integer >= 0;
    case FIELD_BOOL:
    case FIELD_STRING:
    case FIELD_BYTES:
        return false;
    default:
        return true;
    }
}

bool scalar_from_number(uint8_t type, double number, struct scalar *ret_value)
{
    if (type == FIELD_DOUBLE || type == FIELD_FLOAT) {
        *ret_value = (struct scalar){.number = number};
        return type == FIELD_DOUBLE || !isfinite(number) || fabs(number) <= (double)FLT_MAX;
    }
    if (!isfinite(number) || number != trunc(number)) {
        return false;
    }
    if (type == FIELD_UINT64 || type == FIELD_FIXED64) {
        if (number < 0 || number >= TWO_TO_64) {
            return false;
        }
        *ret_value = (struct scalar){.natural = (uint64_t)number};
        return true;
    }
    return number >= -TWO_TO_63 && number < TWO_TO_63 &&
           scalar_from_integer(type, (int64_t)number, ret_value);
}

/* JSON's grammar of numbers, so that strtod's hexadecimal, spaces and names stay out. */
static bool is_json_number(const char *text)
{
    const char *digits = NULL;

    text += *text == '-';
    digits = text;
    text += strspn(text, "0123456789");
    if (text == digits || (*digits == '0' && text - digits > 1)) {
        return false;
    }
    if (*text == '.') {
        digits = ++text;
        text += strspn(text, "0123456789");
        if (text == digits) {
            return false;
        }
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        digits = text;
        text += strspn(text, "0123456789");
        if (text == digits) {
            return false;
        }
    }
    return *text == '\0';
}

static bool number_from_name(const char *text, double *ret_number)
{
    static const struct {
        const char *name;
        double number;
    } table[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(text, table[i].name) == 0) {
            *ret_number = table[i].number;
            return true;
        }
    }
    return false;
}

static bool is_floating(uint8_t type)
{
    return type == FIELD_DOUBLE || type == FIELD_FLOAT;
}

static bool number_from_text(uint8_t type, struct atlas_bytes bytes, struct scalar *ret_value)
{
    char text[NUMBER_TEXT_LIMIT + 1];
    double number = 0;

    if (bytes.len > NUMBER_TEXT_LIMIT) {
        return false;
    }
    memcpy(text, bytes.data, bytes.len);
    text[bytes.len] = '\0';
    if (is_floating(type) && number_from_name(text, &number)) {
        return scalar_from_number(type, number, ret_value);
    }
    if (strlen(text) != bytes.len || !is_json_number(text)) {
        return false;
    }
    if (!is_floating(type) && strpbrk(text, ".eE") == NULL) {
        errno = 0;
        if (type == FIELD_UINT64 || type == FIELD_FIXED64) {
            *ret_value = (struct scalar){.natural = strtoull(text, NULL, 10)};
            return errno == 0 && text[0] != '-';
        }
        int64_t integer = strtoll(text, NULL, 10);
        return errno == 0 && scalar_from_integer(type, integer, ret_value);
    }
    number = strtod(text, NULL);
    return isfinite(number) && scalar_from_number(type, number, ret_value);
}

static bool enum_from_text(const struct field_descriptor *field, struct atlas_bytes text,
                           struct scalar *ret_value)
{
    int32_t number = 0;

    if (text.len > 0 && text.len <= ENUM_NAME_LIMIT && memchr(text.data, '\0', text.len) == NULL &&
        enum_number(field->enumeration, text.data, text.len, &number)) {
        *ret_value = (struct scalar){.integer = number};
        return true;
    }
    return number_from_text(FIELD_ENUM, text, ret_value);
}

static bool bool_from_text(struct atlas_bytes text, struct scalar *ret_value)
{
    bool is_true = text.len == 4 && memcmp(text.data, "true", 4) == 0;

    *ret_value = (struct scalar){.integer = is_true};
    return is_true || (text.len == 5 && memcmp(text.data, "false", 5) == 0);
}

static bool bytes_from_text(struct atlas_bytes text, struct arena *arena, struct scalar *ret_value)
{
    uint8_t *bytes = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    if (bytes == NULL || !base64_decode(text.data, text.len, bytes, &len)) {
        return false;
    }
    *ret_value = (struct scalar){.bytes = {bytes, len}};
    return true;
}

const char *scalar_from_text(const struct field_descriptor *field, struct atlas_bytes text,
                             struct arena *arena, struct scalar *ret_value)
{
    switch (field->type) {
    case FIELD_STRING:
        *ret_value = (struct scalar){.bytes = text};
        return utf8_is_valid(text.data, text.len) ? NULL : "UTF-8 text without NUL";
    case FIELD_BYTES:
        return bytes_from_text(text, arena, ret_value) ? NULL : "base64";
    case FIELD_BOOL:
        return bool_from_text(text, ret_value) ? NULL : "true or false";
    case FIELD_ENUM:
        return enum_from_text(field, text, ret_value) ? NULL : "a name of its enum";
    case FIELD_DOUBLE:
    case FIELD_FLOAT:
        return number_from_text(field->type, text, ret_value) ? NULL : "a number";
    default:
        return number_from_text(field->type, text, ret_value) ? NULL
                                                              : "a whole number in its range";
    }
}

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
