/* Scalars from text, as a JSON string, a query parameter and a path segment have it. */
#ifndef INBOUND_REST_SCALAR_TEXT_H
#define INBOUND_REST_SCALAR_TEXT_H

#include "inbound/rest/scalar.h"

struct arena;

/*
 * Text for any type, by the rules that ProtoJSON has for strings, with true and false for bool.
 * bytes are decoded into the arena; strings are borrowed. NULL on success, otherwise what was
 * expected: "a whole number".
 */
const char *scalar_from_text(const struct field_descriptor *field, struct atlas_bytes text,
                             struct arena *arena, struct scalar *ret_value);

#endif
