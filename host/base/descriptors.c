/* Looking things up in a set of descriptors. */
#include "base/descriptors.h"

#include <stdlib.h>
#include <string.h>

#include "base/descriptors_builder.h"

static const struct symbol *find_symbol(const struct descriptor_set *set, const char *name)
{
    struct symbol key = {.name = name};

    if (set->symbol_count == 0) {
        return NULL;
    }
    return bsearch(&key, set->symbols, set->symbol_count, sizeof *set->symbols,
                   descriptors_compare_symbols);
}

static const void *find_kind(const struct descriptor_set *set, const char *name,
                             enum symbol_kind kind)
{
    const struct symbol *symbol = find_symbol(set, name);

    return symbol != NULL && symbol->kind == kind ? symbol->thing : NULL;
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
    size_t slot = descriptors_hash(name, len) & (message->name_slots - 1);

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
