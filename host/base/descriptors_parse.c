/*
 * The numbers here, and in the files for messages and services, are those of
 * google/protobuf/descriptor.proto; what is not named is skipped. The input comes from a plugin
 * file and is not trusted: it is read by the bounded wire reader, and nothing recurses without a
 * bound.
 */
#include "base/descriptors_parse.h"

#include <string.h>

#include "base/descriptors_messages.h"
#include "base/descriptors_services.h"
#include "base/wire_find.h"

/* FileDescriptorProto: name 1, dependency 3; for reflection. */
static atlas_status_t parse_file_head(struct descriptors_builder *builder, struct atlas_bytes bytes,
                                      struct file_descriptor *file)
{
    struct wire_reader reader = wire_reader(bytes);
    struct wire_field field;

    file->bytes = bytes;
    atlas_status_t status =
        descriptors_copy_text(builder, wire_find_bytes(bytes, 1), "a file name", &file->name);
    if (status != ATLAS_OK) {
        return status;
    }
    builder->file = file;
    if (!wire_is_well_formed(bytes)) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT, "the file is malformed");
    }
    file->dependencies =
        descriptors_alloc(builder, wire_count(bytes, 3), sizeof *file->dependencies);
    if (file->dependencies == NULL) {
        return descriptors_out_of_memory(builder);
    }
    while (status == ATLAS_OK && wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number == 3 && field.type == WIRE_BYTES) {
            status = descriptors_copy_text(builder, field.bytes, "a file name",
                                           &file->dependencies[file->dependency_count++]);
        }
    }
    return status;
}

/* FileDescriptorProto: package 2, message_type 4, enum_type 5, service 6, syntax 12. */
static atlas_status_t parse_file(struct descriptors_builder *builder, struct atlas_bytes bytes,
                                 struct file_descriptor *file)
{
    struct atlas_bytes syntax = wire_find_bytes(bytes, 12);
    struct wire_reader reader = wire_reader(bytes);
    struct wire_field field;
    const char *package = NULL;

    atlas_status_t status = parse_file_head(builder, bytes, file);
    if (status == ATLAS_OK) {
        status = descriptors_copy_text(builder, wire_find_bytes(bytes, 2), "the package", &package);
    }
    builder->is_proto3 = syntax.len == 6 && memcmp(syntax.data, "proto3", 6) == 0;
    while (status == ATLAS_OK && wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.type != WIRE_BYTES) {
            continue;
        }
        if (field.number == 4) {
            status = descriptors_parse_message(builder, package, field.bytes, 0);
        } else if (field.number == 5) {
            status = descriptors_parse_enum(builder, package, field.bytes);
        } else if (field.number == 6) {
            status = descriptors_parse_service(builder, package, field.bytes);
        }
    }
    return status;
}

atlas_status_t descriptors_parse(struct descriptors_builder *builder, struct atlas_bytes set)
{
    struct descriptor_set *model = builder->descriptors;
    struct wire_reader reader = wire_reader(set);
    struct wire_field field;

    if (!wire_is_well_formed(set)) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT,
                                "the set is not a google.protobuf.FileDescriptorSet");
    }
    model->files = descriptors_alloc(builder, wire_count(set, 1), sizeof *model->files);
    if (model->files == NULL) {
        return descriptors_out_of_memory(builder);
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
