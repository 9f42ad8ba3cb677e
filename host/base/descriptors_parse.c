/*
 * Reads a serialized FileDescriptorSet with the bounded wire reader. The numbers are those of
 * google/protobuf/descriptor.proto and google/api/http.proto; what is not named here is skipped.
 * The input comes from a plugin file and is not trusted: nothing recurses without a bound.
 */
#include "base/descriptors_parse.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/wire.h"

#define NAME_LIMIT   1024u
#define NESTED_LIMIT 32u
#define FIELD_LIMIT  4096u
#define NUMBER_LIMIT 536870911u /* the greatest field number of protobuf */

#define LABEL_REQUIRED 2
#define LABEL_REPEATED 3

#define HTTP_RULE_EXTENSION 72295728u /* google.api.http in MethodOptions */

atlas_status_t descriptors_fail(const struct descriptors_builder *builder, atlas_status_t status,
                                const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set(builder->error, status, "descriptors: file %s: %s",
                     builder->file != NULL ? builder->file->name : "(unnamed)", text);
}

static atlas_status_t out_of_memory(const struct descriptors_builder *builder)
{
    return descriptors_fail(builder, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
}

static void *alloc_array(const struct descriptors_builder *builder, size_t count, size_t size)
{
    void *array = arena_alloc(&builder->descriptors->arena, count > 0 ? count * size : 1);

    if (array != NULL) {
        memset(array, 0, count * size);
    }
    return array;
}

/* How often a field occurs in a message; the caller reads the message again and meets what is
 * malformed there. */
static size_t count_fields(struct atlas_bytes message, uint32_t number)
{
    struct wire_reader reader = wire_reader(message);
    struct wire_field field;
    size_t count = 0;

    while (wire_next(&reader, &field) == WIRE_FIELD) {
        count += field.number == number;
    }
    return count;
}

/* The last occurrence of a bytes field, as protobuf's rules have it; empty if there is none. */
static struct atlas_bytes find_bytes(struct atlas_bytes message, uint32_t number)
{
    struct wire_reader reader = wire_reader(message);
    struct wire_field field;
    struct atlas_bytes found = {"", 0};

    while (wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number == number && field.type == WIRE_BYTES) {
            found = field.bytes;
        }
    }
    return found;
}

static uint64_t find_value(struct atlas_bytes message, uint32_t number, uint64_t fallback)
{
    struct wire_reader reader = wire_reader(message);
    struct wire_field field;

    while (wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number == number && field.type == WIRE_VARINT) {
            fallback = field.value;
        }
    }
    return fallback;
}

static bool is_well_formed(struct atlas_bytes message)
{
    struct wire_reader reader = wire_reader(message);
    struct wire_field field;
    enum wire_result result = WIRE_FIELD;

    while (result == WIRE_FIELD) {
        result = wire_next(&reader, &field);
    }
    return result == WIRE_END;
}

static bool is_printable(struct atlas_bytes bytes)
{
    const uint8_t *text = bytes.data;

    for (size_t i = 0; i < bytes.len; i++) {
        if (text[i] <= 0x20 || text[i] >= 0x7f) {
            return false;
        }
    }
    return bytes.len <= NAME_LIMIT;
}

/* A copy that ends with NUL. what names it in the failure. */
static atlas_status_t copy_text(const struct descriptors_builder *builder, struct atlas_bytes bytes,
                                const char *what, const char **ret_text)
{
    char *text = NULL;

    if (!is_printable(bytes)) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT,
                                "%s has a character that is not allowed or is longer than %u", what,
                                NAME_LIMIT);
    }
    text = alloc_array(builder, bytes.len + 1, 1);
    if (text == NULL) {
        return out_of_memory(builder);
    }
    memcpy(text, bytes.data, bytes.len);
    *ret_text = text;
    return ATLAS_OK;
}

/* "scope" and the name in a message's field 1 become "scope.name". */
static atlas_status_t full_name(const struct descriptors_builder *builder, const char *scope,
                                struct atlas_bytes message, const char *separator,
                                const char **ret_name)
{
    struct atlas_bytes name = find_bytes(message, 1);
    size_t scope_len = strlen(scope);
    size_t separator_len = scope_len > 0 ? strlen(separator) : 0;
    char *text = NULL;

    if (name.len == 0 || !is_printable(name) || scope_len + name.len > NAME_LIMIT) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT,
                                "a definition in \"%s\" has no valid name", scope);
    }
    text = alloc_array(builder, scope_len + separator_len + name.len + 1, 1);
    if (text == NULL) {
        return out_of_memory(builder);
    }
    memcpy(text, scope, scope_len);
    memcpy(text + scope_len, separator, separator_len);
    memcpy(text + scope_len + separator_len, name.data, name.len);
    *ret_name = text;
    return ATLAS_OK;
}

static atlas_status_t add_symbol(struct descriptors_builder *builder, const char *name,
                                 enum symbol_kind kind, void *thing)
{
    struct descriptor_set *model = builder->descriptors;

    if (model->symbol_count == model->symbol_capacity) {
        size_t capacity = model->symbol_capacity == 0 ? 64 : model->symbol_capacity * 2;
        struct symbol *symbols = realloc(model->symbols, capacity * sizeof *symbols);

        if (symbols == NULL) {
            return out_of_memory(builder);
        }
        model->symbols = symbols;
        model->symbol_capacity = capacity;
    }
    model->symbols[model->symbol_count++] = (struct symbol){name, kind, thing, builder->file};
    return ATLAS_OK;
}

/* EnumDescriptorProto: name 1, value 2 (name 1, number 2). */
static atlas_status_t parse_enum(struct descriptors_builder *builder, const char *scope,
                                 struct atlas_bytes bytes)
{
    struct enum_descriptor *enumeration = alloc_array(builder, 1, sizeof *enumeration);
    struct wire_reader reader = wire_reader(bytes);
    struct wire_field field;

    if (enumeration == NULL) {
        return out_of_memory(builder);
    }
    atlas_status_t status = full_name(builder, scope, bytes, ".", &enumeration->name);
    enumeration->values = alloc_array(builder, count_fields(bytes, 2), sizeof *enumeration->values);
    if (status == ATLAS_OK && enumeration->values == NULL) {
        status = out_of_memory(builder);
    }
    while (status == ATLAS_OK && wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number == 2 && field.type == WIRE_BYTES) {
            struct enum_value_descriptor *value = &enumeration->values[enumeration->value_count++];

            status = copy_text(builder, find_bytes(field.bytes, 1), "a value name", &value->name);
            value->number = (int32_t)find_value(field.bytes, 2, 0);
        }
    }
    return status == ATLAS_OK ? add_symbol(builder, enumeration->name, SYMBOL_ENUM, enumeration)
                              : status;
}

/* "order_id" becomes "orderId", for files whose compiler left json_name out. */
static atlas_status_t camel_case(const struct descriptors_builder *builder, const char *name,
                                 const char **ret_name)
{
    char *text = alloc_array(builder, strlen(name) + 1, 1);
    size_t len = 0;
    bool is_upper = false;

    if (text == NULL) {
        return out_of_memory(builder);
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
    struct atlas_bytes json_name = find_bytes(bytes, 10);
    struct atlas_bytes type_name = find_bytes(bytes, 6);

    atlas_status_t status = copy_text(builder, find_bytes(bytes, 1), "a field name", &field->name);
    if (status != ATLAS_OK) {
        return status;
    }
    if (json_name.len == 0) {
        status = camel_case(builder, field->name, &field->json_name);
    } else {
        status = copy_text(builder, json_name, "a json_name", &field->json_name);
    }
    if (status == ATLAS_OK && type_name.len > 0) {
        status = copy_text(builder, type_name, "a type name", &field->type_name);
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
    uint64_t number = find_value(bytes, 3, 0);
    uint64_t label = find_value(bytes, 4, 0);
    uint64_t type = find_value(bytes, 5, 0);
    uint64_t oneof = find_value(bytes, 9, UINT64_MAX);
    bool is_optional = find_value(bytes, 17, 0) != 0;

    atlas_status_t status = parse_field_names(builder, bytes, field);
    if (status != ATLAS_OK) {
        return status;
    }
    if (!is_well_formed(bytes) || field->name_len == 0 || number == 0 || number > NUMBER_LIMIT ||
        type < FIELD_DOUBLE || type > FIELD_SINT64 ||
        (oneof != UINT64_MAX && oneof > FIELD_LIMIT)) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT,
                                "message %s: field \"%s\" is malformed", message, field->name);
    }
    field->number = (uint32_t)number;
    field->type = (uint8_t)type;
    field->is_repeated = label == LABEL_REPEATED;
    field->is_required = label == LABEL_REQUIRED;
    field->is_packed = field->is_repeated && is_packable(field->type) &&
                       find_value(find_bytes(bytes, 8), 2, builder->is_proto3 ? 1 : 0) != 0;
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
    size_t count = count_fields(bytes, 2);

    if (count > FIELD_LIMIT) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT,
                                "message %s has %zu fields; at most %u are supported",
                                message->name, count, FIELD_LIMIT);
    }
    message->fields = alloc_array(builder, count, sizeof *message->fields);
    if (message->fields == NULL) {
        return out_of_memory(builder);
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

/* DescriptorProto: name 1, field 2, nested_type 3, enum_type 4, options 7 (map_entry 7). Recurses
 * into nested types, at most NESTED_LIMIT deep. */
static atlas_status_t parse_message(struct descriptors_builder *builder, const char *scope,
                                    struct atlas_bytes bytes, unsigned int depth)
{
    struct message_descriptor *message = alloc_array(builder, 1, sizeof *message);
    struct wire_reader reader = wire_reader(bytes);
    struct wire_field field;

    if (message == NULL) {
        return out_of_memory(builder);
    }
    atlas_status_t status = full_name(builder, scope, bytes, ".", &message->name);
    if (status != ATLAS_OK) {
        return status;
    }
    if (depth > NESTED_LIMIT || !is_well_formed(bytes)) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT,
                                "message %s is malformed or nested more than %u deep",
                                message->name, NESTED_LIMIT);
    }
    message->file = builder->file->name;
    message->is_map_entry = find_value(find_bytes(bytes, 7), 7, 0) != 0;
    status = parse_fields(builder, bytes, message);
    while (status == ATLAS_OK && wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number == 3 && field.type == WIRE_BYTES) {
            status = parse_message(builder, message->name, field.bytes, depth + 1);
        } else if (field.number == 4 && field.type == WIRE_BYTES) {
            status = parse_enum(builder, message->name, field.bytes);
        }
    }
    return status == ATLAS_OK ? add_symbol(builder, message->name, SYMBOL_MESSAGE, message)
                              : status;
}

/* HttpRule: get 2, put 3, post 4, delete 5, patch 6, body 7, custom 8 (kind 1, path 2),
 * response_body 12. additional_bindings (11) are the caller's. */
static atlas_status_t parse_rule(const struct descriptors_builder *builder, const char *method,
                                 struct atlas_bytes bytes, struct http_rule *ret_rule)
{
    static const char *const kinds[] = {
        [2] = "GET", [3] = "PUT", [4] = "POST", [5] = "DELETE", [6] = "PATCH"};
    struct wire_reader reader = wire_reader(bytes);
    struct wire_field field;
    struct http_rule rule = {0};

    atlas_status_t status = copy_text(builder, find_bytes(bytes, 7), "a body", &rule.body);
    if (status == ATLAS_OK) {
        status = copy_text(builder, find_bytes(bytes, 12), "a response_body", &rule.response_body);
    }
    while (status == ATLAS_OK && wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.type != WIRE_BYTES) {
            continue;
        }
        if (field.number >= 2 && field.number <= 6) {
            rule.method = kinds[field.number];
            status = copy_text(builder, field.bytes, "an http path", &rule.path);
        } else if (field.number == 8) {
            status = copy_text(builder, find_bytes(field.bytes, 1), "an http kind", &rule.method);
            if (status == ATLAS_OK) {
                status = copy_text(builder, find_bytes(field.bytes, 2), "an http path", &rule.path);
            }
        }
    }
    if (status == ATLAS_OK &&
        (rule.method == NULL || rule.path == NULL || !is_well_formed(bytes))) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT,
                                "method %s: its google.api.http option names no path", method);
    }
    *ret_rule = rule;
    return status;
}

static atlas_status_t parse_rules(const struct descriptors_builder *builder,
                                  struct atlas_bytes http, struct method_descriptor *method)
{
    struct wire_reader reader = wire_reader(http);
    struct wire_field field;

    if (http.len == 0) {
        return ATLAS_OK;
    }
    method->rules = alloc_array(builder, 1 + count_fields(http, 11), sizeof *method->rules);
    if (method->rules == NULL) {
        return out_of_memory(builder);
    }
    atlas_status_t status = parse_rule(builder, method->path, http, &method->rules[0]);
    method->rule_count = 1;
    while (status == ATLAS_OK && wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number == 11 && field.type == WIRE_BYTES) {
            status = parse_rule(builder, method->path, field.bytes,
                                &method->rules[method->rule_count++]);
        }
    }
    return status;
}

/* MethodDescriptorProto: name 1, input_type 2, output_type 3, options 4, client_streaming 5,
 * server_streaming 6. */
static atlas_status_t parse_method(const struct descriptors_builder *builder,
                                   const struct service_descriptor *service,
                                   struct atlas_bytes bytes, struct method_descriptor *method)
{
    char scope[NAME_LIMIT + 2];

    snprintf(scope, sizeof scope, "/%s", service->name);
    atlas_status_t status = full_name(builder, scope, bytes, "/", &method->path);
    if (status == ATLAS_OK) {
        method->name = strrchr(method->path, '/') + 1;
        status = copy_text(builder, find_bytes(bytes, 2), "a type name", &method->input_name);
    }
    if (status == ATLAS_OK) {
        status = copy_text(builder, find_bytes(bytes, 3), "a type name", &method->output_name);
    }
    if (status != ATLAS_OK) {
        return status;
    }
    if (!is_well_formed(bytes)) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT, "method %s is malformed",
                                method->path);
    }
    method->service = service;
    method->is_client_streaming = find_value(bytes, 5, 0) != 0;
    method->is_server_streaming = find_value(bytes, 6, 0) != 0;
    return parse_rules(builder, find_bytes(find_bytes(bytes, 4), HTTP_RULE_EXTENSION), method);
}

/* ServiceDescriptorProto: name 1, method 2. */
static atlas_status_t parse_service(struct descriptors_builder *builder, const char *scope,
                                    struct atlas_bytes bytes)
{
    struct service_descriptor *service = alloc_array(builder, 1, sizeof *service);
    struct wire_reader reader = wire_reader(bytes);
    struct wire_field field;

    if (service == NULL) {
        return out_of_memory(builder);
    }
    atlas_status_t status = full_name(builder, scope, bytes, ".", &service->name);
    service->file = builder->file->name;
    service->methods = alloc_array(builder, count_fields(bytes, 2), sizeof *service->methods);
    if (status == ATLAS_OK && service->methods == NULL) {
        status = out_of_memory(builder);
    }
    while (status == ATLAS_OK && wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number == 2 && field.type == WIRE_BYTES) {
            status = parse_method(builder, service, field.bytes,
                                  &service->methods[service->method_count++]);
        }
    }
    return status == ATLAS_OK ? add_symbol(builder, service->name, SYMBOL_SERVICE, service)
                              : status;
}

/* FileDescriptorProto: name 1, dependency 3; for reflection. */
static atlas_status_t parse_file_head(struct descriptors_builder *builder, struct atlas_bytes bytes,
                                      struct file_descriptor *file)
{
    struct wire_reader reader = wire_reader(bytes);
    struct wire_field field;

    file->bytes = bytes;
    atlas_status_t status = copy_text(builder, find_bytes(bytes, 1), "a file name", &file->name);
    if (status != ATLAS_OK) {
        return status;
    }
    builder->file = file;
    if (!is_well_formed(bytes)) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT, "the file is malformed");
    }
    file->dependencies = alloc_array(builder, count_fields(bytes, 3), sizeof *file->dependencies);
    if (file->dependencies == NULL) {
        return out_of_memory(builder);
    }
    while (status == ATLAS_OK && wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number == 3 && field.type == WIRE_BYTES) {
            status = copy_text(builder, field.bytes, "a file name",
                               &file->dependencies[file->dependency_count++]);
        }
    }
    return status;
}

/* FileDescriptorProto: package 2, message_type 4, enum_type 5, service 6, syntax 12. */
static atlas_status_t parse_file(struct descriptors_builder *builder, struct atlas_bytes bytes,
                                 struct file_descriptor *file)
{
    struct atlas_bytes syntax = find_bytes(bytes, 12);
    struct wire_reader reader = wire_reader(bytes);
    struct wire_field field;
    const char *package = NULL;

    atlas_status_t status = parse_file_head(builder, bytes, file);
    if (status == ATLAS_OK) {
        status = copy_text(builder, find_bytes(bytes, 2), "the package", &package);
    }
    builder->is_proto3 = syntax.len == 6 && memcmp(syntax.data, "proto3", 6) == 0;
    while (status == ATLAS_OK && wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.type != WIRE_BYTES) {
            continue;
        }
        if (field.number == 4) {
            status = parse_message(builder, package, field.bytes, 0);
        } else if (field.number == 5) {
            status = parse_enum(builder, package, field.bytes);
        } else if (field.number == 6) {
            status = parse_service(builder, package, field.bytes);
        }
    }
    return status;
}

atlas_status_t descriptors_parse(struct descriptors_builder *builder, struct atlas_bytes set)
{
    struct descriptor_set *model = builder->descriptors;
    struct wire_reader reader = wire_reader(set);
    struct wire_field field;

    if (!is_well_formed(set)) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT,
                                "the set is not a google.protobuf.FileDescriptorSet");
    }
    model->files = alloc_array(builder, count_fields(set, 1), sizeof *model->files);
    if (model->files == NULL) {
        return out_of_memory(builder);
    }
    while (wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number != 1 || field.type != WIRE_BYTES) {
            continue;
        }
        atlas_status_t status =
            parse_file(builder, field.bytes, &model->files[model->file_count++]);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    return ATLAS_OK;
}
