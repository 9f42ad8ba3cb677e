/* Scalars as JSON: https://protobuf.dev/programming-guides/json/ */
#ifndef INBOUND_REST_SCALAR_JSON_H
#define INBOUND_REST_SCALAR_JSON_H

#include "inbound/rest/scalar.h"

/* Appends the JSON form of a value that is not a string: numbers, "64-bit as strings", true, names.
 */
void scalar_put_json(struct buffer *out, const struct field_descriptor *field,
                     const struct scalar *value);

#endif
