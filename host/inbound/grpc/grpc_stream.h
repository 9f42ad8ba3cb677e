/* One stream of the server: a request on its way in, its call, the answer on its way out. */
#ifndef INBOUND_GRPC_STREAM_H
#define INBOUND_GRPC_STREAM_H

#include <nghttp2/nghttp2.h>

#include "base/http2/incoming.h"
#include "base/http2/message_parser.h"
#include "base/http2/outgoing.h"
#include "inbound/grpc/grpc_connection.h"
#include "runtime/call.h"
#include "runtime/router.h"

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

/* Life (grpc_stream.c). */
struct grpc_stream *grpc_stream_create(struct grpc_connection *connection, int32_t id);
/* HTTP/2 has closed it. */
void grpc_stream_close(struct grpc_stream *stream);
/* The connection has gone. */
void grpc_stream_abandon(struct grpc_stream *stream);
/* Runs the handler. Outside of nghttp2's callbacks. */
void grpc_stream_start(struct grpc_stream *stream);
/* The handler has returned. */
void grpc_stream_finished(struct call *call);

/* The request (grpc_request.c), from nghttp2's callbacks. */
void grpc_request_header(struct grpc_stream *stream, const char *name, size_t name_len,
                         const char *value, size_t value_len);
void grpc_request_headers_complete(struct grpc_stream *stream);
void grpc_request_data(struct grpc_stream *stream, const uint8_t *data, size_t len);
void grpc_request_ended(struct grpc_stream *stream);
/* There will be no handler, or its status does not count; the first reason wins. message is static.
 */
void grpc_request_refuse(struct grpc_stream *stream, int http_status, atlas_status_t status,
                         const char *message);

/* The answer (grpc_response.c). */
void grpc_response_refuse(struct grpc_stream *stream); /* what refusal says, without a handler */
void grpc_response_begin(struct grpc_stream *stream);  /* HEADERS, and DATA as it comes */
void grpc_response_finish(struct grpc_stream *stream); /* status, reply and trailers */

/* Streaming methods (grpc_streaming.c). */
extern const struct call_operations grpc_unary_operations;
extern const struct call_operations grpc_streaming_operations;
/* Something has changed that recv or send may wait for. */
void grpc_streaming_wake(struct grpc_stream *stream);
/* The stream has closed: its window goes with it, the connection's would leak. */
void grpc_streaming_return_window(struct grpc_stream *stream);

#endif
