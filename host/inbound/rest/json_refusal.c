#include "inbound/rest/json_refusal.h"

#include <stdio.h>

#define STEPS_SHOWN 16u

/* "pickup.points[3].lat" */
static void describe(const struct json_step *step, char *text, size_t size)
{
    const struct json_step *steps[STEPS_SHOWN];
    size_t count = 0;
    size_t len = 0;

    for (; step != NULL && count < STEPS_SHOWN; step = step->up) {
        steps[count++] = step;
    }
    text[0] = '\0';
    while (count > 0 && len < size) {
        int more = 0;

        step = steps[--count];
        if (step->index != SIZE_MAX) {
            more = snprintf(text + len, size - len, "[%zu]", step->index);
        } else {
            more = snprintf(text + len, size - len, "%s%.64s", len > 0 ? "." : "", step->name);
        }
        len += more > 0 ? (size_t)more : 0;
    }
}

const char *json_kind(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_NULL:
        return "null";
    default:
        return "true or false";
    }
}

atlas_status_t json_refuse(struct error *error, const struct json_step *step, const char *problem)
{
    char path[256];

    describe(step, path, sizeof path);
    if (step == NULL) {
        return error_set(error, ATLAS_INVALID_ARGUMENT, "the body: %s", problem);
    }
    return error_set(error, ATLAS_INVALID_ARGUMENT, "field %s: %s", path, problem);
}

atlas_status_t json_refuse_kind(struct error *error, const struct json_step *step,
                                const char *expected, const json_t *json)
{
    char problem[128];

    snprintf(problem, sizeof problem, "expected %s, got %s", expected, json_kind(json));
    return json_refuse(error, step, problem);
}

atlas_status_t json_refuse_text(struct error *error, const struct json_step *step,
                                const char *expected, const json_t *json)
{
    char problem[192];

    snprintf(problem, sizeof problem, "\"%.64s\" is not %s", json_string_value(json), expected);
    return json_refuse(error, step, problem);
}
