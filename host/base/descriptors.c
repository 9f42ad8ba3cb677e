/* Links and indexes what descriptors_parse.c read, and answers lookups. */
#include "base/descriptors.h"

#include <stdlib.h>
#include <string.h>

#include "base/descriptors_parse.h"

/* Model bytes per byte of the set, about: a field of 20 bytes becomes 100. */
#define MEMORY_FACTOR 16u

static int compare_symbols(const void *left, const void *right)
{
    return strcmp(((const struct symbol *)left)->name, ((const struct symbol *)right)->name);
}

static const struct symbol *find_symbol(const struct descriptor_set *set, const char *name)
{
    struct symbol key = {.name = name};

    if (set->symbol_count == 0) {
        return NULL;
    }
    return bsearch(&key, set->symbols, set->symbol_count, sizeof *set->symbols, compare_symbols);
}

static const void *find_kind(const struct descriptor_set *set, const char *name,
                             enum symbol_kind kind)
{
    const struct symbol *symbol = find_symbol(set, name);

    return symbol != NULL && symbol->kind == kind ? symbol->thing : NULL;
}

/* Type names of serialized files begin with a dot and are complete. */
static const void *resolve(const struct descriptor_set *set, const char *type_name,
                           enum symbol_kind kind)
{
    return type_name != NULL && type_name[0] == '.' ? find_kind(set, type_name + 1, kind) : NULL;
}

static uint32_t hash_name(const char *name, size_t len)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    }
    return hash;
}

/* Puts one spelling of a field into the hash; false if another field has it already. */
static bool index_name(struct message_descriptor *message, size_t index, const char *name,
                       size_t len)
{
    size_t slot = hash_name(name, len) & (message->name_slots - 1);
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
            field->message = resolve(builder->descriptors, field->type_name, SYMBOL_MESSAGE);
        } else if (field->type == FIELD_ENUM) {
            field->enumeration = resolve(builder->descriptors, field->type_name, SYMBOL_ENUM);
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

        method->input = resolve(builder->descriptors, method->input_name, SYMBOL_MESSAGE);
        method->output = resolve(builder->descriptors, method->output_name, SYMBOL_MESSAGE);
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

static atlas_status_t link_symbols(struct descriptors_builder *builder)
{
    struct descriptor_set *set = builder->descriptors;

    atlas_status_t status = list_services(builder);
    if (status != ATLAS_OK) {
        return status;
    }
    if (set->symbol_count > 0) {
        qsort(set->symbols, set->symbol_count, sizeof *set->symbols, compare_symbols);
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

static atlas_status_t build(struct descriptors_builder *builder, struct atlas_bytes bytes)
{
    struct descriptor_set *set = builder->descriptors;
    void *copy = arena_copy(&set->arena, bytes.data, bytes.len);

    if (copy == NULL) {
        return descriptors_fail(builder, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    atlas_status_t status = descriptors_parse(builder, (struct atlas_bytes){copy, bytes.len});
    return status == ATLAS_OK ? link_symbols(builder) : status;
}

atlas_status_t descriptors_create(struct atlas_bytes bytes, struct descriptor_set **ret_set,
                                  struct error *error)
{
    struct descriptor_set *set = NULL;

    if (bytes.len > DESCRIPTORS_LIMIT) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED,
                         "descriptors: the set has %zu bytes, more than the limit of %u", bytes.len,
                         DESCRIPTORS_LIMIT);
    }
    set = calloc(1, sizeof *set);
    if (set == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "descriptors: out of memory");
    }
    arena_init(&set->arena, NULL, bytes.len * MEMORY_FACTOR + 4096);
    atlas_status_t status =
        build(&(struct descriptors_builder){.descriptors = set, .error = error}, bytes);
    if (status != ATLAS_OK) {
        descriptors_destroy(set);
        return status;
    }
    *ret_set = set;
    return ATLAS_OK;
}

void descriptors_destroy(struct descriptor_set *set)
{
    if (set != NULL) {
        free(set->symbols);
        arena_finish(&set->arena);
        free(set);
    }
}

const struct message_descriptor *descriptors_message(const struct descriptor_set *set,
                                                     const char *name)
{
    return find_kind(set, name, SYMBOL_MESSAGE);
}

const struct enum_descriptor *descriptors_enum(const struct descriptor_set *set, const char *name)
{
    return find_kind(set, name, SYMBOL_ENUM);
}

const struct service_descriptor *descriptors_service(const struct descriptor_set *set,
                                                     const char *name)
{
    return find_kind(set, name, SYMBOL_SERVICE);
}

const struct file_descriptor *descriptors_file(const struct descriptor_set *set, const char *name)
{
    for (size_t i = 0; i < set->file_count; i++) {
        if (strcmp(set->files[i].name, name) == 0) {
            return &set->files[i];
        }
    }
    return NULL;
}

/* "package.Service.Method" and "package.Message.field" are found by what they are in. */
const struct file_descriptor *descriptors_file_of(const struct descriptor_set *set,
                                                  const char *name)
{
    const struct symbol *symbol = find_symbol(set, name);
    const char *dot = strrchr(name, '.');
    char owner[512];

    if (symbol != NULL) {
        return symbol->file;
    }
    if (dot == NULL || (size_t)(dot - name) >= sizeof owner) {
        return NULL;
    }
    memcpy(owner, name, (size_t)(dot - name));
    owner[dot - name] = '\0';
    symbol = find_symbol(set, owner);
    if (symbol == NULL) {
        return NULL;
    }
    if (symbol->kind == SYMBOL_MESSAGE) {
        return message_field(symbol->thing, dot + 1, strlen(dot + 1)) != NULL ? symbol->file : NULL;
    }
    if (symbol->kind == SYMBOL_SERVICE) {
        return service_method(symbol->thing, dot + 1) != NULL ? symbol->file : NULL;
    }
    return NULL;
}

size_t descriptors_service_count(const struct descriptor_set *set)
{
    return set->service_count;
}

const struct service_descriptor *descriptors_service_at(const struct descriptor_set *set,
                                                        size_t index)
{
    return set->services[index];
}

size_t descriptors_file_count(const struct descriptor_set *set)
{
    return set->file_count;
}

const struct file_descriptor *descriptors_file_at(const struct descriptor_set *set, size_t index)
{
    return &set->files[index];
}

const struct method_descriptor *service_method(const struct service_descriptor *service,
                                               const char *name)
{
    for (size_t i = 0; i < service->method_count; i++) {
        if (strcmp(service->methods[i].name, name) == 0) {
            return &service->methods[i];
        }
    }
    return NULL;
}

const struct field_descriptor *message_field(const struct message_descriptor *message,
                                             const char *name, size_t len)
{
    size_t slot = hash_name(name, len) & (message->name_slots - 1);

    for (; message->names[slot] != 0; slot = (slot + 1) & (message->name_slots - 1)) {
        const struct field_descriptor *field = &message->fields[message->names[slot] - 1];

        if ((field->name_len == len && memcmp(field->name, name, len) == 0) ||
            (field->json_name_len == len && memcmp(field->json_name, name, len) == 0)) {
            return field;
        }
    }
    return NULL;
}

const struct field_descriptor *message_field_by_number(const struct message_descriptor *message,
                                                       uint32_t number)
{
    size_t low = 0;
    size_t high = message->field_count;

    /* Numbers mostly run 1, 2, 3, ... without gaps. */
    if (number > 0 && number <= message->field_count &&
        message->fields[number - 1].number == number) {
        return &message->fields[number - 1];
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (message->fields[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < message->field_count && message->fields[low].number == number
               ? &message->fields[low]
               : NULL;
}

bool enum_number(const struct enum_descriptor *enumeration, const char *name, size_t len,
                 int32_t *ret_number)
{
    for (size_t i = 0; i < enumeration->value_count; i++) {
        const struct enum_value_descriptor *value = &enumeration->values[i];

        if (strncmp(value->name, name, len) == 0 && value->name[len] == '\0') {
            *ret_number = value->number;
            return true;
        }
    }
    return false;
}

const char *enum_name(const struct enum_descriptor *enumeration, int32_t number)
{
    for (size_t i = 0; i < enumeration->value_count; i++) {
        if (enumeration->values[i].number == number) {
            return enumeration->values[i].name;
        }
    }
    return NULL;
}
