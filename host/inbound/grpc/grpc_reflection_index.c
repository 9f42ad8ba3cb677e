#include "inbound/grpc/grpc_reflection_index.h"

#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "base/wire.h"
#include "inbound/grpc/host_descriptors.h"
#include "runtime/generation.h"
#include "runtime/router.h"

/* Of the host's own services; made once, kept until the process ends. */
static struct descriptor_set *host_set;
static pthread_once_t host_set_once = PTHREAD_ONCE_INIT;

static void make_host_set(void)
{
    struct error error;

    if (descriptors_create((struct atlas_bytes){host_descriptors, host_descriptors_len}, &host_set,
                           &error) != ATLAS_OK) {
        log_error("reflection does not know the host's own services",
                  LOG_TEXT("reason", error.text));
    }
}

/* The n-th set: the host's, then those of the generations; false beyond the last. */
static bool next_set(const struct route_table *table, size_t n,
                     const struct descriptor_set **ret_set)
{
    pthread_once(&host_set_once, make_host_set);
    if (n == 0) {
        *ret_set = host_set;
        return true;
    }
    if (n > table->generation_count) {
        return false;
    }
    *ret_set = table->generations[n - 1]->descriptors;
    return true;
}

struct reflection_file reflection_file_by_name(const struct route_table *table, const char *name)
{
    struct reflection_file found = {NULL, NULL};

    for (size_t i = 0; found.file == NULL && next_set(table, i, &found.set); i++) {
        found.file = found.set != NULL ? descriptors_file(found.set, name) : NULL;
    }
    return found;
}

struct reflection_file reflection_file_by_symbol(const struct route_table *table,
                                                 const char *symbol)
{
    struct reflection_file found = {NULL, NULL};

    for (size_t i = 0; found.file == NULL && next_set(table, i, &found.set); i++) {
        found.file = found.set != NULL ? descriptors_file_of(found.set, symbol) : NULL;
    }
    return found;
}

/* The number of an extension (FieldDescriptorProto: extendee 2, number 3), 0 if it is of another
 * message. */
static uint32_t extension_of(struct atlas_bytes extension, const char *message)
{
    struct wire_reader reader = wire_reader(extension);
    struct wire_field field;
    size_t len = strlen(message);
    uint32_t number = 0;
    bool is_of_message = false;

    while (wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number == 2 && field.type == WIRE_BYTES) {
            const char *name = field.bytes.data;

            is_of_message =
                field.bytes.len == len + 1 && name[0] == '.' && memcmp(name + 1, message, len) == 0;
        } else if (field.number == 3 && field.type == WIRE_VARINT) {
            number = (uint32_t)field.value;
        }
    }
    return is_of_message ? number : 0;
}

/* FileDescriptorProto: extension 7. Walks on from *reader; 0 when there are no more. */
static uint32_t next_extension(struct wire_reader *reader, const char *message)
{
    struct wire_field field;

    while (wire_next(reader, &field) == WIRE_FIELD) {
        uint32_t number =
            field.number == 7 && field.type == WIRE_BYTES ? extension_of(field.bytes, message) : 0;
        if (number != 0) {
            return number;
        }
    }
    return 0;
}

static const struct file_descriptor *extending_file(const struct descriptor_set *set,
                                                    const char *message, uint32_t wanted)
{
    for (size_t i = 0; i < descriptors_file_count(set); i++) {
        const struct file_descriptor *file = descriptors_file_at(set, i);
        struct wire_reader reader = wire_reader(file->bytes);

        for (uint32_t number = 0; (number = next_extension(&reader, message)) != 0;) {
            if (number == wanted) {
                return file;
            }
        }
    }
    return NULL;
}

struct reflection_file reflection_file_by_extension(const struct route_table *table,
                                                    const char *message, uint32_t number)
{
    struct reflection_file found = {NULL, NULL};

    for (size_t i = 0; found.file == NULL && next_set(table, i, &found.set); i++) {
        found.file = found.set != NULL ? extending_file(found.set, message, number) : NULL;
    }
    return found;
}

static void each_extension_of_set(const struct descriptor_set *set, const char *message,
                                  void (*found)(void *arg, uint32_t number), void *arg)
{
    for (size_t i = 0; i < descriptors_file_count(set); i++) {
        struct wire_reader reader = wire_reader(descriptors_file_at(set, i)->bytes);

        for (uint32_t number = 0; (number = next_extension(&reader, message)) != 0;) {
            found(arg, number);
        }
    }
}

bool reflection_each_extension(const struct route_table *table, const char *message,
                               void (*found)(void *arg, uint32_t number), void *arg)
{
    const struct descriptor_set *set = NULL;
    bool is_known = false;

    for (size_t i = 0; next_set(table, i, &set); i++) {
        if (set != NULL) {
            is_known = is_known || descriptors_message(set, message) != NULL;
            each_extension_of_set(set, message, found, arg);
        }
    }
    return is_known;
}
