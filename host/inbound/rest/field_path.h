/* Dotted paths of fields, as bindings and query parameters name them: "pickup.lat". */
#ifndef INBOUND_REST_FIELD_PATH_H
#define INBOUND_REST_FIELD_PATH_H

#include "base/descriptors.h"

#define FIELD_PATH_LIMIT 8u /* fields in each other */

/* Fields in each other, outermost first; the last one is not a message, or one with a text form. */
struct field_path {
    const struct field_descriptor *fields[FIELD_PATH_LIMIT];
    size_t count;
};

/*
 * Finds the fields that a dotted path names, in either spelling. NULL if all are there and the last
 * one can be given as text (no message without a text form, no map), else what is wrong.
 */
const char *field_path_resolve(const struct message_descriptor *message, struct atlas_bytes text,
                               struct field_path *ret_path);

#endif
