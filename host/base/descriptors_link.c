#include "base/descriptors_link.h"

#include <stdlib.h>
#include <string.h>

/* Type names of serialized files begin with a dot and are complete. NULL: that is no such name. */
static const char *full_name(const char *type_name)
{
    return type_name != NULL && type_name[0] == '.' ? type_name + 1 : NULL;
}

static const struct message_descriptor *resolve_message(const struct descriptor_set *set,
                                                        const char *type_name)
{
    const char *name = full_name(type_name);

    return name != NULL ? descriptors_message(set, name) : NULL;
}

static const struct enum_descriptor *resolve_enum(const struct descriptor_set *set,
                                                  const char *type_name)
{
    const char *name = full_name(type_name);

    return name != NULL ? descriptors_enum(set, name) : NULL;
}

/* Puts one spelling of a field into the hash; false if another field has it already. */
static bool index_name(struct message_descriptor *message, size_t index, const char *name,
                       size_t len)
{
    size_t slot = descriptors_hash(name, len) & (message->name_slots - 1);
    const struct field_descriptor *known = message_field(message, name, len);

    if (known != NULL) {
        return known == &message->fields[index];
    }
    while (message->names[slot] != 0) {
        slot = (slot + 1) & (message->name_slots - 1);
    }
    message->names[slot] = (uint16_t)(index + 1);
    return true;
}

static int compare_fields(const void *left, const void *right)
{
    uint32_t a = ((const struct field_descriptor *)left)->number;
    uint32_t b = ((const struct field_descriptor *)right)->number;

    return a < b ? -1 : a > b;
}

static atlas_status_t index_fields(struct descriptors_builder *builder,
                                   struct message_descriptor *message)
{
    struct arena *arena = &builder->descriptors->arena;

    message->name_slots = 4;
    while (message->name_slots < message->field_count * 4) { /* two spellings, half full */
        message->name_slots *= 2;
    }
    message->names = arena_alloc(arena, message->name_slots * sizeof *message->names);
    if (message->names == NULL) {
        return descriptors_fail(builder, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    memset(message->names, 0, message->name_slots * sizeof *message->names);
    if (message->field_count > 0) {
        qsort(message->fields, message->field_count, sizeof *message->fields, compare_fields);
    }
    for (size_t i = 0; i < message->field_count; i++) {
        const struct field_descriptor *field = &message->fields[i];

        if ((i > 0 && field->number == field[-1].number) ||
            !index_name(message, i, field->name, field->name_len) ||
            !index_name(message, i, field->json_name, field->json_name_len)) {
            return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT,
                                    "message %s: field %s has the name or number of another field",
                                    message->name, field->name);
        }
    }
    return ATLAS_OK;
}

static enum well_known well_known_of(const char *name)
{
    static const struct {
        const char *name;
        enum well_known kind;
    } table[] = {
        {"Timestamp", WELL_KNOWN_TIMESTAMP}, {"Duration", WELL_KNOWN_DURATION},
        {"DoubleValue", WELL_KNOWN_WRAPPER}, {"FloatValue", WELL_KNOWN_WRAPPER},
        {"Int64Value", WELL_KNOWN_WRAPPER},  {"UInt64Value", WELL_KNOWN_WRAPPER},
        {"Int32Value", WELL_KNOWN_WRAPPER},  {"UInt32Value", WELL_KNOWN_WRAPPER},
        {"BoolValue", WELL_KNOWN_WRAPPER},   {"StringValue", WELL_KNOWN_WRAPPER},
        {"BytesValue", WELL_KNOWN_WRAPPER},  {"Any", WELL_KNOWN_OTHER},
        {"Struct", WELL_KNOWN_OTHER},        {"Value", WELL_KNOWN_OTHER},
        {"ListValue", WELL_KNOWN_OTHER},     {"FieldMask", WELL_KNOWN_OTHER},
    };
    static const char prefix[] = "google.protobuf.";

    if (strncmp(name, prefix, sizeof prefix - 1) != 0) {
        return WELL_KNOWN_NONE;
    }
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(name + sizeof prefix - 1, table[i].name) == 0) {
            return table[i].kind;
        }
    }
    return WELL_KNOWN_NONE;
}

/* The well-known types are taken by name; what follows relies on their fields being the published
 * ones. */
static bool is_as_published(const struct message_descriptor *message)
{
    const struct field_descriptor *first = message_field_by_number(message, 1);
    const struct field_descriptor *second = message_field_by_number(message, 2);

    switch (message->well_known) {
    case WELL_KNOWN_TIMESTAMP:
    case WELL_KNOWN_DURATION:
        return first != NULL && first->type == FIELD_INT64 && !first->is_repeated &&
               second != NULL && second->type == FIELD_INT32 && !second->is_repeated;
    case WELL_KNOWN_WRAPPER:
        return first != NULL && first->message == NULL && !first->is_repeated;
    default:
        return !message->is_map_entry ||
               (first != NULL && first->type != FIELD_MESSAGE && second != NULL &&
                !first->is_repeated && !second->is_repeated);
    }
}

static atlas_status_t link_message(struct descriptors_builder *builder,
                                   struct message_descriptor *message)
{
    message->well_known = well_known_of(message->name);
    for (size_t i = 0; i < message->field_count; i++) {
        struct field_descriptor *field = &message->fields[i];
        bool is_message = field->type == FIELD_MESSAGE || field->type == FIELD_GROUP;

        if (is_message) {
            field->message = resolve_message(builder->descriptors, field->type_name);
        } else if (field->type == FIELD_ENUM) {
            field->enumeration = resolve_enum(builder->descriptors, field->type_name);
        }
        if ((is_message && field->message == NULL) ||
            (field->type == FIELD_ENUM && field->enumeration == NULL)) {
            return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT,
                                    "message %s: field %s: type %s is not in the set; generate it "
                                    "with protoc --include_imports",
                                    message->name, field->name,
                                    field->type_name != NULL ? field->type_name : "(none)");
        }
        field->is_map = field->is_repeated && is_message && field->message->is_map_entry;
    }
    atlas_status_t status = index_fields(builder, message);
    if (status == ATLAS_OK && !is_as_published(message)) {
        return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT,
                                "message %s does not have the fields it is known for",
                                message->name);
    }
    return status;
}

static atlas_status_t link_service(struct descriptors_builder *builder,
                                   struct service_descriptor *service)
{
    for (size_t i = 0; i < service->method_count; i++) {
        struct method_descriptor *method = &service->methods[i];

        method->input = resolve_message(builder->descriptors, method->input_name);
        method->output = resolve_message(builder->descriptors, method->output_name);
        if (method->input == NULL || method->output == NULL) {
            return descriptors_fail(
                builder, ATLAS_INVALID_ARGUMENT,
                "method %s: type %s is not in the set; generate it with protoc "
                "--include_imports",
                method->path, method->input == NULL ? method->input_name : method->output_name);
        }
    }
    return ATLAS_OK;
}

/* Services in the order of the set: symbols are still in that order here. */
static atlas_status_t list_services(struct descriptors_builder *builder)
{
    struct descriptor_set *set = builder->descriptors;

    set->services = arena_alloc(&set->arena, (set->symbol_count + 1) * sizeof(void *));
    if (set->services == NULL) {
        return descriptors_fail(builder, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    for (size_t i = 0; i < set->symbol_count; i++) {
        if (set->symbols[i].kind == SYMBOL_SERVICE) {
            set->services[set->service_count++] = set->symbols[i].thing;
        }
    }
    return ATLAS_OK;
}

atlas_status_t descriptors_link(struct descriptors_builder *builder)
{
    struct descriptor_set *set = builder->descriptors;

    atlas_status_t status = list_services(builder);
    if (status != ATLAS_OK) {
        return status;
    }
    if (set->symbol_count > 0) {
        qsort(set->symbols, set->symbol_count, sizeof *set->symbols, descriptors_compare_symbols);
    }
    for (size_t i = 0; i < set->symbol_count && status == ATLAS_OK; i++) {
        const struct symbol *symbol = &set->symbols[i];

        builder->file = symbol->file;
        if (i > 0 && strcmp(symbol->name, symbol[-1].name) == 0) {
            return descriptors_fail(builder, ATLAS_INVALID_ARGUMENT, "%s is defined in file %s too",
                                    symbol->name, symbol[-1].file->name);
        }
        if (symbol->kind == SYMBOL_MESSAGE) {
            status = link_message(builder, symbol->thing);
        } else if (symbol->kind == SYMBOL_SERVICE) {
            status = link_service(builder, symbol->thing);
        }
    }
    return status;
}
