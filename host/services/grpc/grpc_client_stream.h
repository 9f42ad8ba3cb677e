/* One call of the client, from its request to its status. Private to the gRPC client. */
#ifndef SERVICES_GRPC_CLIENT_STREAM_H
#define SERVICES_GRPC_CLIENT_STREAM_H

#include "atlas/client.h"
#include "base/http2/incoming.h"
#include "base/http2/outgoing.h"
#include "runtime/call.h"
#include "services/grpc/grpc_channel.h"

/*
 * A stream is held from two sides: by the caller (call is not NULL) and by the queue of a channel
 * or a connection. It is freed when both have let go.
 */
struct grpc_client_stream {
    struct grpc_client_loop *loop;
    struct grpc_channel *channel;              /* NULL or the one whose queue it is in */
    struct grpc_client_connection *connection; /* NULL or the one it was submitted to */
    struct grpc_client_stream *next;
    struct grpc_client_stream **link; /* in a connection's list */
    struct grpc_target *target;
    int32_t id;

    /* The request. */
    struct call *call;
    const char *path;
    const struct atlas_metadata *metadata;
    size_t metadata_count;
    int64_t deadline_ns;
    bool is_unary;
    bool is_ended;   /* no more messages follow */
    bool is_sent;    /* its HEADERS have been handed to the socket */
    bool is_retried; /* the one repetition of what was refused is used up */
    struct outgoing outgoing;
    struct outgoing_message request; /* of a unary call */
    struct atlas_bytes request_body;

    /* The answer. */
    bool has_status;  /* grpc-status came in the header list at hand */
    bool is_grpc;     /* content-type */
    bool is_complete; /* status is final */
    int http_status;
    size_t header_bytes;
    atlas_status_t status;
    unsigned replies;
    struct message_parser parser; /* unary */
    struct atlas_bytes reply;     /* unary: in the caller's arena */
    struct incoming incoming;     /* streams */
    struct wait *recv_wait;
    struct wait *send_wait;
    char message[CALL_MESSAGE_SIZE]; /* last: only its first byte is cleared */
};

struct grpc_client_stream *grpc_client_stream_create(struct grpc_client_loop *loop,
                                                     struct grpc_target *target, struct call *call);

/* The caller lets go; a stream that is not complete is reset. */
void grpc_client_stream_release(struct grpc_client_stream *stream);

/* The queue or the connection lets go, after grpc_client_stream_complete or _requeue. */
void grpc_client_stream_unlink(struct grpc_client_stream *stream);

/* The status is known; the first one counts. Wakes the caller. */
__attribute__((format(printf, 3, 4))) void
grpc_client_stream_complete(struct grpc_client_stream *stream, atlas_status_t status,
                            const char *format, ...);

/* HTTP/2 has closed it with this code, or (is_lost) its connection has broken. Repeats what the
 * server has certainly not processed. */
void grpc_client_stream_closed(struct grpc_client_stream *stream, uint32_t error_code,
                               bool is_lost);

/* Sends it on the best channel of its target, or queues it; completes it when neither is possible.
 */
void grpc_client_stream_start(struct grpc_client_stream *stream);

/* What the server sent (grpc_client_response.c), from nghttp2's callbacks. */
void grpc_client_response_begin(struct grpc_client_stream *stream);
void grpc_client_response_header(struct grpc_client_stream *stream, const char *name,
                                 size_t name_len, const char *value, size_t value_len);
void grpc_client_response_headers_complete(struct grpc_client_stream *stream, bool is_end);
void grpc_client_response_data(struct grpc_client_stream *stream, const uint8_t *data, size_t len);
void grpc_client_response_ended(struct grpc_client_stream *stream);

/* Opens the window of a stream by so many bytes. */
void grpc_client_stream_consume(struct grpc_client_stream *stream, size_t len);

/* recv of a stream waits for what may have come now. */
void grpc_client_stream_wake(struct grpc_client_stream *stream);

/* Streaming calls (grpc_client_streaming.c), for struct remote_transport. */
atlas_status_t grpc_client_streaming_send(void *stream, struct call *call,
                                          struct atlas_bytes message);
atlas_status_t grpc_client_streaming_half_close(void *stream, struct call *call);
atlas_status_t grpc_client_streaming_recv(void *stream, struct call *call,
                                          struct atlas_bytes *ret_message);
void grpc_client_streaming_close(void *stream, struct call *call);

#endif
