/* Calls to services: those that the plugin serves run its handler, the others are scripted. */
#include "testhost_private.h"

static const struct atlas_service *find_service(struct testhost *host, const char *name, size_t len)
{
    for (size_t i = 0; i < host->table.service_count; i++) {
        const struct atlas_service *service = host->table.services[i];

        if (strlen(service->name) == len && memcmp(service->name, name, len) == 0) {
            return service;
        }
    }
    return NULL;
}

const struct atlas_method *find_method(struct testhost *host, const char *path)
{
    const char *slash = path[0] == '/' ? strchr(path + 1, '/') : NULL;
    const struct atlas_service *service;

    if (slash == NULL) {
        testhost_misuse("%s is no path: write /package.Service/Method", path);
    }
    service = find_service(host, path + 1, (size_t)(slash - path - 1));
    for (size_t i = 0; service != NULL && i < service->method_count; i++) {
        if (strcmp(service->methods[i].name, slash + 1) == 0) {
            return &service->methods[i];
        }
    }
    return NULL;
}

/* A co-located call: its own call object, the smaller of the deadlines. */
static atlas_status_t call_local(struct atlas_call *call, const struct atlas_method *method,
                                 struct atlas_bytes request, struct atlas_bytes *ret_reply)
{
    const struct test_call *caller = test_call_of(call);
    struct test_call callee;

    call_init(caller->host, &callee);
    if (!caller->is_caller) {
        callee.deadline_us = caller->deadline_us;
    }
    callee.requests = &request;
    callee.request_count = 1;
    atlas_status_t status = method->handle(&callee.base);
    if (status == ATLAS_OK && callee.reply_count != 1) {
        testhost_misuse("%s: a unary method sent %zu replies", method->name, callee.reply_count);
    }
    if (status == ATLAS_OK) {
        *ret_reply = arena_bytes(call_arena(call), callee.replies[0]);
    } else {
        atlas_set_message(call, callee.message);
    }
    call_finish(&callee, status);
    return status;
}

static atlas_status_t take_answer(struct atlas_call *call, struct answer *answer,
                                  struct atlas_bytes *ret_reply)
{
    if (answer->status != ATLAS_OK) {
        return atlas_fail(call, answer->status, "%s", answer->text);
    }
    *ret_reply = arena_bytes(call_arena(call), answer->bytes);
    return ATLAS_OK;
}

static void record_request(struct testhost *host, const char *path, struct atlas_bytes request)
{
    journal_add(host, "client %s\n", path);
    script_record(host, path)->request = arena_bytes(&host->script, request);
}

static atlas_status_t unary(struct atlas_call *call, const char *path, struct atlas_bytes request,
                            const struct atlas_call_options *options, struct atlas_bytes *ret_reply)
{
    struct testhost *host = host_of(call);
    const struct atlas_method *method = find_method(host, path);
    struct answer *answer;

    (void)options;
    atlas_status_t status = call_wait(call, path);
    if (status != ATLAS_OK) {
        return status;
    }
    if (method != NULL) {
        return call_local(call, method, request, ret_reply);
    }
    record_request(host, path, request);
    answer = script_take(host, ANSWER_CLIENT, path);
    if (answer == NULL) {
        return atlas_fail(call, ATLAS_INTERNAL, "the test gives no answer to %s", path);
    }
    return take_answer(call, answer, ret_reply);
}

/* --- Streams: scripted only ---------------------------------------------------------------------
 */

static atlas_status_t open_stream(struct atlas_call *call, const char *path,
                                  const struct atlas_call_options *options,
                                  struct atlas_handle *ret_stream)
{
    struct testhost *host = host_of(call);

    (void)options;
    atlas_status_t status = call_wait(call, path);
    if (status != ATLAS_OK) {
        return status;
    }
    journal_add(host, "client %s\n", path);
    for (size_t i = 0; i < STREAM_LIMIT; i++) {
        if (host->streams[i] == NULL) {
            host->streams[i] = arena_text(&host->script, path);
            ret_stream->value = i + 1;
            return ATLAS_OK;
        }
    }
    testhost_misuse("more than %d streams are open", STREAM_LIMIT);
}

static const char *stream_path(struct atlas_call *call, struct atlas_handle stream)
{
    const char *path = stream.value >= 1 && stream.value <= STREAM_LIMIT
                           ? host_of(call)->streams[stream.value - 1]
                           : NULL;

    if (path == NULL) {
        testhost_misuse("the plugin uses a stream that is not open");
    }
    return path;
}

static atlas_status_t send_message(struct atlas_call *call, struct atlas_handle stream,
                                   struct atlas_bytes message)
{
    const char *path = stream_path(call, stream);

    atlas_status_t status = call_wait(call, path);
    if (status == ATLAS_OK) {
        record_request(host_of(call), path, message);
    }
    return status;
}

static atlas_status_t half_close(struct atlas_call *call, struct atlas_handle stream)
{
    stream_path(call, stream);
    return ATLAS_OK;
}

static atlas_status_t recv_message(struct atlas_call *call, struct atlas_handle stream,
                                   struct atlas_bytes *ret_message)
{
    const char *path = stream_path(call, stream);
    struct answer *answer;

    atlas_status_t status = call_wait(call, path);
    if (status != ATLAS_OK) {
        return status;
    }
    answer = script_take(host_of(call), ANSWER_CLIENT, path);
    return answer != NULL ? take_answer(call, answer, ret_message) : ATLAS_END_OF_STREAM;
}

static void *message_alloc(struct atlas_call *call, struct atlas_handle stream, size_t size)
{
    stream_path(call, stream);
    return call->interfaces->call->alloc(call, size);
}

static void close_stream(struct atlas_call *call, struct atlas_handle stream)
{
    stream_path(call, stream);
    host_of(call)->streams[stream.value - 1] = NULL;
}

struct atlas_client_interface const *client_interface(void)
{
    static const struct atlas_client_interface table = {
        .size = sizeof table,
        .unary = unary,
        .open = open_stream,
        .send = send_message,
        .half_close = half_close,
        .recv = recv_message,
        .message_alloc = message_alloc,
        .close = close_stream,
    };
    return &table;
}
