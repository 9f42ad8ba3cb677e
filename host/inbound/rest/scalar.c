#include "inbound/rest/scalar.h"

#include <float.h>
#include <math.h>

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
