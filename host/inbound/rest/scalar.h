/* Values of protobuf fields that are not messages: their form on the wire, and their ranges. */
#ifndef INBOUND_REST_SCALAR_H
#define INBOUND_REST_SCALAR_H

#include "base/descriptors.h"
#include "base/wire.h"

/* Which member counts follows from the type of the field. */
struct scalar {
    int64_t integer;          /* signed types, enums, bool (0 or 1) */
    uint64_t natural;         /* unsigned types */
    double number;            /* double, float */
    struct atlas_bytes bytes; /* string, bytes */
};

/* How a type lies on the wire. */
enum wire_type scalar_wire_type(uint8_t type);

/* Appends the value without its tag; bytes and strings with their length. */
void scalar_put(struct buffer *out, uint8_t type, const struct scalar *value);

/* The value of a field as read from the wire; wire types must have been compared before. */
struct scalar scalar_from_wire(uint8_t type, const struct wire_field *field);

/* One element of a packed field; false if it is cut off. */
bool scalar_from_packed(uint8_t type, struct wire_reader *reader, struct scalar *ret_value);

/* A whole number for an integer type of the field; false if out of its range. */
bool scalar_from_integer(uint8_t type, int64_t integer, struct scalar *ret_value);

/* A number for any numeric type; false if out of range, or not whole for an integer type. */
bool scalar_from_number(uint8_t type, double number, struct scalar *ret_value);

#endif
