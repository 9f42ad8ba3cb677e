/* What a connection does against silence and abuse: keepalive, time limits, floods. */
#include "base/clock.h"
#include "base/http2/http2_connection.h"

#define LINGER_NS (2 * NS_PER_S)

/* Only a server is strict: answers to its own PINGs are not counted, and DATA or HEADERS make up
 * for a PING. */
static void count_ping(struct http2_connection *connection)
{
    int64_t now_ns = clock_monotonic_ns();
    const struct grpc_limits *limits = connection->limits;
    bool is_early =
        connection->last_ping_received_ns != 0 &&
        now_ns - connection->last_ping_received_ns < limits->ping_interval_ms * NS_PER_MS;
    connection->last_ping_received_ns = now_ns;
    if (is_early && connection->is_server && ++connection->strikes > limits->ping_strikes) {
        static const uint8_t text[] = "too_many_pings";
        nghttp2_submit_goaway(connection->session, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(connection->session),
                              NGHTTP2_ENHANCE_YOUR_CALM, text, sizeof text - 1);
        http2_connection_terminate(connection, NGHTTP2_ENHANCE_YOUR_CALM);
    }
}

static bool is_control(const nghttp2_frame *frame)
{
    return (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) ||
           (frame->hd.length == 0 && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0);
}

void http2_connection_on_frame_recv(struct http2_connection *connection, const nghttp2_frame *frame)
{
    if (is_control(frame) && ++connection->control_frames > connection->limits->control_frames) {
        http2_connection_terminate(connection, NGHTTP2_ENHANCE_YOUR_CALM);
        return;
    }
    bool is_ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    if (frame->hd.type == NGHTTP2_SETTINGS && !is_ack) {
        connection->is_ready = true;
    } else if (frame->hd.type == NGHTTP2_PING && is_ack) {
        connection->is_ping_out = false;
    } else if (frame->hd.type == NGHTTP2_PING) {
        count_ping(connection);
    }
}

void http2_connection_on_frame_send(struct http2_connection *connection, const nghttp2_frame *frame)
{
    if (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) {
        connection->strikes = 0;
        connection->last_ping_received_ns = 0;
    } else if (frame->hd.type == NGHTTP2_RST_STREAM && connection->is_server &&
               frame->rst_stream.error_code != NGHTTP2_NO_ERROR) {
        /* A peer that makes us reset its streams is as costly as one that resets them itself. */
        connection->resets_left -= 1;
        if (connection->resets_left < 0) {
            nghttp2_session_terminate_session(connection->session, NGHTTP2_ENHANCE_YOUR_CALM);
        }
    }
}

static void keep_alive(struct http2_connection *connection, int64_t now_ns)
{
    const struct grpc_limits *limits = connection->limits;
    if (limits->keepalive_interval_ms == 0) {
        return;
    }
    if (connection->is_ping_out &&
        now_ns - connection->ping_ns >= limits->keepalive_timeout_ms * NS_PER_MS) {
        http2_connection_fail(connection, "no answer to keepalive");
    } else if (!connection->is_ping_out &&
               now_ns - connection->last_read_ns >= limits->keepalive_interval_ms * NS_PER_MS) {
        connection->is_ping_out = true;
        connection->ping_ns = now_ns;
        nghttp2_submit_ping(connection->session, NGHTTP2_FLAG_NONE, NULL);
        http2_connection_flush(connection);
    }
}

static void refill(struct http2_connection *connection)
{
    const struct grpc_limits *limits = connection->limits;
    connection->control_frames = 0;
    connection->resets_left += limits->resets;
    if (connection->resets_left > limits->reset_burst) {
        connection->resets_left = limits->reset_burst;
    }
}

void http2_connection_tick(struct http2_connection *connection, int64_t now_ns)
{
    const struct grpc_limits *limits = connection->limits;
    refill(connection);
    if (connection->has_read) {
        connection->has_read = false;
        connection->last_read_ns = now_ns;
        connection->is_ping_out = false; /* any byte shows that the peer is there */
    }
    if (connection->is_lingering) {
        if (now_ns - connection->linger_ns >= LINGER_NS) {
            http2_connection_fail(connection, "closed");
        }
    } else if (!connection->is_ready &&
               now_ns - connection->opened_ns >= limits->handshake_timeout_ms * NS_PER_MS) {
        http2_connection_fail(connection, "no HTTP/2 SETTINGS in time");
    } else if (connection->blocked_ns != 0 &&
               now_ns - connection->blocked_ns >= limits->write_timeout_ms * NS_PER_MS) {
        http2_connection_fail(connection, "the peer does not read");
    } else {
        keep_alive(connection, now_ns);
    }
}
