/*
 * grpc.reflection.v1 and v1alpha, which are the same on the wire: what services a listener has and
 * how their messages are defined. Failures are answers inside the stream.
 * https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
 */
#include "inbound/grpc/grpc_reflection.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/wire.h"
#include "inbound/grpc/grpc_host_view.h"
#include "inbound/grpc/grpc_reflection_index.h"
#include "inbound/grpc/grpc_state.h"
#include "runtime/call.h"
#include "runtime/router.h"

#define NAME_LIMIT       512u
#define DEPENDENCY_LIMIT 256u  /* files in one answer */
#define NUMBER_LIMIT     1024u /* extensions in one answer */

/* Fields of ServerReflectionRequest and ServerReflectionResponse. */
enum request_field {
    FILE_BY_FILENAME = 3,
    FILE_CONTAINING_SYMBOL = 4,
    FILE_CONTAINING_EXTENSION = 5,
    ALL_EXTENSION_NUMBERS_OF_TYPE = 6,
    LIST_SERVICES = 7,
};

enum response_field {
    VALID_HOST = 1,
    ORIGINAL_REQUEST = 2,
    FILE_DESCRIPTOR_RESPONSE = 4,
    ALL_EXTENSION_NUMBERS_RESPONSE = 5,
    LIST_SERVICES_RESPONSE = 6,
    ERROR_RESPONSE = 7,
};

/* One question and its answer. */
struct question {
    const struct grpc_listener *listener;
    const struct route_table *table;
    uint32_t kind;         /* enum request_field; 0: none that is known */
    char name[NAME_LIMIT]; /* of the file, symbol or message */
    uint32_t number;       /* of the extension */
    struct buffer *out;
};

static void put_bytes(struct buffer *out, uint32_t number, const void *data, size_t len)
{
    wire_put_tag(out, number, WIRE_BYTES);
    wire_put_varint(out, len);
    buffer_put(out, data, len);
}

/* ErrorResponse: error_code 1, error_message 2. */
static void put_error(const struct question *question, atlas_status_t status, const char *what)
{
    char message[NAME_LIMIT + 64];
    size_t mark = 0;

    snprintf(message, sizeof message, "%s: %s", what, question->name);
    wire_put_tag(question->out, ERROR_RESPONSE, WIRE_BYTES);
    mark = wire_open(question->out);
    wire_put_tag(question->out, 1, WIRE_VARINT);
    wire_put_varint(question->out, (uint64_t)status);
    put_bytes(question->out, 2, message, strlen(message));
    wire_close(question->out, mark);
}

struct file_list {
    const struct file_descriptor *files[DEPENDENCY_LIMIT];
    size_t count;
};

static void list_file(struct file_list *list, const struct file_descriptor *file)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->files[i] == file) {
            return;
        }
    }
    if (file != NULL && list->count < DEPENDENCY_LIMIT) {
        list->files[list->count++] = file;
    }
}

/* FileDescriptorResponse: the file and all that it needs. */
static void put_file(const struct question *question, struct reflection_file found)
{
    struct file_list list = {.count = 0};
    size_t mark = 0;

    if (found.file == NULL) {
        put_error(question, ATLAS_NOT_FOUND, "not found");
        return;
    }
    wire_put_tag(question->out, FILE_DESCRIPTOR_RESPONSE, WIRE_BYTES);
    mark = wire_open(question->out);
    list_file(&list, found.file);
    for (size_t i = 0; i < list.count; i++) { /* the list grows while it is walked */
        const struct file_descriptor *file = list.files[i];

        put_bytes(question->out, 1, file->bytes.data, file->bytes.len);
        for (size_t j = 0; j < file->dependency_count; j++) {
            list_file(&list, descriptors_file(found.set, file->dependencies[j]));
        }
    }
    wire_close(question->out, mark);
}

/* ServiceResponse: name 1. */
static void put_service(struct buffer *out, const char *name)
{
    wire_put_tag(out, 1, WIRE_BYTES);
    size_t mark = wire_open(out);

    put_bytes(out, 1, name, strlen(name));
    wire_close(out, mark);
}

static void put_services(const struct question *question)
{
    const struct service_names *services = atomic_load(&question->listener->services);
    const char *name = NULL;
    size_t mark = 0;

    wire_put_tag(question->out, LIST_SERVICES_RESPONSE, WIRE_BYTES);
    mark = wire_open(question->out);
    for (size_t i = 0; i < services->count; i++) {
        name = services->items[i];
        if (route_table_has_service(question->table, name, strlen(name))) {
            put_service(question->out, name);
        }
    }
    for (size_t i = 0; (name = grpc_host_view_service(i)) != NULL; i++) {
        put_service(question->out, name);
    }
    wire_close(question->out, mark);
}

struct number_list {
    uint32_t numbers[NUMBER_LIMIT];
    size_t count;
};

static void list_number(void *arg, uint32_t number)
{
    struct number_list *list = arg;

    for (size_t i = 0; i < list->count; i++) {
        if (list->numbers[i] == number) {
            return;
        }
    }
    if (list->count < NUMBER_LIMIT) {
        list->numbers[list->count++] = number;
    }
}

/* ExtensionNumberResponse: base_type_name 1, extension_number 2. */
static void put_extension_numbers(const struct question *question)
{
    struct number_list list = {.count = 0};
    size_t mark = 0;

    if (!reflection_each_extension(question->table, question->name, list_number, &list)) {
        put_error(question, ATLAS_NOT_FOUND, "not found");
        return;
    }
    wire_put_tag(question->out, ALL_EXTENSION_NUMBERS_RESPONSE, WIRE_BYTES);
    mark = wire_open(question->out);
    put_bytes(question->out, 1, question->name, strlen(question->name));
    for (size_t i = 0; i < list.count; i++) {
        wire_put_tag(question->out, 2, WIRE_VARINT);
        wire_put_varint(question->out, list.numbers[i]);
    }
    wire_close(question->out, mark);
}

static void put_answer(const struct question *question)
{
    switch (question->kind) {
    case FILE_BY_FILENAME:
        put_file(question, reflection_file_by_name(question->table, question->name));
        break;
    case FILE_CONTAINING_SYMBOL:
        put_file(question, reflection_file_by_symbol(question->table, question->name));
        break;
    case FILE_CONTAINING_EXTENSION:
        put_file(question,
                 reflection_file_by_extension(question->table, question->name, question->number));
        break;
    case ALL_EXTENSION_NUMBERS_OF_TYPE:
        put_extension_numbers(question);
        break;
    case LIST_SERVICES:
        put_services(question);
        break;
    default:
        put_error(question, ATLAS_UNIMPLEMENTED, "a question of this kind is not answered");
        break;
    }
}

static void set_name(struct question *question, struct atlas_bytes name)
{
    size_t len = name.len < NAME_LIMIT - 1 ? name.len : NAME_LIMIT - 1;

    memcpy(question->name, name.data, len);
    question->name[len] = '\0';
}

/* ExtensionRequest: containing_type 1, extension_number 2. */
static void read_extension(struct question *question, struct atlas_bytes bytes)
{
    struct wire_reader reader = wire_reader(bytes);
    struct wire_field field;

    while (wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number == 1 && field.type == WIRE_BYTES) {
            set_name(question, field.bytes);
        } else if (field.number == 2 && field.type == WIRE_VARINT) {
            question->number = (uint32_t)field.value;
        }
    }
}

/* The host (1) comes back in the answer. */
static bool read_question(struct atlas_bytes request, struct question *question,
                          struct atlas_bytes *ret_host)
{
    struct wire_reader reader = wire_reader(request);
    struct wire_field field;
    enum wire_result result = WIRE_FIELD;

    while ((result = wire_next(&reader, &field)) == WIRE_FIELD) {
        if (field.type != WIRE_BYTES) {
            continue;
        }
        if (field.number == 1) {
            *ret_host = field.bytes;
        } else if (field.number >= FILE_BY_FILENAME && field.number <= LIST_SERVICES) {
            question->kind = field.number; /* a oneof: the last one counts */
            if (field.number == FILE_CONTAINING_EXTENSION) {
                read_extension(question, field.bytes);
            } else {
                set_name(question, field.bytes);
            }
        }
    }
    return result == WIRE_END;
}

static atlas_status_t answer(struct call *call, const struct grpc_listener *listener,
                             struct atlas_bytes request, struct buffer *out)
{
    struct question question = {
        .listener = listener, .table = call->worker->routes, .out = out, .name = ""};
    struct atlas_bytes host = {"", 0};

    if (!read_question(request, &question, &host)) {
        return call_fail(call, ATLAS_INVALID_ARGUMENT,
                         "the request is not a ServerReflectionRequest");
    }
    put_bytes(out, VALID_HOST, host.data, host.len);
    put_bytes(out, ORIGINAL_REQUEST, request.data, request.len);
    put_answer(&question);
    if (out->failed) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                         "the definitions are larger than calls.message_limit");
    }
    return call->public.interfaces->call->send(&call->public, buffer_bytes(out));
}

/* Each answer has an arena of its own: the stream may be long. */
static atlas_status_t answer_in_arena(struct call *call, const struct grpc_listener *listener,
                                      struct atlas_bytes request)
{
    struct arena arena;
    struct buffer out;

    arena_init(&arena, &call->worker->arenas, call->worker->limits.arena_limit);
    buffer_init(&out, &arena, 4096, call->worker->limits.message_limit);
    atlas_status_t status = answer(call, listener, request, &out);
    arena_finish(&arena);
    return status;
}

atlas_status_t grpc_reflection_info(struct atlas_call *public)
{
    struct call *call = call_of(public);
    struct grpc_host_view view;
    struct atlas_bytes request = {NULL, 0};
    atlas_status_t status = ATLAS_OK;

    if (!grpc_host_view_of(call, &view)) {
        return ATLAS_CANCELLED;
    }
    while (status == ATLAS_OK) {
        status = public->interfaces->call->recv(public, &request);
        if (status == ATLAS_OK) {
            status = answer_in_arena(call, view.listener, request);
        }
    }
    return status == ATLAS_END_OF_STREAM ? ATLAS_OK : status;
}
