/*
 * JSON to protobuf: the text is parsed, then the tree is walked by the descriptors and written as
 * wire bytes. Both recurse at most JSON_DEPTH_LIMIT deep.
 * https://protobuf.dev/programming-guides/json/
 */
#include "inbound/rest/json_to_proto.h"

#include <jansson.h>

#include "base/arena.h"
#include "inbound/rest/json_parse.h"
#include "inbound/rest/json_refusal.h"
#include "inbound/rest/scalar_text.h"
#include "inbound/rest/text_to_proto.h"

struct encoder {
    struct buffer *out;
    struct error *error;
};

static atlas_status_t put_field(const struct encoder *encoder, const struct json_step *step,
                                const struct field_descriptor *field, const json_t *json);
static atlas_status_t put_message(const struct encoder *encoder, const struct json_step *step,
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

static atlas_status_t scalar_from_json(const struct encoder *encoder, const struct json_step *step,
                                       const struct field_descriptor *field, const json_t *json,
                                       struct scalar *ret_value)
{
    uint8_t type = field->type;

    if (json_is_string(json) && type != FIELD_BOOL) {
        const char *expected = scalar_from_text(
            field, (struct atlas_bytes){json_string_value(json), json_string_length(json)},
            encoder->out->arena, ret_value);
        if (expected != NULL) {
            return json_refuse_text(encoder->error, step, expected, json);
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
                           : json_refuse(encoder->error, step,
                                         type == FIELD_FLOAT || type == FIELD_DOUBLE
                                             ? "the number is out of range"
                                             : "the number is out of range or not whole");
    }
    return json_refuse_kind(encoder->error, step, expected_of(type), json);
}

/* A key of a map is a string whatever its type. */
static atlas_status_t put_map_key(const struct encoder *encoder, const struct json_step *step,
                                  const struct field_descriptor *field, const char *key)
{
    struct scalar value = {0};
    const char *expected = scalar_from_text(field, (struct atlas_bytes){key, strlen(key)},
                                            encoder->out->arena, &value);

    if (expected != NULL) {
        return json_refuse(encoder->error, step,
                           "the key does not have the type of the map's keys");
    }
    wire_put_tag(encoder->out, field->number, scalar_wire_type(field->type));
    scalar_put(encoder->out, field->type, &value);
    return ATLAS_OK;
}

static atlas_status_t put_map(const struct encoder *encoder, const struct json_step *step,
                              const struct field_descriptor *field, json_t *json)
{
    const struct field_descriptor *key_field = message_field_by_number(field->message, 1);
    const struct field_descriptor *value_field = message_field_by_number(field->message, 2);
    const char *key = NULL;
    json_t *value = NULL;

    if (!json_is_object(json)) {
        return json_refuse_kind(encoder->error, step, "an object", json);
    }
    json_object_foreach(json, key, value)
    {
        struct json_step entry = {step, key, SIZE_MAX};
        size_t mark = 0;

        if (json_is_null(value)) {
            return json_refuse(encoder->error, &entry, "null is not allowed in a map");
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

static atlas_status_t put_element(const struct encoder *encoder, const struct json_step *step,
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

static atlas_status_t put_repeated(const struct encoder *encoder, const struct json_step *step,
                                   const struct field_descriptor *field, const json_t *json)
{
    size_t mark = 0;

    if (!json_is_array(json)) {
        return json_refuse_kind(encoder->error, step, "an array", json);
    }
    if (field->is_packed) {
        wire_put_tag(encoder->out, field->number, WIRE_BYTES);
        mark = wire_open(encoder->out);
    }
    for (size_t i = 0; i < json_array_size(json); i++) {
        struct json_step element = {step, NULL, i};
        const json_t *value = json_array_get(json, i);

        if (json_is_null(value)) {
            return json_refuse(encoder->error, &element, "null is not allowed in an array");
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

static atlas_status_t put_field(const struct encoder *encoder, const struct json_step *step,
                                const struct field_descriptor *field, const json_t *json)
{
    if (field->type == FIELD_GROUP) {
        return json_refuse(encoder->error, step, "groups have no JSON form");
    }
    if (field->is_map) {
        return put_map(encoder, step, field, (json_t *)json);
    }
    return field->is_repeated ? put_repeated(encoder, step, field, json)
                              : put_element(encoder, step, field, json);
}

static atlas_status_t put_time(const struct encoder *encoder, const struct json_step *step,
                               const struct message_descriptor *message, const json_t *json)
{
    const char *expected = NULL;

    if (!json_is_string(json)) {
        return json_refuse_kind(encoder->error, step, "a string", json);
    }
    expected =
        text_put_time(encoder->out, message,
                      (struct atlas_bytes){json_string_value(json), json_string_length(json)});
    return expected == NULL ? ATLAS_OK : json_refuse_text(encoder->error, step, expected, json);
}

/* Refuses the two spellings of one field beside each other, and two members of one oneof. */
static atlas_status_t check_twice(const struct encoder *encoder, const struct json_step *step,
                                  const struct field_descriptor *field, const json_t *json,
                                  const char *key, uint64_t *oneofs)
{
    if (strcmp(key, field->name) != 0 && json_object_get(json, field->name) != NULL) {
        return json_refuse(encoder->error, step, "given twice, in both spellings");
    }
    if (field->oneof >= 0 && field->oneof < 64) {
        uint64_t bit = UINT64_C(1) << field->oneof;

        if ((*oneofs & bit) != 0) {
            return json_refuse(encoder->error, step, "excludes another field that is given");
        }
        *oneofs |= bit;
    }
    return ATLAS_OK;
}

static atlas_status_t put_fields(const struct encoder *encoder, const struct json_step *step,
                                 const struct message_descriptor *message, json_t *json)
{
    const char *key = NULL;
    json_t *value = NULL;
    uint64_t oneofs = 0;

    json_object_foreach(json, key, value)
    {
        const struct field_descriptor *field = message_field(message, key, strlen(key));
        struct json_step next = {step, key, SIZE_MAX};

        if (field == NULL) {
            return json_refuse(encoder->error, &next, "unknown field");
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
static atlas_status_t put_message(const struct encoder *encoder, const struct json_step *step,
                                  const struct message_descriptor *message, const json_t *json)
{
    switch (message->well_known) {
    case WELL_KNOWN_TIMESTAMP:
    case WELL_KNOWN_DURATION:
        return put_time(encoder, step, message, json);
    case WELL_KNOWN_WRAPPER:
        return put_field(encoder, step, message_field_by_number(message, 1), json);
    case WELL_KNOWN_OTHER:
        return json_refuse(encoder->error, step,
                           "a message of its type is not supported over JSON; use gRPC");
    default:
        break;
    }
    if (!json_is_object(json)) {
        return json_refuse_kind(encoder->error, step, "an object", json);
    }
    return put_fields(encoder, step, message, (json_t *)json);
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
    atlas_status_t status = json_parse(text, depth, &json, error);
    if (status != ATLAS_OK) {
        return status;
    }
    if (message->well_known == WELL_KNOWN_NONE && !json_is_object(json)) {
        status = error_set(error, ATLAS_INVALID_ARGUMENT, "the body: expected an object, got %s",
                           json_kind(json));
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
    struct json_step step = {NULL, field->name, SIZE_MAX};
    json_t *json = NULL;

    if (text.len == 0) {
        return ATLAS_OK;
    }
    atlas_status_t status = json_parse(text, depth, &json, error);
    if (status != ATLAS_OK) {
        return status;
    }
    if (!json_is_null(json)) {
        status = finish(&encoder, put_field(&encoder, &step, field, json));
    }
    json_decref(json);
    return status;
}
