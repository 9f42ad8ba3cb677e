/* HTTP/2 sessions of the client: requests out, answers in, and the end of connections. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/http2/binary_header.h"
#include "base/http2/grpc_timeout.h"
#include "runtime/trace.h"
#include "runtime/wait.h"
#include "services/grpc_client_stream.h"

#define NO_COPY (NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE)
#define NV(name, value)                                                                            \
    {                                                                                              \
        (uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), sizeof(name) - 1,             \
            sizeof(value) - 1, NO_COPY                                                             \
    }

/* Fields beside the caller's metadata. */
#define FIXED_FIELDS 10
#define SMALL_FIELDS 20

static struct grpc_client_connection *connection_of(void *user_data)
{
    return user_data; /* the session's user data is its http2_connection, our first member */
}

static struct grpc_client_stream *stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    (void)user_data;
    struct grpc_client_stream *stream = stream_of(session, frame->hd.stream_id);
    if (stream != NULL) {
        grpc_client_response_begin(stream);
    }
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user_data)
{
    (void)flags;
    (void)user_data;
    struct grpc_client_stream *stream = stream_of(session, frame->hd.stream_id);
    if (stream != NULL) {
        grpc_client_response_header(stream, (const char *)name, name_len, (const char *)value,
                                    value_len);
    }
    return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t stream_id,
                         const uint8_t *data, size_t len, void *user_data)
{
    (void)flags;
    struct grpc_client_stream *stream = stream_of(session, stream_id);
    if (stream != NULL) {
        grpc_client_response_data(stream, data, len);
    } else {
        http2_connection_consume(user_data, stream_id, len);
    }
    return 0;
}

static void received_for_connection(struct grpc_client_connection *connection,
                                    const nghttp2_frame *frame)
{
    struct grpc_channel *channel = connection->channel;
    if (channel == NULL) {
        return;
    }
    if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
        grpc_channel_ready(channel);
        grpc_channel_pump(channel);
    } else if (frame->hd.type == NGHTTP2_GOAWAY) {
        grpc_channel_leave(channel, "the server is going away");
    }
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct grpc_client_connection *connection = connection_of(user_data);
    http2_connection_on_frame_recv(&connection->http2, frame);
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) {
        received_for_connection(connection, frame);
        return 0;
    }
    struct grpc_client_stream *stream = stream_of(session, frame->hd.stream_id);
    if (stream == NULL) {
        return 0;
    }
    bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS) {
        grpc_client_response_headers_complete(stream, is_end);
    }
    if (is_end) {
        grpc_client_response_ended(stream);
        if (!stream->is_ended || !outgoing_is_empty(&stream->outgoing)) {
            nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
        }
    }
    return 0;
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    http2_connection_on_frame_send(user_data, frame);
    if (frame->hd.type == NGHTTP2_HEADERS) {
        struct grpc_client_stream *stream = stream_of(session, frame->hd.stream_id);
        if (stream != NULL) {
            stream->is_sent = true;
        }
    }
    return 0;
}

static void unlink_stream(struct grpc_client_connection *connection,
                          struct grpc_client_stream *stream)
{
    *stream->link = stream->next;
    if (stream->next != NULL) {
        stream->next->link = stream->link;
    }
    stream->connection = NULL;
    connection->stream_count--;
}

static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code,
                           void *user_data)
{
    struct grpc_client_connection *connection = connection_of(user_data);
    struct grpc_client_stream *stream = stream_of(session, stream_id);
    if (stream == NULL) {
        return 0;
    }
    nghttp2_session_set_stream_user_data(session, stream_id, NULL);
    nghttp2_session_consume_connection(session, incoming_consume_all(&stream->incoming));
    unlink_stream(connection, stream);
    grpc_client_stream_closed(stream, error_code, false);
    if (connection->channel != NULL) {
        grpc_channel_pump(connection->channel);
    }
    return 0;
}

nghttp2_session_callbacks *grpc_client_session_callbacks(void)
{
    nghttp2_session_callbacks *callbacks;
    if (nghttp2_session_callbacks_new(&callbacks) != 0) {
        return NULL;
    }
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    return callbacks;
}

static void grpc_client_connection_on_ready(struct http2_connection *http2)
{
    (void)http2; /* callers were woken one by one, and run later in this pass */
}

static void grpc_client_connection_on_closed(struct http2_connection *http2, const char *reason)
{
    struct grpc_client_connection *connection = connection_of(http2);
    if (connection->channel != NULL) {
        grpc_channel_leave(connection->channel, reason);
    }
    struct grpc_client_stream *stream;
    while ((stream = connection->streams) != NULL) {
        unlink_stream(connection, stream);
        grpc_client_stream_closed(stream, NGHTTP2_NO_ERROR, true);
    }
    http2_connection_finish(http2);
    *connection->link = connection->next;
    if (connection->next != NULL) {
        connection->next->link = connection->link;
    }
    free(connection);
}

static const struct http2_owner owner = {
    .ready = grpc_client_connection_on_ready,
    .closed = grpc_client_connection_on_closed,
};

struct grpc_client_connection *grpc_client_connection_open(struct grpc_channel *channel, int fd)
{
    struct grpc_client_loop *loop = channel->target->loop;
    struct grpc_client_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        close(fd);
        return NULL;
    }
    connection->loop = loop;
    connection->channel = channel;
    connection->http2.owner = &owner;
    connection->http2.limits = &loop->client->options.limits;
    connection->http2.scratch = loop->scratch;
    if (http2_connection_open(&connection->http2, loop->worker->loop, fd, false,
                              loop->client->callbacks, loop->client->session_options) != ATLAS_OK) {
        free(connection);
        return NULL;
    }
    connection->next = loop->connections;
    connection->link = &loop->connections;
    if (connection->next != NULL) {
        connection->next->link = &connection->next;
    }
    loop->connections = connection;
    return connection;
}

struct fields {
    nghttp2_nv small[SMALL_FIELDS];
    nghttp2_nv *items;
    size_t count;
    char timeout[GRPC_TIMEOUT_SIZE];
};

/* nghttp2 copies the value. */
static void add(struct fields *fields, const char *name, const void *value, size_t len)
{
    fields->items[fields->count++] =
        (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), len,
                     NGHTTP2_NV_FLAG_NO_COPY_NAME};
}

static bool begin_fields(struct fields *fields, struct grpc_client_stream *stream)
{
    size_t count = stream->metadata_count + FIXED_FIELDS;
    fields->count = 0;
    fields->items = fields->small;
    if (count > SMALL_FIELDS) {
        fields->items = arena_alloc(&stream->call->arena, count * sizeof *fields->items);
    }
    return fields->items != NULL;
}

static void add_timeout(struct fields *fields, const struct grpc_client_stream *stream)
{
    if (stream->deadline_ns != INT64_MAX) {
        int64_t left_ns = stream->deadline_ns - clock_monotonic_ns();
        size_t len = grpc_timeout_format(left_ns, fields->timeout);
        add(fields, "grpc-timeout", fields->timeout, len);
    }
}

static void add_context(struct fields *fields, struct call *call)
{
    struct atlas_bytes trace = trace_format(&call->trace, &call->arena);
    if (trace.len > 0) {
        add(fields, "traceparent", trace.data, trace.len);
    }
    if (call->identity.len > 0) {
        add(fields, "atlas-identity", call->identity.data, call->identity.len);
    }
}

static void add_metadata(struct fields *fields, struct call *call,
                         const struct atlas_metadata *entry)
{
    struct atlas_bytes value = entry->value;
    if (binary_header_is_name(entry->name.data, entry->name.len)) {
        char *text = arena_alloc(&call->arena, BINARY_HEADER_ENCODED_SIZE(value.len) + 1);
        if (text == NULL) {
            return;
        }
        value.len = binary_header_encode(value.data, value.len, text);
        value.data = text;
    }
    fields->items[fields->count++] =
        (nghttp2_nv){(uint8_t *)(uintptr_t)entry->name.data, (uint8_t *)(uintptr_t)value.data,
                     entry->name.len, value.len, NGHTTP2_NV_FLAG_NONE};
}

static bool make_fields(struct fields *fields, struct grpc_client_stream *stream)
{
    static const nghttp2_nv method = NV(":method", "POST");
    static const nghttp2_nv scheme = NV(":scheme", "http");
    static const nghttp2_nv te = NV("te", "trailers");
    static const nghttp2_nv content_type = NV("content-type", "application/grpc");
    static const nghttp2_nv user_agent = NV("user-agent", "grpc-c-atlas/1");
    if (!begin_fields(fields, stream)) {
        return false;
    }
    fields->items[fields->count++] = method;
    fields->items[fields->count++] = scheme;
    add(fields, ":path", stream->path, strlen(stream->path));
    add(fields, ":authority", stream->target->name, strlen(stream->target->name));
    add_timeout(fields, stream);
    fields->items[fields->count++] = te;
    fields->items[fields->count++] = content_type;
    fields->items[fields->count++] = user_agent;
    add_context(fields, stream->call);
    for (size_t i = 0; i < stream->metadata_count; i++) {
        add_metadata(fields, stream->call, &stream->metadata[i]);
    }
    return true;
}

static ssize_t read_data(nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t room,
                         uint32_t *data_flags, nghttp2_data_source *source, void *user_data)
{
    (void)session;
    (void)stream_id;
    (void)user_data;
    struct grpc_client_stream *stream = source->ptr;
    size_t used = outgoing_read(&stream->outgoing, buffer, room);
    if (stream->send_wait != NULL) {
        wait_complete(stream->send_wait);
    }
    if (outgoing_is_empty(&stream->outgoing) && stream->is_ended) {
        *data_flags |= NGHTTP2_DATA_FLAG_EOF;
    } else if (used == 0) {
        return NGHTTP2_ERR_DEFERRED;
    }
    return (ssize_t)used;
}

bool grpc_client_connection_submit(struct grpc_client_connection *connection,
                                   struct grpc_client_stream *stream)
{
    struct fields fields;
    nghttp2_data_provider provider = {.source = {.ptr = stream}, .read_callback = read_data};
    if (!make_fields(&fields, stream)) {
        return false;
    }
    int32_t id = nghttp2_submit_request(connection->http2.session, NULL, fields.items, fields.count,
                                        &provider, stream);
    if (id < 0) {
        return false;
    }
    stream->id = id;
    stream->connection = connection;
    stream->next = connection->streams;
    stream->link = &connection->streams;
    if (stream->next != NULL) {
        stream->next->link = &stream->next;
    }
    connection->streams = stream;
    connection->stream_count++;
    http2_connection_flush(&connection->http2);
    return true;
}
