/*
 * What the parts of the gRPC server share: listeners, loops, connections, streams. Private to
 * inbound/grpc. A stream's way: grpc_listener accepts, grpc_server hands the socket to a loop,
 * grpc_connection reads frames, grpc_request takes them, grpc_stream runs the call, grpc_response
 * and grpc_streaming answer.
 */
#ifndef INBOUND_GRPC_STATE_H
#define INBOUND_GRPC_STATE_H

#include <nghttp2/nghttp2.h>
#include <stdatomic.h>

#include "base/http2/http2_connection.h"
#include "base/http2/incoming.h"
#include "base/http2/limits.h"
#include "base/http2/message_parser.h"
#include "base/http2/outgoing.h"
#include "inbound/grpc/grpc_metrics.h"
#include "inbound/service_names.h"

struct call;
struct grpc_server;
struct grpc_stream;
struct wait;
struct worker;

/* Of all connections of a server; never changes. */
struct grpc_shared {
    struct grpc_limits limits;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
};

struct grpc_listener {
    struct grpc_server *server;
    void (*on_accepted)(struct grpc_listener *listener, int fd); /* of the server */
    struct grpc_listener *next;
    int fd;
    _Atomic(struct service_names *) services; /* of none: all */
    atomic_bool trusts_identity;
    char address[64]; /* "127.0.0.1:50051" */
    struct event accept_event;
    struct event pause_event; /* accepts again after the system ran out of descriptors */
    int64_t pause_told_ns;
    bool is_accepting;
    atomic_bool is_leaving;  /* closed at a reload; its connections are told to go */
    atomic_uint connections; /* with those on their way to their loops */
};

/* Everything in it but connection_count is for its loop only. */
struct grpc_loop {
    const struct grpc_shared *shared;
    atomic_uint *server_connections; /* of all loops */
    struct worker *worker;
    struct grpc_connection *connections;
    struct grpc_stream *free_streams;
    uint8_t *scratch;
    struct grpc_metrics metrics;
    struct event tick_event;
    bool is_ticking;
    bool is_draining;
    atomic_uint connection_count; /* with those on their way to it */
};

enum grpc_drain {
    GRPC_SERVING,
    GRPC_NOTICED,  /* told that GOAWAY will follow; streams still come in */
    GRPC_DRAINING, /* told the last stream that counts */
};

struct grpc_connection {
    struct http2_connection http2; /* first */
    struct grpc_loop *loop;
    struct grpc_listener *listener;
    struct grpc_connection *next;
    struct grpc_connection **link;
    struct grpc_stream *streams;
    struct grpc_stream *ready; /* to be started when the session has taken what was read */
    struct grpc_stream **ready_tail;
    unsigned calls_running; /* handlers, those of streams that were reset too */
    enum grpc_drain drain;
    int64_t drain_ns;       /* of the notice */
    int64_t last_stream_ns; /* when there was a stream last, with the resolution of the ticks */
};

/*
 * A stream ends when both are true: HTTP/2 has closed it (is_closed), and no handler runs for it
 * (call is NULL, not started, or is_finished).
 */
struct grpc_stream {
    struct grpc_connection *connection; /* NULL: the connection has gone */
    struct grpc_loop *loop;
    struct grpc_stream *next;
    struct grpc_stream **link;
    struct grpc_stream *next_ready;
    int32_t id;
    struct call *call; /* made when the path is known and right */

    /* Of the request. */
    bool has_content_type;
    bool has_headers;       /* all of them */
    bool is_unary;          /* one message each way */
    bool is_single_request; /* the call starts when the one message is there */
    bool is_ready_queued;
    bool is_started;
    bool is_request_ended;
    bool is_request_read; /* the single message of a streaming method has been handed out */
    size_t header_bytes;
    unsigned messages;            /* complete ones */
    struct message_parser parser; /* of the single message; else see incoming */
    int64_t opened_ns;

    /* Why there will be no handler, or why its status does not count. */
    atlas_status_t refusal;
    int http_status; /* 0: 200 */
    const char *refusal_message;

    /* Of the answer. */
    bool is_answered; /* its HEADERS are submitted */
    bool is_finished; /* the handler has returned */
    bool is_closed;
    atlas_status_t status;
    unsigned replies;
    struct outgoing outgoing;
    struct outgoing_message reply; /* of a unary call */

    /* Of streaming calls. */
    struct incoming incoming;
    struct wait *recv_wait;
    struct wait *send_wait;
};

/* A connection, or one on its way to its loop, is no more. */
static inline void grpc_loop_uncount(struct grpc_loop *loop, struct grpc_listener *listener)
{
    unsigned left = atomic_fetch_sub(&loop->connection_count, 1) - 1;
    metrics_set(loop->metrics.connections, left);
    atomic_fetch_sub(&listener->connections, 1);
    atomic_fetch_sub(loop->server_connections, 1); /* last: the server may be freed at zero */
}

/* There will be no handler, or its status does not count; the first reason wins. http_status 0:
 * 200. message is static. */
static inline void grpc_stream_refuse(struct grpc_stream *stream, int http_status,
                                      atlas_status_t status, const char *message)
{
    if (stream->refusal == ATLAS_OK) {
        stream->refusal = status;
        stream->http_status = http_status;
        stream->refusal_message = message;
    }
}

#endif
