#include "testhost_client.h"

#include "testhost_call.h"
#include "testhost_misuse.h"
#include "testhost_script.h"
#include "testhost_stream.h"

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
                                 struct atlas_bytes request,
                                 const struct atlas_call_options *options,
                                 struct atlas_bytes *ret_reply)
{
    struct test_call callee;

    call_init(host_of(call), &callee);
    call_inherit(&callee, test_call_of(call), options);
    callee.requests = &request;
    callee.request_count = 1;
    atlas_status_t status = call_run(&callee, method);
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

/* Keeps what was sent; options may be NULL. */
static void record_request(struct testhost *host, const char *path, struct atlas_bytes request,
                           const struct atlas_call_options *options)
{
    struct deed *deed = script_record(host, path);

    journal_add(host, "client %s\n", path);
    deed->request = arena_bytes(&host->script, request);
    deed->options = atlas_within_ms(options != NULL ? options->timeout_ms : 0);
    if (ATLAS_HAS(options, metadata_count)) {
        struct atlas_metadata *copy =
            arena_alloc(&host->script, options->metadata_count * sizeof *copy);

        for (size_t i = 0; i < options->metadata_count; i++) {
            copy[i].name = arena_bytes(&host->script, options->metadata[i].name);
            copy[i].value = arena_bytes(&host->script, options->metadata[i].value);
        }
        deed->options.metadata = copy;
        deed->options.metadata_count = options->metadata_count;
    }
}

static atlas_status_t unary(struct atlas_call *call, const char *path, struct atlas_bytes request,
                            const struct atlas_call_options *options, struct atlas_bytes *ret_reply)
{
    struct testhost *host = host_of(call);
    const struct atlas_method *method = find_method(host, path);
    struct answer *answer;

    atlas_status_t status = call_wait(call, path);
    if (status != ATLAS_OK) {
        return status;
    }
    if (method != NULL) {
        return call_local(call, method, request, options, ret_reply);
    }
    record_request(host, path, request, options);
    answer = script_take(host, ANSWER_CLIENT, path);
    if (answer == NULL) {
        return atlas_fail(call, ATLAS_INTERNAL, "the test gives no answer to %s", path);
    }
    return take_answer(call, answer, ret_reply);
}

/* --- Streams: to a service of the plugin, or scripted -------------------------------------------
 */

static struct stream_slot *find_free_slot(struct testhost *host, struct atlas_handle *ret_stream)
{
    for (size_t i = 0; i < STREAM_LIMIT; i++) {
        if (host->streams[i].path == NULL) {
            ret_stream->value = i + 1;
            return &host->streams[i];
        }
    }
    testhost_misuse("more than %d streams are open", STREAM_LIMIT);
}

static atlas_status_t open_stream(struct atlas_call *call, const char *path,
                                  const struct atlas_call_options *options,
                                  struct atlas_handle *ret_stream)
{
    struct testhost *host = host_of(call);
    const struct atlas_method *method = find_method(host, path);
    struct stream_slot *slot;

    atlas_status_t status = call_wait(call, path);
    if (status != ATLAS_OK) {
        return status;
    }
    slot = find_free_slot(host, ret_stream);
    slot->path = arena_text(&host->script, path);
    slot->owner = test_call_of(call);
    if (method != NULL) {
        slot->local = local_stream_open(test_call_of(call), path, method, options);
    } else {
        record_request(host, path, atlas_bytes_of(NULL, 0), options);
    }
    return ATLAS_OK;
}

static struct stream_slot *slot_of(struct atlas_call *call, struct atlas_handle stream)
{
    struct stream_slot *slot = stream.value >= 1 && stream.value <= STREAM_LIMIT
                                   ? &host_of(call)->streams[stream.value - 1]
                                   : NULL;

    if (slot == NULL || slot->path == NULL) {
        testhost_misuse("the plugin uses a stream that is not open");
    }
    return slot;
}

static atlas_status_t send_message(struct atlas_call *call, struct atlas_handle stream,
                                   struct atlas_bytes message)
{
    const struct stream_slot *slot = slot_of(call, stream);

    atlas_status_t status = call_wait(call, slot->path);
    if (status == ATLAS_OK && slot->local != NULL) {
        local_stream_send(slot->local, message);
    } else if (status == ATLAS_OK) {
        record_request(host_of(call), slot->path, message, NULL);
    }
    return status;
}

static atlas_status_t half_close(struct atlas_call *call, struct atlas_handle stream)
{
    const struct stream_slot *slot = slot_of(call, stream);

    if (slot->local != NULL) {
        local_stream_half_close(slot->local);
    }
    return ATLAS_OK;
}

static atlas_status_t recv_message(struct atlas_call *call, struct atlas_handle stream,
                                   struct atlas_bytes *ret_message)
{
    const struct stream_slot *slot = slot_of(call, stream);
    struct answer *answer;

    atlas_status_t status = call_wait(call, slot->path);
    if (status != ATLAS_OK) {
        return status;
    }
    if (slot->local != NULL) {
        return local_stream_recv(slot->local, call, ret_message);
    }
    answer = script_take(host_of(call), ANSWER_CLIENT, slot->path);
    return answer != NULL ? take_answer(call, answer, ret_message) : ATLAS_END_OF_STREAM;
}

static void *message_alloc(struct atlas_call *call, struct atlas_handle stream, size_t size)
{
    slot_of(call, stream);
    return call->interfaces->call->alloc(call, size);
}

static void close_slot(struct stream_slot *slot)
{
    struct local_stream *local = slot->local;

    memset(slot, 0, sizeof *slot);
    if (local != NULL) {
        local_stream_close(local);
    }
}

static void close_stream(struct atlas_call *call, struct atlas_handle stream)
{
    close_slot(slot_of(call, stream));
}

void client_close_streams(struct testhost *host, const struct test_call *owner)
{
    for (size_t i = 0; i < STREAM_LIMIT; i++) {
        if (host->streams[i].path != NULL && host->streams[i].owner == owner) {
            close_slot(&host->streams[i]);
        }
    }
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

/* --- For the test -------------------------------------------------------------------------------
 */

void testhost_client_reply(struct testhost *host, const char *path, struct atlas_bytes reply)
{
    script_add(host, ANSWER_CLIENT, path)->bytes = arena_bytes(&host->script, reply);
}

void testhost_client_fail(struct testhost *host, const char *path, atlas_status_t status,
                          const char *message)
{
    struct answer *answer = script_add(host, ANSWER_CLIENT, path);

    answer->status = status;
    answer->text = arena_text(&host->script, message);
}

struct atlas_bytes testhost_client_request(struct testhost *host, const char *path)
{
    const struct deed *deed = script_find(host, path);

    return deed != NULL ? deed->request : atlas_bytes_of(NULL, 0);
}

const struct atlas_call_options *testhost_client_options(struct testhost *host, const char *path)
{
    const struct deed *deed = script_find(host, path);

    return deed != NULL ? &deed->options : NULL;
}
