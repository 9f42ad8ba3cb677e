/*
 * One HTTP/2 connection: a socket on a loop and an nghttp2 session. Reads feed the session; what it
 * wants to send goes out in one write per pass of the loop. Server and client embed it.
 *
 *   open -> [reads, flushes] -> fail, or a GOAWAY and the last stream -> owner->closed
 *
 * nghttp2 callbacks must not start calls or end the connection: they mark, and the owner's ready
 * runs when the session has taken all bytes. All functions are for the connection's loop.
 */
#ifndef BASE_HTTP2_HTTP2_CONNECTION_H
#define BASE_HTTP2_HTTP2_CONNECTION_H

#include <event2/event_struct.h>
#include <nghttp2/nghttp2.h>

#include "base/http2/limits.h"
#include "base/loop.h"

struct http2_connection;

/* Scratch memory of one loop for reading and writing: one connection uses it at a time. */
#define HTTP2_SCRATCH_SIZE 131072

struct http2_owner {
    /* The session has taken what was read, or has written something: start what is complete. */
    void (*ready)(struct http2_connection *connection);
    /* The end, once: the socket is closed, the session still there and freed afterwards with
     * http2_connection_finish. reason is static. */
    void (*closed)(struct http2_connection *connection, const char *reason);
};

/* The session's user data is the connection. */
struct http2_connection {
    struct loop *loop;
    const struct grpc_limits *limits;
    const struct http2_owner *owner;
    uint8_t *scratch;
    nghttp2_session *session;
    int fd;
    bool is_server;
    struct event read_event;
    struct event write_event;
    struct loop_task flush_task;
    bool is_flush_queued;
    bool is_read_stopped;
    bool is_ready;     /* the peer's first SETTINGS have come */
    bool is_lingering; /* all said; waiting for the peer to close */
    bool has_read;     /* since the last tick */
    bool is_ping_out;
    const char *failure; /* why it is to end; NULL: it lives */

    size_t queued;   /* bytes of messages that streams have for the peer */
    uint8_t *unsent; /* what the socket did not take */
    size_t unsent_len;
    size_t unsent_at;

    int64_t opened_ns;
    int64_t last_read_ns; /* with the resolution of the ticks */
    int64_t ping_ns;
    int64_t blocked_ns; /* since when writing is blocked; 0: it is not */
    int64_t linger_ns;
    int64_t last_ping_received_ns;
    unsigned strikes;
    unsigned control_frames; /* since the last second */
    double resets_left;      /* RST_STREAM frames that we may still send */
};

/* Starts a session on a connected non-blocking socket, which the connection owns from here, and
 * sends SETTINGS. callbacks and options are borrowed for the call. RESOURCE_EXHAUSTED (the socket
 * is closed then). */
atlas_status_t http2_connection_open(struct http2_connection *connection, struct loop *loop, int fd,
                                     bool is_server, const nghttp2_session_callbacks *callbacks,
                                     const nghttp2_option *options);

/* Frees the session and buffers; the owner frees the struct. */
void http2_connection_finish(struct http2_connection *connection);

/* Makes the options that go with the limits; freed by nghttp2_option_del. NULL: out of memory. */
nghttp2_option *http2_connection_options(const struct grpc_limits *limits);

/* Something was submitted: write at the end of this pass. */
void http2_connection_flush(struct http2_connection *connection);

/* Ends the connection in this pass; reason is static. */
void http2_connection_fail(struct http2_connection *connection, const char *reason);

/* Sends GOAWAY with an error and ends the connection when that is out. */
void http2_connection_terminate(struct http2_connection *connection, uint32_t error_code);

/* Call from on_frame_recv and on_frame_send: keepalive, strikes and floods. */
void http2_connection_on_frame_recv(struct http2_connection *connection,
                                    const nghttp2_frame *frame);
void http2_connection_on_frame_send(struct http2_connection *connection,
                                    const nghttp2_frame *frame);

/* True while more waits for the peer than send_buffer allows: start no more calls. */
bool http2_connection_is_full(const struct http2_connection *connection);

/* Time passes: call about once a second. */
void http2_connection_tick(struct http2_connection *connection, int64_t now_ns);

/* Bytes of DATA are taken: the peer may send as many more. */
void http2_connection_consume(struct http2_connection *connection, int32_t stream_id, size_t len);

#endif
