/* Local unary calls run at once on the caller's fiber; what is not here goes to the remote
 * transport. */
#include "runtime/client.h"

#include <string.h>

#include "base/clock.h"
#include "runtime/call.h"
#include "runtime/call_run.h"
#include "runtime/local_stream.h"
#include "runtime/router.h"
#include "runtime/runtime.h"
#include "runtime/wait.h"

static struct route_table *routes_of(const struct call *call)
{
    return call->routes != NULL ? call->routes : call->worker->routes;
}

/* "/package.Service/Method": the part between the slashes. */
static struct atlas_bytes service_of(const char *path)
{
    const char *end = path[0] == '/' ? strchr(path + 1, '/') : NULL;
    return end != NULL ? (struct atlas_bytes){path + 1, (size_t)(end - path - 1)}
                       : (struct atlas_bytes){NULL, 0};
}

/* The same wherever it goes: what the other side, or the way to it, would refuse. */
static atlas_status_t check_options(struct call *call, const char *path,
                                    const struct atlas_call_options *options)
{
    if (options == NULL) {
        return ATLAS_OK;
    }
    if (!ATLAS_HAS(options, metadata_count)) {
        return call_fail(call, ATLAS_INVALID_ARGUMENT,
                         "%s: struct atlas_call_options of %u bytes: set .size = sizeof(struct "
                         "atlas_call_options)",
                         path, options->size);
    }
    for (size_t i = 0; i < options->metadata_count; i++) {
        atlas_status_t status = call_check_metadata(call, &options->metadata[i]);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    return ATLAS_OK;
}

/* Finds where a call goes: a local route, or NULL with OK for the remote transport. */
static atlas_status_t resolve(struct call *call, const char *path, const struct route **ret_route)
{
    struct atlas_bytes service = service_of(path);
    if (service.data == NULL) {
        return call_fail(call, ATLAS_INVALID_ARGUMENT,
                         "\"%s\" is no path of a method: write \"/package.Service/Method\"", path);
    }
    const struct route_table *routes = routes_of(call);
    *ret_route = NULL;
    if (routes == NULL || runtime_is_wire_forced(call->worker->runtime)) {
        return ATLAS_OK;
    }
    *ret_route = route_table_find(routes, path, strlen(path));
    if (*ret_route == NULL && route_table_has_service(routes, service.data, service.len)) {
        return call_fail(call, ATLAS_UNIMPLEMENTED, "service %.*s has no method %s",
                         (int)service.len, (const char *)service.data, path + service.len + 2);
    }
    return ATLAS_OK;
}

static const struct remote_transport *remote_of(struct call *call, const char *path,
                                                atlas_status_t *ret_status)
{
    const struct remote_transport *remote = runtime_remote(call->worker->runtime);
    if (remote == NULL) {
        *ret_status =
            call_fail(call, ATLAS_UNAVAILABLE,
                      "no plugin of this process serves %s and no address is known for it; "
                      "see listeners and placements",
                      path);
    }
    return remote;
}

static atlas_status_t add_options(struct call *child, const struct atlas_call_options *options)
{
    if (options == NULL) {
        return ATLAS_OK;
    }
    if (options->timeout_ms > 0) {
        int64_t deadline_ns = clock_after_ms(options->timeout_ms);
        child->deadline_ns = deadline_ns < child->deadline_ns ? deadline_ns : child->deadline_ns;
    }
    for (size_t i = 0; i < options->metadata_count; i++) {
        atlas_status_t status = call_add_metadata(
            child, &child->metadata, options->metadata[i].name, options->metadata[i].value);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    return ATLAS_OK;
}

static atlas_status_t make_child(struct call *call, const struct route *route,
                                 const struct atlas_call_options *options, struct call **ret_child)
{
    if (call->depth >= call->worker->limits.nesting) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                         "%s: more than %u calls within calls; see calls.nesting", route->path,
                         call->worker->limits.nesting);
    }
    struct call *child = call_create_child(call, route);
    if (child == NULL) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED, "%s: no memory for a call", route->path);
    }
    atlas_status_t status = add_options(child, options);
    if (status != ATLAS_OK) {
        memcpy(call->message, child->message, sizeof call->message);
        call_destroy(child);
        return status;
    }
    *ret_child = child;
    return ATLAS_OK;
}

static atlas_status_t take_reply(struct call *call, struct call *child,
                                 struct atlas_bytes *ret_reply)
{
    if (child->status != ATLAS_OK) {
        memcpy(call->message, child->message, sizeof call->message);
        return child->status;
    }
    char *copy = arena_copy(&call->arena, child->reply.data, child->reply.len);
    if (copy == NULL) {
        return call_no_memory(call);
    }
    *ret_reply = (struct atlas_bytes){copy, child->reply.len};
    return ATLAS_OK;
}

static atlas_status_t unary_local(struct call *call, const struct route *route,
                                  struct atlas_bytes request,
                                  const struct atlas_call_options *options,
                                  struct atlas_bytes *ret_reply)
{
    struct call *child;
    if (!route_is_unary(route)) {
        return call_fail(call, ATLAS_UNIMPLEMENTED, "%s is a streaming method: open a stream",
                         route->path);
    }
    atlas_status_t status = make_child(call, route, options, &child);
    if (status != ATLAS_OK) {
        return status;
    }
    child->request = request;
    call_run_nested(child);
    status = take_reply(call, child, ret_reply);
    call_destroy(child);
    return status;
}

static atlas_status_t unary(struct atlas_call *public, const char *path, struct atlas_bytes request,
                            const struct atlas_call_options *options, struct atlas_bytes *ret_reply)
{
    struct call *call = call_of(public);
    const struct route *route;
    atlas_status_t status = check_options(call, path, options);
    if (status == ATLAS_OK) {
        status = call_check_message(call, request.len);
    }
    if (status == ATLAS_OK) {
        status = resolve(call, path, &route);
    }
    if (status != ATLAS_OK) {
        return status;
    }
    if (route != NULL) {
        return unary_local(call, route, request, options, ret_reply);
    }
    const struct remote_transport *remote = remote_of(call, path, &status);
    return remote != NULL ? remote->unary(remote->self, call, path, request, options, ret_reply)
                          : status;
}

/* A stream of either kind, behind one handle. */
struct client_stream {
    struct call_resource resource;
    struct call *call;
    struct atlas_handle handle;
    const struct remote_transport *remote; /* NULL: local */
    void *stream;
    struct arena messages; /* of message_alloc; emptied by recv */
};

static void close_stream(struct client_stream *stream)
{
    handle_drop(&stream->call->worker->handles, stream->handle);
    arena_finish(&stream->messages);
    if (stream->remote != NULL) {
        stream->remote->close(stream->stream, stream->call);
    } else {
        local_stream_close(stream->stream);
    }
}

static void stream_on_release(struct call_resource *resource)
{
    close_stream(CONTAINER_OF(resource, struct client_stream, resource));
}

static atlas_status_t open_either(struct call *call, const char *path,
                                  const struct atlas_call_options *options,
                                  struct client_stream *stream)
{
    const struct route *route;
    atlas_status_t status = check_options(call, path, options);
    if (status == ATLAS_OK) {
        status = resolve(call, path, &route);
    }
    if (status != ATLAS_OK) {
        return status;
    }
    if (route == NULL) {
        stream->remote = remote_of(call, path, &status);
        return stream->remote != NULL ? stream->remote->open(stream->remote->self, call, path,
                                                             options, &stream->stream)
                                      : status;
    }
    if (route_is_unary(route)) {
        return call_fail(call, ATLAS_UNIMPLEMENTED, "%s is a unary method: open no stream",
                         route->path);
    }
    struct call *child;
    status = make_child(call, route, options, &child);
    return status == ATLAS_OK ? local_stream_open(call, child, &stream->stream) : status;
}

static atlas_status_t open_stream(struct atlas_call *public, const char *path,
                                  const struct atlas_call_options *options,
                                  struct atlas_handle *ret_stream)
{
    struct call *call = call_of(public);
    struct client_stream *stream = arena_alloc(&call->arena, sizeof *stream);
    if (stream == NULL) {
        return call_no_memory(call);
    }
    *stream = (struct client_stream){.resource = {.release = stream_on_release}, .call = call};
    arena_init(&stream->messages, &call->worker->arenas, call->worker->limits.arena_limit);
    stream->handle = handle_create(&call->worker->handles, HANDLE_STREAM, stream);
    if (stream->handle.value == 0) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED, "%s: too many streams are open", path);
    }
    atlas_status_t status = open_either(call, path, options, stream);
    if (status != ATLAS_OK) {
        handle_drop(&call->worker->handles, stream->handle);
        return status;
    }
    call_hold_resource(call, &stream->resource);
    *ret_stream = stream->handle;
    return ATLAS_OK;
}

/* The stream of a handle, or NULL with the message set. */
static struct client_stream *stream_of(struct call *call, struct atlas_handle handle)
{
    struct client_stream *stream = handle_find(&call->worker->handles, HANDLE_STREAM, handle);
    if (stream == NULL || stream->call != call) {
        call_fail(call, ATLAS_FAILED_PRECONDITION,
                  "the stream has been closed, was opened by another call, or is none");
        return NULL;
    }
    return stream;
}

static atlas_status_t send_message(struct atlas_call *public, struct atlas_handle handle,
                                   struct atlas_bytes message)
{
    struct call *call = call_of(public);
    struct client_stream *stream = stream_of(call, handle);
    if (stream == NULL) {
        return ATLAS_FAILED_PRECONDITION;
    }
    atlas_status_t status = call_check_message(call, message.len);
    if (status != ATLAS_OK) {
        return status;
    }
    return stream->remote != NULL ? stream->remote->send(stream->stream, call, message)
                                  : local_stream_send(stream->stream, call, message);
}

static atlas_status_t half_close(struct atlas_call *public, struct atlas_handle handle)
{
    struct client_stream *stream = stream_of(call_of(public), handle);
    if (stream == NULL) {
        return ATLAS_FAILED_PRECONDITION;
    }
    return stream->remote != NULL ? stream->remote->half_close(stream->stream, call_of(public))
                                  : local_stream_half_close(stream->stream);
}

static atlas_status_t recv_message(struct atlas_call *public, struct atlas_handle handle,
                                   struct atlas_bytes *ret_message)
{
    struct client_stream *stream = stream_of(call_of(public), handle);
    if (stream == NULL) {
        return ATLAS_FAILED_PRECONDITION;
    }
    arena_finish(&stream->messages);
    return stream->remote != NULL
               ? stream->remote->recv(stream->stream, call_of(public), ret_message)
               : local_stream_recv(stream->stream, call_of(public), ret_message);
}

static void *message_alloc(struct atlas_call *public, struct atlas_handle handle, size_t size)
{
    struct client_stream *stream = stream_of(call_of(public), handle);
    return stream != NULL ? arena_alloc(&stream->messages, size) : NULL;
}

static void close_handle(struct atlas_call *public, struct atlas_handle handle)
{
    struct client_stream *stream =
        handle_find(&call_of(public)->worker->handles, HANDLE_STREAM, handle);
    if (stream != NULL && stream->call == call_of(public)) {
        call_drop_resource(&stream->resource);
        close_stream(stream);
    }
}

static const struct atlas_client_interface client_interface = {
    .size = sizeof(struct atlas_client_interface),
    .unary = unary,
    .open = open_stream,
    .send = send_message,
    .half_close = half_close,
    .recv = recv_message,
    .message_alloc = message_alloc,
    .close = close_handle,
};

const struct module client_module = {
    .slot = MODULE_CLIENT,
    .interface_id = "atlas.client/1",
    .table = &client_interface,
};
