/* The gRPC client as a whole: its loops and its end, and unary calls. */
#include "services/grpc/grpc_client.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/readiness.h"
#include "runtime/wait.h"
#include "services/grpc/grpc_channel.h"
#include "services/grpc/grpc_client_route.h"
#include "services/grpc/grpc_client_session.h"
#include "services/grpc/grpc_client_stream.h"
#include "services/grpc/grpc_client_streaming.h"
#include "services/grpc/grpc_target.h"

static struct grpc_client_loop *loop_of(const struct grpc_client *client, const struct call *call)
{
    return &client->loops[call->worker->index];
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
    if (options != NULL && options->timeout_ms > 0 && options->timeout_ms < left_ns / NS_PER_MS) {
        left_ns = options->timeout_ms * NS_PER_MS;
    }
    if (left_ns != INT64_MAX) {
        stream->deadline_ns = clock_monotonic_ns() + left_ns;
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

static atlas_status_t unary(void *self, struct call *call, const char *path,
                            struct atlas_bytes request, const struct atlas_call_options *options,
                            struct atlas_bytes *ret_reply)
{
    struct grpc_client_stream *stream;
    size_t limit = call->worker->limits.message_limit;
    if (request.len > limit) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                         "a message of %zu bytes exceeds calls.message_limit (%zu)", request.len,
                         limit);
    }
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

static atlas_status_t open_stream(void *self, struct call *call, const char *path,
                                  const struct atlas_call_options *options, void **ret_stream)
{
    struct grpc_client_stream *stream;
    atlas_status_t status = prepare(self, call, path, options, &stream);
    if (status != ATLAS_OK) {
        return status;
    }
    incoming_init(&stream->incoming, call->worker->limits.message_limit);
    stream->path = arena_copy(&call->arena, path, strlen(path));
    status = stream->path != NULL
                 ? keep_metadata(call, stream)
                 : call_fail(call, ATLAS_RESOURCE_EXHAUSTED, "the call's memory is used up");
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

static const struct grpc_client_events events = {
    .ready = grpc_channel_ready,
    .room = grpc_channel_pump,
    .leaving = grpc_channel_leave,
    .stream_closed = grpc_client_route_closed,
};

static atlas_status_t create_loops(struct grpc_client *client)
{
    client->loop_count = runtime_worker_count(client->runtime);
    client->loops = calloc(client->loop_count, sizeof *client->loops);
    if (client->loops == NULL) {
        return ATLAS_RESOURCE_EXHAUSTED;
    }
    for (unsigned i = 0; i < client->loop_count; i++) {
        struct grpc_client_loop *loop = &client->loops[i];
        loop->client = client;
        loop->worker = runtime_worker(client->runtime, i);
        loop->scratch = malloc(HTTP2_SCRATCH_SIZE);
        if (loop->scratch == NULL) {
            return ATLAS_RESOURCE_EXHAUSTED;
        }
    }
    return ATLAS_OK;
}

atlas_status_t grpc_client_create(struct runtime *runtime,
                                  const struct grpc_client_options *options,
                                  struct grpc_client **ret_client, struct error *error)
{
    struct grpc_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "gRPC client: out of memory");
    }
    client->runtime = runtime;
    client->options = *options;
    client->events = &events;
    client->transport = (struct remote_transport){
        .self = client,
        .unary = unary,
        .open = open_stream,
        .send = grpc_client_streaming_send,
        .half_close = grpc_client_streaming_half_close,
        .recv = grpc_client_streaming_recv,
        .close = grpc_client_streaming_close,
    };
    client->callbacks = grpc_client_session_callbacks();
    client->session_options = http2_connection_options(&client->options.limits);
    if (client->callbacks == NULL || client->session_options == NULL ||
        create_loops(client) != ATLAS_OK) {
        grpc_client_destroy(client);
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "gRPC client: out of memory");
    }
    *ret_client = client;
    return ATLAS_OK;
}

const struct remote_transport *grpc_client_transport(const struct grpc_client *client)
{
    return &client->transport;
}

struct connect_request {
    struct grpc_client *client;
    const char *service;
};

static void connect_on(struct worker *worker, void *arg)
{
    const struct connect_request *request = arg;
    struct grpc_client_loop *loop = &request->client->loops[worker->index];
    struct grpc_target *target = grpc_target_of(loop, request->service, strlen(request->service));
    if (target == NULL || target->readiness != NULL) {
        return;
    }
    char name[sizeof target->name + 8];
    snprintf(name, sizeof name, "grpc %s", target->name);
    target->readiness = readiness_add(name);
    if (target->channels[0].state == CHANNEL_READY) {
        readiness_set_ready(target->readiness);
    }
}

void grpc_client_connect(struct grpc_client *client, const char *service)
{
    struct connect_request request = {client, service};
    for (unsigned i = 0; i < client->loop_count; i++) {
        runtime_run_on(client->loops[i].worker, connect_on, &request);
    }
}

static void refresh_on(struct worker *worker, void *arg)
{
    struct grpc_client *client = arg;
    grpc_target_forget_services(&client->loops[worker->index]);
}

void grpc_client_refresh(struct grpc_client *client)
{
    for (unsigned i = 0; i < client->loop_count; i++) {
        runtime_run_on(client->loops[i].worker, refresh_on, client);
    }
}

/* Connections close at the end of this pass. */
static void close_loop(struct worker *worker, void *arg)
{
    struct grpc_client *client = arg;
    struct grpc_client_loop *loop = &client->loops[worker->index];
    loop->is_closing = true;
    for (struct grpc_target *target = loop->targets; target != NULL; target = target->next) {
        for (unsigned i = 0; i < target->channel_count; i++) {
            grpc_channel_finish(&target->channels[i]);
        }
    }
    for (struct grpc_client_connection *connection = loop->connections; connection != NULL;
         connection = connection->next) {
        http2_connection_terminate(&connection->http2, NGHTTP2_NO_ERROR);
        http2_connection_fail(&connection->http2, "the host ends");
    }
}

static void free_targets(struct grpc_client_loop *loop)
{
    while (loop->targets != NULL) {
        struct grpc_target *target = loop->targets;
        loop->targets = target->next;
        readiness_remove(target->readiness);
        free(target);
    }
}

static void free_loop(struct worker *worker, void *arg)
{
    struct grpc_client *client = arg;
    struct grpc_client_loop *loop = &client->loops[worker->index];
    if (loop->connections != NULL) {
        return; /* we were quicker than the end of that pass */
    }
    grpc_target_forget_services(loop);
    free_targets(loop);
    if (loop->is_ticking) {
        event_del(&loop->tick_event);
    }
    while (loop->free_streams != NULL) {
        struct grpc_client_stream *stream = loop->free_streams;
        loop->free_streams = stream->next;
        free(stream);
    }
    free(loop->scratch);
    loop->scratch = NULL;
}

void grpc_client_destroy(struct grpc_client *client)
{
    if (client == NULL) {
        return;
    }
    for (unsigned i = 0; client->loops != NULL && i < client->loop_count; i++) {
        struct grpc_client_loop *loop = &client->loops[i];
        if (loop->targets != NULL) {
            runtime_run_on(loop->worker, close_loop, client);
            while (loop->scratch != NULL) {
                runtime_run_on(loop->worker, free_loop, client);
            }
        } else {
            free(loop->scratch);
        }
    }
    free(client->loops);
    nghttp2_option_del(client->session_options);
    nghttp2_session_callbacks_del(client->callbacks);
    free(client);
}
