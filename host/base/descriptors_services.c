/* The numbers of rules are those of google/api/http.proto. */
#include "base/descriptors_services.h"

#include <stdio.h>
#include <string.h>

#include "base/wire_find.h"

#define HTTP_RULE_EXTENSION 72295728u /* google.api.http in MethodOptions */

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

    atlas_status_t status =
        descriptors_copy_text(builder, wire_find_bytes(bytes, 7), "a body", &rule.body);
    if (status == ATLAS_OK) {
        status = descriptors_copy_text(builder, wire_find_bytes(bytes, 12), "a response_body",
                                       &rule.response_body);
    }
    while (status == ATLAS_OK && wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.type != WIRE_BYTES) {
            continue;
        }
        if (field.number >= 2 && field.number <= 6) {
            rule.method = kinds[field.number];
            status = descriptors_copy_text(builder, field.bytes, "an http path", &rule.path);
        } else if (field.number == 8) {
            status = descriptors_copy_text(builder, wire_find_bytes(field.bytes, 1), "an http kind",
                                           &rule.method);
            if (status == ATLAS_OK) {
                status = descriptors_copy_text(builder, wire_find_bytes(field.bytes, 2),
                                               "an http path", &rule.path);
            }
        }
    }
    if (status == ATLAS_OK &&
        (rule.method == NULL || rule.path == NULL || !wire_is_well_formed(bytes))) {
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
    method->rules = descriptors_alloc(builder, 1 + wire_count(http, 11), sizeof *method->rules);
    if (method->rules == NULL) {
        return descriptors_out_of_memory(builder);
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
    char scope[DESCRIPTORS_NAME_LIMIT + 2];

    snprintf(scope, sizeof scope, "/%s", service->name);
    atlas_status_t status = descriptors_full_name(builder, scope, bytes, "/", &method->path);
    if (status == ATLAS_OK) {
        method->name = strrchr(method->path, '/') + 1;
        status = descriptors_copy_text(builder, wire_find_bytes(bytes, 2), "a type name",
                                       &method->input_name);
    }
    if (status == ATLAS_OK) {
        status = descriptors_copy_text(builder, wire_find_bytes(bytes, 3), "a type name",
                                       &method->output_name);
    }
    if (status != ATLAS_OK) {
        return status;
    }
    if (!wire_is_well_formed(bytes)) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT, "method %s is malformed",
                                method->path);
    }
    method->service = service;
    method->is_client_streaming = wire_find_value(bytes, 5, 0) != 0;
    method->is_server_streaming = wire_find_value(bytes, 6, 0) != 0;
    return parse_rules(builder, wire_find_bytes(wire_find_bytes(bytes, 4), HTTP_RULE_EXTENSION),
                       method);
}

atlas_status_t descriptors_parse_service(struct descriptors_builder *builder, const char *scope,
                                         struct atlas_bytes bytes)
{
    struct service_descriptor *service = descriptors_alloc(builder, 1, sizeof *service);
    struct wire_reader reader = wire_reader(bytes);
    struct wire_field field;

    if (service == NULL) {
        return descriptors_out_of_memory(builder);
    }
    atlas_status_t status = descriptors_full_name(builder, scope, bytes, ".", &service->name);
    service->file = builder->file->name;
    service->methods = descriptors_alloc(builder, wire_count(bytes, 2), sizeof *service->methods);
    if (status == ATLAS_OK && service->methods == NULL) {
        status = descriptors_out_of_memory(builder);
    }
    while (status == ATLAS_OK && wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number == 2 && field.type == WIRE_BYTES) {
            status = parse_method(builder, service, field.bytes,
                                  &service->methods[service->method_count++]);
        }
    }
    return status == ATLAS_OK
               ? descriptors_add_symbol(builder, service->name, SYMBOL_SERVICE, service)
               : status;
}
