#include "services/grpc/grpc_client_call.h"

#include <string.h>

#include "base/clock.h"
#include "runtime/wait.h"
#include "services/grpc/grpc_client_route.h"
#include "services/grpc/grpc_client_stream.h"
#include "services/grpc/grpc_target.h"

static struct grpc_client_loop *loop_of(const struct grpc_client *client, const struct call *call)
{
    return &client->loops[call->worker->index];
}

/* As much as a co-located call may bring. */
static atlas_status_t check_metadata(struct call *call, const struct atlas_call_options *options)
{
    size_t limit = call->worker->limits.metadata_limit;
    size_t bytes = 0;
    for (size_t i = 0; options != NULL && i < options->metadata_count; i++) {
        bytes += call_metadata_size(options->metadata[i].name, options->metadata[i].value);
    }
    return bytes <= limit ? ATLAS_OK
                          : call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                                      "metadata exceeds calls.metadata_limit (%zu bytes)", limit);
}

/* A stream for a call to "/package.Service/Method", with the nearer deadline. */
static atlas_status_t prepare(const struct grpc_client *client, struct call *call, const char *path,
                              const struct atlas_call_options *options,
                              struct grpc_client_stream **ret_stream)
{
    const char *slash = path[0] == '/' ? strchr(path + 1, '/') : NULL;
    if (slash == NULL) {
        return call_fail(call, ATLAS_INVALID_ARGUMENT,
                         "\"%s\" is no method: write it like \"/package.Service/Method\"", path);
    }
    atlas_status_t status = check_metadata(call, options);
    if (status != ATLAS_OK) {
        return status;
    }
    struct grpc_client_loop *loop = loop_of(client, call);
    size_t len = (size_t)(slash - path) - 1;
    struct grpc_target *target = grpc_target_of(loop, path + 1, len);
    if (target == NULL) {
        return call_fail(call, ATLAS_UNAVAILABLE,
                         "service %.*s has no placement: name it in a gRPC listener or in "
                         "placements",
                         (int)len, path + 1);
    }
    struct grpc_client_stream *stream = grpc_client_stream_create(loop, target, call);
    if (stream == NULL) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    int64_t left_ns = call_remaining_ns(call);
    if (left_ns != INT64_MAX) {
        stream->deadline_ns = clock_monotonic_ns() + left_ns;
    }
    if (options != NULL && options->timeout_ms > 0) {
        int64_t deadline_ns = clock_after_ms(options->timeout_ms);
        stream->deadline_ns = deadline_ns < stream->deadline_ns ? deadline_ns : stream->deadline_ns;
    }
    stream->path = path;
    stream->metadata = options != NULL ? options->metadata : NULL;
    stream->metadata_count = options != NULL ? options->metadata_count : 0;
    *ret_stream = stream;
    return ATLAS_OK;
}

static atlas_status_t wait_for_answer(struct call *call, struct grpc_client_stream *stream)
{
    struct wait wait;
    wait_init(&wait, call);
    stream->recv_wait = &wait;
    int64_t left_ns =
        stream->deadline_ns == INT64_MAX ? INT64_MAX : stream->deadline_ns - clock_monotonic_ns();
    bool is_shorter = left_ns < call_remaining_ns(call) - NS_PER_MS;
    atlas_status_t status =
        is_shorter ? wait_for_at_most(&wait, left_ns > 0 ? left_ns : 0) : wait_for(&wait);
    stream->recv_wait = NULL;
    return status;
}

atlas_status_t grpc_client_call_unary(void *self, struct call *call, const char *path,
                                      struct atlas_bytes request,
                                      const struct atlas_call_options *options,
                                      struct atlas_bytes *ret_reply)
{
    struct grpc_client_stream *stream;
    atlas_status_t status = prepare(self, call, path, options, &stream);
    if (status != ATLAS_OK) {
        return status;
    }
    stream->is_unary = true;
    stream->is_ended = true;
    stream->request_body = request;
    stream->request = (struct outgoing_message){.body = request.data, .len = request.len};
    outgoing_push(&stream->outgoing, &stream->request);
    grpc_client_route_start(stream);
    if (!stream->is_complete) {
        status = wait_for_answer(call, stream);
    }
    if (status == ATLAS_OK) {
        status = stream->status;
        if (status == ATLAS_OK) {
            *ret_reply = stream->reply;
        } else {
            call_fail(call, status, "%s", stream->message);
        }
    }
    grpc_client_stream_release(stream);
    return status;
}

/* The metadata of a stream may be needed after open has returned, when its request is queued. */
static atlas_status_t keep_metadata(struct call *call, struct grpc_client_stream *stream)
{
    if (stream->metadata_count == 0) {
        return ATLAS_OK;
    }
    struct metadata_list list = {0};
    for (size_t i = 0; i < stream->metadata_count; i++) {
        const struct atlas_metadata *entry = &stream->metadata[i];
        atlas_status_t status = call_add_metadata(call, &list, entry->name, entry->value);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    stream->metadata = list.entries;
    return ATLAS_OK;
}

atlas_status_t grpc_client_call_open(void *self, struct call *call, const char *path,
                                     const struct atlas_call_options *options, void **ret_stream)
{
    struct grpc_client_stream *stream;
    atlas_status_t status = prepare(self, call, path, options, &stream);
    if (status != ATLAS_OK) {
        return status;
    }
    incoming_init(&stream->incoming, call->worker->limits.message_limit);
    stream->path = arena_copy(&call->arena, path, strlen(path));
    status = stream->path != NULL ? keep_metadata(call, stream) : call_no_memory(call);
    if (status == ATLAS_OK) {
        grpc_client_route_start(stream);
        if (stream->is_complete) {
            status = call_fail(call, stream->status, "%s", stream->message);
        }
    }
    if (status != ATLAS_OK) {
        grpc_client_stream_release(stream);
        return status;
    }
    *ret_stream = stream;
    return ATLAS_OK;
}
