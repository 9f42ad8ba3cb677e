#include "base/descriptors_messages.h"

#include <ctype.h>
#include <string.h>

#include "base/wire_find.h"

#define NESTED_LIMIT 32u
#define FIELD_LIMIT  4096u
#define NUMBER_LIMIT 536870911u /* the greatest field number of protobuf */

#define LABEL_REQUIRED 2
#define LABEL_REPEATED 3

atlas_status_t descriptors_parse_enum(struct descriptors_builder *builder, const char *scope,
                                      struct atlas_bytes bytes)
{
    struct enum_descriptor *enumeration = descriptors_alloc(builder, 1, sizeof *enumeration);
    struct wire_reader reader = wire_reader(bytes);
    struct wire_field field;

    if (enumeration == NULL) {
        return descriptors_out_of_memory(builder);
    }
    atlas_status_t status = descriptors_full_name(builder, scope, bytes, ".", &enumeration->name);
    enumeration->values =
        descriptors_alloc(builder, wire_count(bytes, 2), sizeof *enumeration->values);
    if (status == ATLAS_OK && enumeration->values == NULL) {
        status = descriptors_out_of_memory(builder);
    }
    while (status == ATLAS_OK && wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number == 2 && field.type == WIRE_BYTES) {
            struct enum_value_descriptor *value = &enumeration->values[enumeration->value_count++];

            status = descriptors_copy_text(builder, wire_find_bytes(field.bytes, 1), "a value name",
                                           &value->name);
            value->number = (int32_t)wire_find_value(field.bytes, 2, 0);
        }
    }
    return status == ATLAS_OK
               ? descriptors_add_symbol(builder, enumeration->name, SYMBOL_ENUM, enumeration)
               : status;
}

/* "order_id" becomes "orderId", for files whose compiler left json_name out. */
static atlas_status_t camel_case(const struct descriptors_builder *builder, const char *name,
                                 const char **ret_name)
{
    char *text = descriptors_alloc(builder, strlen(name) + 1, 1);
    size_t len = 0;
    bool is_upper = false;

    if (text == NULL) {
        return descriptors_out_of_memory(builder);
    }
    for (; *name != '\0'; name++) {
        if (*name == '_') {
            is_upper = true;
            continue;
        }
        text[len++] = is_upper ? (char)toupper((unsigned char)*name) : *name;
        is_upper = false;
    }
    *ret_name = text;
    return ATLAS_OK;
}

static bool is_packable(uint8_t type)
{
    return type != FIELD_STRING && type != FIELD_BYTES && type != FIELD_MESSAGE &&
           type != FIELD_GROUP;
}

static atlas_status_t parse_field_names(const struct descriptors_builder *builder,
                                        struct atlas_bytes bytes, struct field_descriptor *field)
{
    struct atlas_bytes json_name = wire_find_bytes(bytes, 10);
    struct atlas_bytes type_name = wire_find_bytes(bytes, 6);

    atlas_status_t status =
        descriptors_copy_text(builder, wire_find_bytes(bytes, 1), "a field name", &field->name);
    if (status != ATLAS_OK) {
        return status;
    }
    if (json_name.len == 0) {
        status = camel_case(builder, field->name, &field->json_name);
    } else {
        status = descriptors_copy_text(builder, json_name, "a json_name", &field->json_name);
    }
    if (status == ATLAS_OK && type_name.len > 0) {
        status = descriptors_copy_text(builder, type_name, "a type name", &field->type_name);
    }
    if (status != ATLAS_OK) {
        return status;
    }
    field->name_len = strlen(field->name);
    field->json_name_len = strlen(field->json_name);
    return ATLAS_OK;
}

/* FieldDescriptorProto: number 3, label 4, type 5, options 8 (packed 2), oneof_index 9,
 * proto3_optional 17. */
static atlas_status_t parse_field(const struct descriptors_builder *builder, const char *message,
                                  struct atlas_bytes bytes, struct field_descriptor *field)
{
    uint64_t number = wire_find_value(bytes, 3, 0);
    uint64_t label = wire_find_value(bytes, 4, 0);
    uint64_t type = wire_find_value(bytes, 5, 0);
    uint64_t oneof = wire_find_value(bytes, 9, UINT64_MAX);
    bool is_optional = wire_find_value(bytes, 17, 0) != 0;

    atlas_status_t status = parse_field_names(builder, bytes, field);
    if (status != ATLAS_OK) {
        return status;
    }
    if (!wire_is_well_formed(bytes) || field->name_len == 0 || number == 0 ||
        number > NUMBER_LIMIT || type < FIELD_DOUBLE || type > FIELD_SINT64 ||
        (oneof != UINT64_MAX && oneof > FIELD_LIMIT)) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT,
                                "message %s: field \"%s\" is malformed", message, field->name);
    }
    field->number = (uint32_t)number;
    field->type = (uint8_t)type;
    field->is_repeated = label == LABEL_REPEATED;
    field->is_required = label == LABEL_REQUIRED;
    field->is_packed =
        field->is_repeated && is_packable(field->type) &&
        wire_find_value(wire_find_bytes(bytes, 8), 2, builder->is_proto3 ? 1 : 0) != 0;
    field->has_presence = !field->is_repeated && (!builder->is_proto3 || is_optional ||
                                                  oneof != UINT64_MAX || type == FIELD_MESSAGE);
    field->oneof = oneof == UINT64_MAX || is_optional ? (int16_t)-1 : (int16_t)oneof;
    return ATLAS_OK;
}

static atlas_status_t parse_fields(struct descriptors_builder *builder, struct atlas_bytes bytes,
                                   struct message_descriptor *message)
{
    struct wire_reader reader = wire_reader(bytes);
    struct wire_field field;
    size_t count = wire_count(bytes, 2);

    if (count > FIELD_LIMIT) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT,
                                "message %s has %zu fields; at most %u are supported",
                                message->name, count, FIELD_LIMIT);
    }
    message->fields = descriptors_alloc(builder, count, sizeof *message->fields);
    if (message->fields == NULL) {
        return descriptors_out_of_memory(builder);
    }
    while (wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number != 2 || field.type != WIRE_BYTES) {
            continue;
        }
        atlas_status_t status = parse_field(builder, message->name, field.bytes,
                                            &message->fields[message->field_count++]);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    return ATLAS_OK;
}

/* Recurses into nested types, at most NESTED_LIMIT deep. */
atlas_status_t descriptors_parse_message(struct descriptors_builder *builder, const char *scope,
                                         struct atlas_bytes bytes, unsigned int depth)
{
    struct message_descriptor *message = descriptors_alloc(builder, 1, sizeof *message);
    struct wire_reader reader = wire_reader(bytes);
    struct wire_field field;

    if (message == NULL) {
        return descriptors_out_of_memory(builder);
    }
    atlas_status_t status = descriptors_full_name(builder, scope, bytes, ".", &message->name);
    if (status != ATLAS_OK) {
        return status;
    }
    if (depth > NESTED_LIMIT || !wire_is_well_formed(bytes)) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT,
                                "message %s is malformed or nested more than %u deep",
                                message->name, NESTED_LIMIT);
    }
    message->file = builder->file->name;
    message->is_map_entry = wire_find_value(wire_find_bytes(bytes, 7), 7, 0) != 0;
    status = parse_fields(builder, bytes, message);
    while (status == ATLAS_OK && wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number == 3 && field.type == WIRE_BYTES) {
            status = descriptors_parse_message(builder, message->name, field.bytes, depth + 1);
        } else if (field.number == 4 && field.type == WIRE_BYTES) {
            status = descriptors_parse_enum(builder, message->name, field.bytes);
        }
    }
    return status == ATLAS_OK
               ? descriptors_add_symbol(builder, message->name, SYMBOL_MESSAGE, message)
               : status;
}
