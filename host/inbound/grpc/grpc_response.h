/* The answer of a stream. On its loop, outside of nghttp2's callbacks but for refuse. */
#ifndef INBOUND_GRPC_RESPONSE_H
#define INBOUND_GRPC_RESPONSE_H

#include "inbound/grpc/grpc_state.h"

/* What the refusal says, without a handler. */
void grpc_response_refuse(struct grpc_stream *stream);

/* HEADERS, and DATA as it comes. */
void grpc_response_begin(struct grpc_stream *stream);

/* Status, reply and trailers: the handler has returned. */
void grpc_response_finish(struct grpc_stream *stream);

#endif
