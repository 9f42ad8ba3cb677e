#include "services/grpc/grpc_client_session.h"

#include <stdlib.h>
#include <unistd.h>

#include "services/grpc/grpc_client_response.h"
#include "services/grpc/grpc_client_stream.h"

static struct grpc_client_connection *connection_of(void *user_data)
{
    return user_data; /* the session's user data is its http2_connection, our first member */
}

static const struct grpc_client_events *events_of(const struct grpc_client_connection *connection)
{
    return connection->loop->client->events;
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
        events_of(connection)->ready(channel);
        events_of(connection)->room(channel);
    } else if (frame->hd.type == NGHTTP2_GOAWAY) {
        events_of(connection)->leaving(channel, "the server is going away");
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

/* The stream closes next, as one that was refused and may be repeated: it would not fit then
 * either. */
static int on_frame_not_send(nghttp2_session *session, const nghttp2_frame *frame, int error_code,
                             void *user_data)
{
    (void)user_data;
    struct grpc_client_stream *stream = stream_of(session, frame->hd.stream_id);
    if (stream != NULL && frame->hd.type == NGHTTP2_HEADERS &&
        error_code == NGHTTP2_ERR_FRAME_SIZE_ERROR) {
        grpc_client_stream_complete(stream, ATLAS_RESOURCE_EXHAUSTED,
                                    "%s: the headers of the request are too large to be sent",
                                    stream->target->name);
    }
    return 0;
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
    grpc_client_stream_detach(stream);
    events_of(connection)->stream_closed(stream, error_code, false);
    if (connection->channel != NULL) {
        events_of(connection)->room(connection->channel);
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
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_send);
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
        events_of(connection)->leaving(connection->channel, reason);
    }
    struct grpc_client_stream *stream;
    while ((stream = connection->streams) != NULL) {
        grpc_client_stream_detach(stream);
        events_of(connection)->stream_closed(stream, NGHTTP2_NO_ERROR, true);
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

struct grpc_client_connection *grpc_client_session_open(struct grpc_channel *channel, int fd)
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
