/* Refusals of JSON that name the field by its path. Out of line, so that their texts do not lie in
 * the frames of functions that recurse. None waits. */
#ifndef INBOUND_REST_JSON_REFUSAL_H
#define INBOUND_REST_JSON_REFUSAL_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"

/* One step of the way to a value; lies on the stack of who takes it. */
struct json_step {
    const struct json_step *up;
    const char *name; /* of a field or a map key */
    size_t index;     /* of a repeated field; SIZE_MAX: none */
};

/* INVALID_ARGUMENT: "field pickup.points[3].lat: <problem>"; without a step it is the body. */
__attribute__((noinline)) atlas_status_t
json_refuse(struct error *error, const struct json_step *step, const char *problem);

/* The same for a value of another kind than was expected ("a string"). */
__attribute__((noinline)) atlas_status_t json_refuse_kind(struct error *error,
                                                          const struct json_step *step,
                                                          const char *expected, const json_t *json);

/* The same for a string that is not what was expected ("a whole number"). */
__attribute__((noinline)) atlas_status_t json_refuse_text(struct error *error,
                                                          const struct json_step *step,
                                                          const char *expected, const json_t *json);

/* "an object", "a number", ...; static. */
const char *json_kind(const json_t *json);

#endif
