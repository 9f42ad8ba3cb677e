/* Connections of the server: nghttp2's callbacks, the start of calls, and the way to the end. */
#include "inbound/grpc/grpc_connection.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "inbound/grpc/grpc_request.h"
#include "inbound/grpc/grpc_stream.h"

#define HEADER_OVERHEAD 32 /* of one field in the size of a list (RFC 9113 6.5.2) */
#define HEADER_PATIENCE 4  /* times the limit: until there the call gets a status that says why */

static const uint8_t drain_ping[8] = "atlas-go";

static struct grpc_connection *connection_of(void *user_data)
{
    return user_data; /* the session's user data is its http2_connection, our first member */
}

static void grpc_connection_on_ready(struct http2_connection *http2)
{
    struct grpc_connection *connection = connection_of(http2);
    struct grpc_stream *stream;
    while ((stream = connection->ready) != NULL && !http2_connection_is_full(http2)) {
        connection->ready = stream->next_ready;
        if (connection->ready == NULL) {
            connection->ready_tail = &connection->ready;
        }
        stream->is_ready_queued = false;
        if (!stream->is_finished) { /* else it was refused while it waited, and is answered */
            grpc_stream_start(stream);
        }
    }
}

static void grpc_connection_on_closed(struct http2_connection *http2, const char *reason)
{
    struct grpc_connection *connection = connection_of(http2);
    log_debug("grpc connection closed", LOG_TEXT("address", connection->listener->address),
              LOG_TEXT("reason", reason));
    for (struct grpc_stream *stream = connection->streams, *next; stream != NULL; stream = next) {
        next = stream->next;
        grpc_stream_abandon(stream);
    }
    http2_connection_finish(http2);
    *connection->link = connection->next;
    if (connection->next != NULL) {
        connection->next->link = connection->link;
    }
    grpc_loop_uncount(connection->loop, connection->listener);
    free(connection);
}

static const struct http2_owner owner = {
    .ready = grpc_connection_on_ready,
    .closed = grpc_connection_on_closed,
};

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct grpc_connection *connection = connection_of(user_data);
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        return 0;
    }
    /* Handlers whose streams were reset still cost: a peer cannot get more of them by resetting. */
    bool is_full = connection->calls_running >= connection->http2.limits->streams;
    struct grpc_stream *stream =
        is_full ? NULL : grpc_stream_create(connection, frame->hd.stream_id);
    if (stream == NULL) {
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                  NGHTTP2_REFUSED_STREAM);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* its headers are of no interest */
    }
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
    return 0;
}

/* References to one long field of HPACK's table cost a byte each to send, and us its whole length:
 * who goes far beyond the limit that our SETTINGS name is not listened to. */
static int refuse_bomb(nghttp2_session *session, int32_t stream_id)
{
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream_id, NGHTTP2_ENHANCE_YOUR_CALM);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user_data)
{
    (void)flags;
    struct grpc_connection *connection = connection_of(user_data);
    struct grpc_stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (stream == NULL) {
        return 0;
    }
    stream->header_bytes += name_len + value_len + HEADER_OVERHEAD;
    if (stream->header_bytes > connection->http2.limits->header_limit * HEADER_PATIENCE) {
        return refuse_bomb(session, frame->hd.stream_id);
    }
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        grpc_request_header(stream, (const char *)name, name_len, (const char *)value, value_len);
    }
    return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t stream_id,
                         const uint8_t *data, size_t len, void *user_data)
{
    (void)flags;
    struct grpc_stream *stream = nghttp2_session_get_stream_user_data(session, stream_id);
    if (stream != NULL) {
        grpc_request_data(stream, data, len);
    } else {
        http2_connection_consume(user_data, stream_id, len);
    }
    return 0;
}

/* The second step of a drain: the peer has answered, so it knows that no stream may be new. */
static void finish_notice(struct grpc_connection *connection)
{
    nghttp2_session *session = connection->http2.session;
    connection->drain = GRPC_DRAINING;
    nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session), NGHTTP2_NO_ERROR, NULL,
                          0);
    http2_connection_flush(&connection->http2);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct grpc_connection *connection = connection_of(user_data);
    http2_connection_on_frame_recv(&connection->http2, frame);
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 &&
        connection->drain == GRPC_NOTICED &&
        memcmp(frame->ping.opaque_data, drain_ping, sizeof drain_ping) == 0) {
        finish_notice(connection);
    }
    if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR) {
        metrics_add(connection->loop->metrics.peer_resets, 1);
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) {
        return 0;
    }
    struct grpc_stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (stream == NULL) {
        return 0;
    }
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        grpc_request_headers_complete(stream);
    }
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        grpc_request_ended(stream);
    }
    return 0;
}

/* The status is out while the peer may still be sending: it may stop. Sooner, the reset would
 * overtake the trailers. */
static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    http2_connection_on_frame_send(user_data, frame);
    if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR) {
        metrics_add(connection_of(user_data)->loop->metrics.own_resets, 1);
    }
    if (frame->hd.type == NGHTTP2_HEADERS && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        struct grpc_stream *stream =
            nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
        if (stream != NULL && !stream->is_request_ended) {
            nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                      NGHTTP2_NO_ERROR);
        }
    }
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code,
                           void *user_data)
{
    (void)error_code;
    (void)user_data;
    struct grpc_stream *stream = nghttp2_session_get_stream_user_data(session, stream_id);
    if (stream != NULL) {
        nghttp2_session_set_stream_user_data(session, stream_id, NULL);
        grpc_stream_close(stream);
    }
    return 0; /* anything else would leak (CVE-2023-35945) */
}

nghttp2_session_callbacks *grpc_connection_callbacks(void)
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

static void link_connection(struct grpc_loop *loop, struct grpc_connection *connection)
{
    connection->next = loop->connections;
    connection->link = &loop->connections;
    if (connection->next != NULL) {
        connection->next->link = &connection->next;
    }
    loop->connections = connection;
}

void grpc_connection_open(struct grpc_loop *loop, struct grpc_listener *listener, int fd)
{
    struct grpc_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        evutil_closesocket(fd);
        grpc_loop_uncount(loop, listener);
        return;
    }
    connection->loop = loop;
    connection->listener = listener;
    connection->ready_tail = &connection->ready;
    connection->last_stream_ns = clock_monotonic_ns();
    connection->http2.owner = &owner;
    connection->http2.limits = &loop->shared->limits;
    connection->http2.scratch = loop->scratch;
    if (http2_connection_open(&connection->http2, loop_current(), fd, true, loop->shared->callbacks,
                              loop->shared->options) != ATLAS_OK) {
        free(connection);
        grpc_loop_uncount(loop, listener);
        return;
    }
    link_connection(loop, connection);
    if (loop->is_draining || listener->is_leaving) {
        grpc_connection_drain(connection);
    }
}

void grpc_connection_drain(struct grpc_connection *connection)
{
    if (connection->drain != GRPC_SERVING) {
        return;
    }
    connection->drain = GRPC_NOTICED;
    connection->drain_ns = clock_monotonic_ns();
    nghttp2_submit_shutdown_notice(connection->http2.session);
    nghttp2_submit_ping(connection->http2.session, NGHTTP2_FLAG_NONE, drain_ping);
    http2_connection_flush(&connection->http2);
}

/* Requests whose messages do not arrive hold memory and a place. */
static void end_slow_requests(struct grpc_connection *connection, int64_t now_ns)
{
    int64_t limit_ns = connection->http2.limits->body_timeout_ms * NS_PER_MS;
    for (struct grpc_stream *stream = connection->streams; stream != NULL; stream = stream->next) {
        if (stream->opened_ns == 0) {
            stream->opened_ns = now_ns;
        } else if (!stream->is_started && !stream->is_closed &&
                   now_ns - stream->opened_ns >= limit_ns) {
            grpc_request_late(stream);
            http2_connection_flush(&connection->http2);
        }
    }
}

void grpc_connection_tick(struct grpc_connection *connection, int64_t now_ns)
{
    int64_t idle_ms = connection->http2.limits->idle_timeout_ms;
    end_slow_requests(connection, now_ns);
    if (connection->streams != NULL) {
        connection->last_stream_ns = now_ns;
    } else if (idle_ms > 0 && now_ns - connection->last_stream_ns >= idle_ms * NS_PER_MS) {
        grpc_connection_drain(connection);
    }
    if (connection->drain == GRPC_NOTICED && now_ns - connection->drain_ns >= NS_PER_S) {
        finish_notice(connection);
    }
    http2_connection_tick(&connection->http2, now_ns);
}
