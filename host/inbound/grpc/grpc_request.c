#include "inbound/grpc/grpc_request.h"

#include <string.h>

#include "base/binary_header.h"
#include "base/http2/grpc_timeout.h"
#include "inbound/grpc/grpc_host_services.h"
#include "inbound/grpc/grpc_response.h"
#include "inbound/grpc/grpc_stream.h"
#include "inbound/grpc/grpc_streaming.h"
#include "runtime/call.h"
#include "runtime/router.h"
#include "runtime/trace.h"

static void refuse(struct grpc_stream *stream, atlas_status_t status, const char *message)
{
    grpc_stream_refuse(stream, 0, status, message);
}

static bool listener_serves(const struct grpc_listener *listener, const char *service)
{
    const struct service_names *services = atomic_load(&listener->services);
    return services->count == 0 || service_names_have(services, service);
}

/* Where the messages of the request go. */
static void *request_room(void *context, size_t len)
{
    struct grpc_stream *stream = context;
    if (stream->messages > 0) {
        return NULL; /* one is all there may be: grpc_request_data says so */
    }
    return arena_alloc(&stream->call->arena, len);
}

static void prepare_call(struct grpc_stream *stream, const struct route *route)
{
    struct worker *worker = stream->loop->worker;
    stream->call = call_create(worker, worker->routes, route);
    if (stream->call == NULL) {
        refuse(stream, ATLAS_RESOURCE_EXHAUSTED, "too many calls at once: try again later");
        return;
    }
    if (route->generation == NULL && !route_is_unary(route)) {
        stream->call->deadline_ns = INT64_MAX; /* watches stay as long as the client wants */
    }
    stream->is_unary = route_is_unary(route);
    stream->is_single_request = (route->method->flags & ATLAS_METHOD_CLIENT_STREAMING) == 0;
    stream->call->peer = stream;
    stream->call->operations =
        stream->is_unary ? &grpc_unary_operations : &grpc_streaming_operations;
    if (stream->is_single_request) {
        stream->parser.limit = worker->limits.message_limit;
        stream->parser.context = stream;
        stream->parser.room = request_room;
    } else {
        incoming_init(&stream->incoming, worker->limits.message_limit);
    }
}

static void set_path(struct grpc_stream *stream, const char *path, size_t len)
{
    const struct route_table *routes = stream->loop->worker->routes;
    const struct route *route = route_table_find(routes, path, len);
    const struct grpc_listener *listener = stream->connection->listener;
    if (route != NULL && listener_serves(listener, route->service->name)) {
        prepare_call(stream, route);
        return;
    }
    const struct route *host_route = grpc_host_services_find(path, len);
    if (host_route != NULL) {
        prepare_call(stream, host_route);
        if (stream->call != NULL) {
            /* A watch may last for ever and must not keep replaced plugins loaded. */
            route_table_release(stream->call->routes);
            stream->call->routes = NULL;
        }
        return;
    }
    const char *slash = len > 1 ? memchr(path + 1, '/', len - 1) : NULL;
    if (route == NULL && slash != NULL &&
        route_table_has_service(routes, path + 1, (size_t)(slash - path) - 1)) {
        refuse(stream, ATLAS_UNIMPLEMENTED, "unknown method: see the service's definition");
    } else {
        refuse(stream, ATLAS_UNIMPLEMENTED,
               "unknown service: it is not served at this address; see the listeners of the "
               "configuration");
    }
}

static void set_timeout(struct grpc_stream *stream, const char *text, size_t len)
{
    int64_t timeout_ns;
    if (!grpc_timeout_parse(text, len, &timeout_ns)) {
        grpc_stream_refuse(stream, 400, ATLAS_INTERNAL, "malformed grpc-timeout");
        return;
    }
    if (stream->call != NULL) {
        call_set_timeout(stream->call, timeout_ns);
    }
}

static void set_content_type(struct grpc_stream *stream, const char *value, size_t len)
{
    static const char wanted[] = "application/grpc";
    const size_t wanted_len = sizeof wanted - 1;
    stream->has_content_type =
        len >= wanted_len && memcmp(value, wanted, wanted_len) == 0 &&
        (len == wanted_len || value[wanted_len] == '+' || value[wanted_len] == ';');
}

static void add_metadata(struct grpc_stream *stream, struct atlas_bytes name,
                         struct atlas_bytes value)
{
    if (call_add_metadata(stream->call, &stream->call->metadata, name, value) != ATLAS_OK) {
        refuse(stream, ATLAS_RESOURCE_EXHAUSTED,
               "metadata is too large: send less or raise calls.metadata_limit");
    }
}

/* Several values may have been joined by commas on the way. */
static void add_binary_metadata(struct grpc_stream *stream, struct atlas_bytes name,
                                struct atlas_bytes value)
{
    const char *text = value.data;
    const char *end = text + value.len;
    char *bytes = arena_alloc(&stream->call->arena, BINARY_HEADER_DECODED_SIZE(value.len));
    for (bool is_last = false; bytes != NULL && !is_last;) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        const char *stop = comma != NULL ? comma : end;
        size_t len;
        if (!binary_header_decode(text, (size_t)(stop - text), bytes, &len)) {
            refuse(stream, ATLAS_INTERNAL, "metadata that ends in -bin is not base64");
            return;
        }
        add_metadata(stream, name, (struct atlas_bytes){bytes, len});
        is_last = comma == NULL;
        text = stop + 1;
    }
}

static void set_identity(struct grpc_stream *stream, const char *value, size_t len)
{
    const char *copy = arena_copy(&stream->call->arena, value, len);
    if (copy != NULL) {
        stream->call->identity = (struct atlas_bytes){copy, len};
    }
}

static bool is_name(const char *name, size_t len, const char *wanted)
{
    return strlen(wanted) == len && memcmp(name, wanted, len) == 0;
}

static void pseudo_header(struct grpc_stream *stream, const char *name, size_t name_len,
                          const char *value, size_t value_len)
{
    if (is_name(name, name_len, ":path")) {
        set_path(stream, value, value_len);
    } else if (is_name(name, name_len, ":method") && !is_name(value, value_len, "POST")) {
        grpc_stream_refuse(stream, 405, ATLAS_INTERNAL, "method must be POST");
    }
}

static void grpc_header(struct grpc_stream *stream, const char *name, size_t name_len,
                        const char *value, size_t value_len)
{
    if (is_name(name, name_len, "grpc-timeout")) {
        set_timeout(stream, value, value_len);
    } else if (is_name(name, name_len, "grpc-encoding") && !is_name(value, value_len, "identity")) {
        refuse(stream, ATLAS_UNIMPLEMENTED, "grpc-encoding is not supported: send identity");
    }
}

static void other_header(struct grpc_stream *stream, const char *name, size_t name_len,
                         const char *value, size_t value_len)
{
    struct atlas_bytes name_bytes = {name, name_len};
    struct atlas_bytes value_bytes = {value, value_len};
    if (is_name(name, name_len, "te")) {
        return;
    }
    if (is_name(name, name_len, "traceparent")) {
        trace_parse(value_bytes, &stream->call->trace);
    } else if (is_name(name, name_len, "atlas-identity")) {
        if (stream->connection->listener->trusts_identity) {
            set_identity(stream, value, value_len);
        }
    } else if (binary_header_is_name(name, name_len)) {
        add_binary_metadata(stream, name_bytes, value_bytes);
    } else {
        add_metadata(stream, name_bytes, value_bytes);
    }
}

void grpc_request_header(struct grpc_stream *stream, const char *name, size_t name_len,
                         const char *value, size_t value_len)
{
    if (stream->header_bytes > stream->loop->shared->limits.header_limit) {
        refuse(stream, ATLAS_RESOURCE_EXHAUSTED,
               "headers are too large: send less metadata or raise grpc.header_limit");
        return;
    }
    if (name_len > 0 && name[0] == ':') {
        pseudo_header(stream, name, name_len, value, value_len);
    } else if (is_name(name, name_len, "content-type")) {
        set_content_type(stream, value, value_len);
    } else if (name_len > 5 && memcmp(name, "grpc-", 5) == 0) {
        grpc_header(stream, name, name_len, value, value_len);
    } else if (stream->call != NULL && stream->refusal == ATLAS_OK) {
        other_header(stream, name, name_len, value, value_len);
    }
}

void grpc_request_headers_complete(struct grpc_stream *stream)
{
    stream->has_headers = true;
    if (!stream->has_content_type) {
        stream->refusal = ATLAS_OK; /* what is no gRPC gets this answer before any other */
        grpc_stream_refuse(stream, 415, ATLAS_UNKNOWN, "content-type must be application/grpc");
    } else if (stream->call == NULL) {
        refuse(stream, ATLAS_INTERNAL, "request without a path");
    }
    if (stream->refusal != ATLAS_OK) {
        grpc_response_refuse(stream);
        return;
    }
    if (!stream->is_single_request) {
        grpc_stream_add_ready(stream);
    }
}

static void refuse_message(struct grpc_stream *stream, enum message_result result)
{
    if (stream->is_single_request && stream->messages > 0) {
        refuse(stream, ATLAS_UNIMPLEMENTED, "this method takes exactly one message, more came");
    } else if (result == MESSAGE_TOO_LARGE) {
        refuse(stream, ATLAS_RESOURCE_EXHAUSTED,
               "message is too large: send less or raise calls.message_limit");
    } else if (result == MESSAGE_NO_MEMORY) {
        refuse(stream, ATLAS_RESOURCE_EXHAUSTED,
               "message does not fit into the memory of the call: raise calls.arena_limit");
    } else if (result == MESSAGE_COMPRESSED) {
        refuse(stream, ATLAS_INTERNAL, "compressed message without grpc-encoding");
    } else {
        refuse(stream, ATLAS_INTERNAL, "malformed message prefix");
    }
}

static void parse_single(struct grpc_stream *stream, const uint8_t *data, size_t len)
{
    while (len > 0 && stream->refusal == ATLAS_OK) {
        enum message_result result = message_parser_feed(&stream->parser, &data, &len);
        if (result == MESSAGE_COMPLETE) {
            stream->messages++;
            stream->call->request = (struct atlas_bytes){stream->parser.body, stream->parser.len};
        } else if (result != MESSAGE_MORE) {
            refuse_message(stream, result);
        }
    }
}

/* The window opens as the handler takes messages, or while it waits for one. */
static void parse_list(struct grpc_stream *stream, const uint8_t *data, size_t len)
{
    enum message_result result = incoming_feed(&stream->incoming, data, len);
    if (result != MESSAGE_MORE) {
        refuse_message(stream, result);
    }
    grpc_streaming_wake(stream);
}

void grpc_request_data(struct grpc_stream *stream, const uint8_t *data, size_t len)
{
    bool is_wanted = stream->call != NULL && stream->refusal == ATLAS_OK && !stream->is_finished;
    if (is_wanted && !stream->is_single_request) {
        parse_list(stream, data, len);
    } else {
        if (is_wanted) {
            parse_single(stream, data, len);
        }
        http2_connection_consume(&stream->connection->http2, stream->id, len);
    }
    if (stream->refusal != ATLAS_OK && !stream->is_started) {
        grpc_response_refuse(stream);
    }
}

void grpc_request_ended(struct grpc_stream *stream)
{
    stream->is_request_ended = true;
    if (stream->call == NULL || stream->is_finished) {
        return;
    }
    if (!message_parser_is_idle(stream->is_single_request ? &stream->parser
                                                          : &stream->incoming.parser)) {
        refuse(stream, ATLAS_INTERNAL, "the request ended inside of a message");
    } else if (stream->is_single_request && stream->messages != 1) {
        refuse(stream, ATLAS_UNIMPLEMENTED, "this method takes exactly one message, none came");
    }
    if (!stream->is_single_request) {
        grpc_streaming_wake(stream);
    } else if (stream->refusal != ATLAS_OK) {
        grpc_response_refuse(stream);
    } else {
        grpc_stream_add_ready(stream);
    }
}

void grpc_request_late(struct grpc_stream *stream)
{
    if (stream->has_headers && !stream->is_ready_queued && !stream->is_answered) {
        refuse(stream, ATLAS_DEADLINE_EXCEEDED,
               "the request did not arrive within grpc.body_timeout");
        grpc_response_refuse(stream);
    } else {
        nghttp2_submit_rst_stream(stream->connection->http2.session, NGHTTP2_FLAG_NONE, stream->id,
                                  NGHTTP2_CANCEL);
    }
}
