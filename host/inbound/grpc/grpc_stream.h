/* One stream of the server: a request on its way in, its call, the answer on its way out. On its
 * loop. */
#ifndef INBOUND_GRPC_STREAM_H
#define INBOUND_GRPC_STREAM_H

#include "inbound/grpc/grpc_state.h"

/* How the calls of streams reach their callers. */
extern const struct call_operations grpc_unary_operations;
extern const struct call_operations grpc_streaming_operations;

/* NULL without memory. */
struct grpc_stream *grpc_stream_create(struct grpc_connection *connection, int32_t id);

/* Queues it to be started when the session has taken what was read. */
void grpc_stream_add_ready(struct grpc_stream *stream);

/* Runs the handler. Outside of nghttp2's callbacks. */
void grpc_stream_start(struct grpc_stream *stream);

/* HTTP/2 has closed it. */
void grpc_stream_close(struct grpc_stream *stream);

/* The connection has gone. */
void grpc_stream_abandon(struct grpc_stream *stream);

#endif
