/*
 * JSON to protobuf: jansson parses (after a scan that bounds the depth, since it recurses), then
 * the tree is walked by the descriptors and written as wire bytes. Both recurse at most
 * JSON_DEPTH_LIMIT deep. https://protobuf.dev/programming-guides/json/
 */
#include "inbound/rest/json_to_proto.h"

#include <jansson.h>
#include <stdio.h>

#include "base/arena.h"
#include "inbound/rest/json_where.h"
#include "inbound/rest/scalar.h"
#include "inbound/rest/text_to_proto.h"

/* One step of the way to the value that is being written, for messages. */
struct step {
    const struct step *up;
    const char *name; /* of a field or a map key */
    size_t index;     /* of a repeated field; SIZE_MAX: none */
};

struct encoder {
    struct buffer *out;
    struct error *error;
};

/* Out of line, so that the text does not lie in the frames that recurse. */
#define REFUSAL __attribute__((noinline))

#define STEPS_SHOWN 16u

/* "pickup.points[3].lat" */
static void describe(const struct step *step, char *text, size_t size)
{
    const struct step *steps[STEPS_SHOWN];
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

static const char *kind_of(const json_t *json)
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

static REFUSAL atlas_status_t refuse(const struct encoder *encoder, const struct step *step,
                                     const char *problem)
{
    char path[256];

    describe(step, path, sizeof path);
    if (step == NULL) {
        return error_set(encoder->error, ATLAS_INVALID_ARGUMENT, "the body: %s", problem);
    }
    return error_set(encoder->error, ATLAS_INVALID_ARGUMENT, "field %s: %s", path, problem);
}

static REFUSAL atlas_status_t refuse_kind(const struct encoder *encoder, const struct step *step,
                                          const char *expected, const json_t *json)
{
    char problem[128];

    snprintf(problem, sizeof problem, "expected %s, got %s", expected, kind_of(json));
    return refuse(encoder, step, problem);
}

static REFUSAL atlas_status_t refuse_text(const struct encoder *encoder, const struct step *step,
                                          const char *expected, const json_t *json)
{
    char problem[192];

    snprintf(problem, sizeof problem, "\"%.64s\" is not %s", json_string_value(json), expected);
    return refuse(encoder, step, problem);
}

static atlas_status_t put_field(const struct encoder *encoder, const struct step *step,
                                const struct field_descriptor *field, const json_t *json);
static atlas_status_t put_message(const struct encoder *encoder, const struct step *step,
                                  const struct message_descriptor *message, const json_t *json);

static const char *expected_of(uint8_t type)
{
    switch (type) {
    case FIELD_STRING:
        return "a string";
    case FIELD_BYTES:
        return "a string of base64";
    case FIELD_BOOL:
        return "true or false";
    case FIELD_ENUM:
        return "a name of its enum";
    case FIELD_DOUBLE:
    case FIELD_FLOAT:
        return "a number";
    default:
        return "a whole number";
    }
}

static atlas_status_t scalar_from_json(const struct encoder *encoder, const struct step *step,
                                       const struct field_descriptor *field, const json_t *json,
                                       struct scalar *ret_value)
{
    uint8_t type = field->type;

    if (json_is_string(json) && type != FIELD_BOOL) {
        const char *expected = scalar_from_text(
            field, (struct atlas_bytes){json_string_value(json), json_string_length(json)},
            encoder->out->arena, ret_value);
        if (expected != NULL) {
            return refuse_text(encoder, step, expected, json);
        }
        return ATLAS_OK;
    }
    if (json_is_boolean(json) && type == FIELD_BOOL) {
        *ret_value = (struct scalar){.integer = json_is_true(json)};
        return ATLAS_OK;
    }
    if (json_is_number(json) && type != FIELD_BOOL && type != FIELD_STRING && type != FIELD_BYTES) {
        bool is_in_range = json_is_integer(json)
                               ? scalar_from_integer(type, json_integer_value(json), ret_value)
                               : scalar_from_number(type, json_real_value(json), ret_value);

        return is_in_range ? ATLAS_OK
                           : refuse(encoder, step,
                                    type == FIELD_FLOAT || type == FIELD_DOUBLE
                                        ? "the number is out of range"
                                        : "the number is out of range or not whole");
    }
    return refuse_kind(encoder, step, expected_of(type), json);
}

/* A key of a map is a string whatever its type. */
static atlas_status_t put_map_key(const struct encoder *encoder, const struct step *step,
                                  const struct field_descriptor *field, const char *key)
{
    struct scalar value = {0};
    const char *expected = scalar_from_text(field, (struct atlas_bytes){key, strlen(key)},
                                            encoder->out->arena, &value);

    if (expected != NULL) {
        return refuse(encoder, step, "the key does not have the type of the map's keys");
    }
    wire_put_tag(encoder->out, field->number, scalar_wire_type(field->type));
    scalar_put(encoder->out, field->type, &value);
    return ATLAS_OK;
}

static atlas_status_t put_map(const struct encoder *encoder, const struct step *step,
                              const struct field_descriptor *field, json_t *json)
{
    const struct field_descriptor *key_field = message_field_by_number(field->message, 1);
    const struct field_descriptor *value_field = message_field_by_number(field->message, 2);
    const char *key = NULL;
    json_t *value = NULL;

    if (!json_is_object(json)) {
        return refuse_kind(encoder, step, "an object", json);
    }
    json_object_foreach(json, key, value)
    {
        struct step entry = {step, key, SIZE_MAX};
        size_t mark = 0;

        if (json_is_null(value)) {
            return refuse(encoder, &entry, "null is not allowed in a map");
        }
        wire_put_tag(encoder->out, field->number, WIRE_BYTES);
        mark = wire_open(encoder->out);
        atlas_status_t status = put_map_key(encoder, &entry, key_field, key);
        if (status == ATLAS_OK) {
            status = put_field(encoder, &entry, value_field, value);
        }
        if (status != ATLAS_OK) {
            return status;
        }
        wire_close(encoder->out, mark);
    }
    return ATLAS_OK;
}

static atlas_status_t put_element(const struct encoder *encoder, const struct step *step,
                                  const struct field_descriptor *field, const json_t *json)
{
    struct scalar value = {0};

    if (field->type == FIELD_MESSAGE) {
        wire_put_tag(encoder->out, field->number, WIRE_BYTES);
        size_t mark = wire_open(encoder->out);
        atlas_status_t status = put_message(encoder, step, field->message, json);
        wire_close(encoder->out, mark);
        return status;
    }
    atlas_status_t status = scalar_from_json(encoder, step, field, json, &value);
    if (status == ATLAS_OK) {
        if (!field->is_packed) {
            wire_put_tag(encoder->out, field->number, scalar_wire_type(field->type));
        }
        scalar_put(encoder->out, field->type, &value);
    }
    return status;
}

static atlas_status_t put_repeated(const struct encoder *encoder, const struct step *step,
                                   const struct field_descriptor *field, const json_t *json)
{
    size_t mark = 0;

    if (!json_is_array(json)) {
        return refuse_kind(encoder, step, "an array", json);
    }
    if (field->is_packed) {
        wire_put_tag(encoder->out, field->number, WIRE_BYTES);
        mark = wire_open(encoder->out);
    }
    for (size_t i = 0; i < json_array_size(json); i++) {
        struct step element = {step, NULL, i};
        const json_t *value = json_array_get(json, i);

        if (json_is_null(value)) {
            return refuse(encoder, &element, "null is not allowed in an array");
        }
        atlas_status_t status = put_element(encoder, &element, field, value);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    if (field->is_packed) {
        wire_close(encoder->out, mark);
    }
    return ATLAS_OK;
}

static atlas_status_t put_field(const struct encoder *encoder, const struct step *step,
                                const struct field_descriptor *field, const json_t *json)
{
    if (field->type == FIELD_GROUP) {
        return refuse(encoder, step, "groups have no JSON form");
    }
    if (field->is_map) {
        return put_map(encoder, step, field, (json_t *)json);
    }
    return field->is_repeated ? put_repeated(encoder, step, field, json)
                              : put_element(encoder, step, field, json);
}

static atlas_status_t put_time(const struct encoder *encoder, const struct step *step,
                               const struct message_descriptor *message, const json_t *json)
{
    const char *expected = NULL;

    if (!json_is_string(json)) {
        return refuse_kind(encoder, step, "a string", json);
    }
    expected =
        text_put_time(encoder->out, message,
                      (struct atlas_bytes){json_string_value(json), json_string_length(json)});
    return expected == NULL ? ATLAS_OK : refuse_text(encoder, step, expected, json);
}

/* Refuses the two spellings of one field beside each other, and two members of one oneof. */
static atlas_status_t check_twice(const struct encoder *encoder, const struct step *step,
                                  const struct field_descriptor *field, const json_t *json,
                                  const char *key, uint64_t *oneofs)
{
    if (strcmp(key, field->name) != 0 && json_object_get(json, field->name) != NULL) {
        return refuse(encoder, step, "given twice, in both spellings");
    }
    if (field->oneof >= 0 && field->oneof < 64) {
        uint64_t bit = UINT64_C(1) << field->oneof;

        if ((*oneofs & bit) != 0) {
            return refuse(encoder, step, "excludes another field that is given");
        }
        *oneofs |= bit;
    }
    return ATLAS_OK;
}

static atlas_status_t put_fields(const struct encoder *encoder, const struct step *step,
                                 const struct message_descriptor *message, json_t *json)
{
    const char *key = NULL;
    json_t *value = NULL;
    uint64_t oneofs = 0;

    json_object_foreach(json, key, value)
    {
        const struct field_descriptor *field = message_field(message, key, strlen(key));
        struct step next = {step, key, SIZE_MAX};

        if (field == NULL) {
            return refuse(encoder, &next, "unknown field");
        }
        if (json_is_null(value)) {
            continue; /* unset */
        }
        atlas_status_t status = check_twice(encoder, &next, field, json, key, &oneofs);
        if (status == ATLAS_OK) {
            status = put_field(encoder, &next, field, value);
        }
        if (status != ATLAS_OK) {
            return status;
        }
    }
    return ATLAS_OK;
}

/* The content of a message, without tag and length. */
static atlas_status_t put_message(const struct encoder *encoder, const struct step *step,
                                  const struct message_descriptor *message, const json_t *json)
{
    switch (message->well_known) {
    case WELL_KNOWN_TIMESTAMP:
    case WELL_KNOWN_DURATION:
        return put_time(encoder, step, message, json);
    case WELL_KNOWN_WRAPPER:
        return put_field(encoder, step, message_field_by_number(message, 1), json);
    case WELL_KNOWN_OTHER:
        return refuse(encoder, step, "a message of its type is not supported over JSON; use gRPC");
    default:
        break;
    }
    if (!json_is_object(json)) {
        return refuse_kind(encoder, step, "an object", json);
    }
    return put_fields(encoder, step, message, (json_t *)json);
}

/* True if arrays and objects lie at most limit deep; text that is not JSON is jansson's.
 */
static bool is_shallow(struct atlas_bytes json, unsigned int limit)
{
    const char *text = json.data;
    unsigned int depth = 0;
    bool is_in_string = false;

    for (size_t i = 0; i < json.len; i++) {
        if (is_in_string) {
            if (text[i] == '\\') {
                i++;
            } else if (text[i] == '"') {
                is_in_string = false;
            }
        } else if (text[i] == '"') {
            is_in_string = true;
        } else if (text[i] == '{' || text[i] == '[') {
            if (++depth > limit) {
                return false;
            }
        } else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

/* Says what is wrong and, as far as the parser came, with which field. */
static REFUSAL atlas_status_t refuse_text_of_body(struct atlas_bytes text,
                                                  const json_error_t *problem, struct error *error)
{
    char path[256];
    char where[280] = "the body";

    json_where(text, (size_t)problem->position, path, sizeof path);
    if (path[0] != '\0') {
        snprintf(where, sizeof where, "field %s", path);
    }
    switch (json_error_code(problem)) {
    case json_error_numeric_overflow:
        return error_set(error, ATLAS_INVALID_ARGUMENT, "%s: the number is out of range", where);
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return error_set(error, ATLAS_INVALID_ARGUMENT, "%s: the text holds a NUL character",
                         where);
    default:
        return error_set(error, ATLAS_INVALID_ARGUMENT, "%s: malformed JSON, line %d column %d: %s",
                         where, problem->line, problem->column, problem->text);
    }
}

static atlas_status_t parse(struct atlas_bytes text, unsigned int depth, json_t **ret_json,
                            struct error *error)
{
    json_error_t problem;
    json_t *json = NULL;

    if (!is_shallow(text, depth)) {
        return error_set(error, ATLAS_INVALID_ARGUMENT, "the JSON is nested more than %u deep",
                         depth);
    }
    json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (json == NULL) {
        return refuse_text_of_body(text, &problem, error);
    }
    *ret_json = json;
    return ATLAS_OK;
}

static atlas_status_t finish(const struct encoder *encoder, atlas_status_t status)
{
    if (status == ATLAS_OK && encoder->out->failed) {
        return error_set(encoder->error, ATLAS_RESOURCE_EXHAUSTED,
                         "the request is larger than the limit of %zu bytes", encoder->out->limit);
    }
    return status;
}

atlas_status_t json_to_proto(const struct message_descriptor *message, struct atlas_bytes text,
                             unsigned int depth, struct buffer *out, struct error *error)
{
    struct encoder encoder = {out, error};
    json_t *json = NULL;

    if (text.len == 0) {
        return ATLAS_OK;
    }
    atlas_status_t status = parse(text, depth, &json, error);
    if (status != ATLAS_OK) {
        return status;
    }
    if (message->well_known == WELL_KNOWN_NONE && !json_is_object(json)) {
        status = error_set(error, ATLAS_INVALID_ARGUMENT, "the body: expected an object, got %s",
                           kind_of(json));
    } else {
        status = finish(&encoder, put_message(&encoder, NULL, message, json));
    }
    json_decref(json);
    return status;
}

atlas_status_t json_to_proto_field(const struct field_descriptor *field, struct atlas_bytes text,
                                   unsigned int depth, struct buffer *out, struct error *error)
{
    struct encoder encoder = {out, error};
    struct step step = {NULL, field->name, SIZE_MAX};
    json_t *json = NULL;

    if (text.len == 0) {
        return ATLAS_OK;
    }
    atlas_status_t status = parse(text, depth, &json, error);
    if (status != ATLAS_OK) {
        return status;
    }
    if (!json_is_null(json)) {
        status = finish(&encoder, put_field(&encoder, &step, field, json));
    }
    json_decref(json);
    return status;
}
