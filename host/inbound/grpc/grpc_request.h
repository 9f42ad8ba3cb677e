/* The request of a stream: headers are checked as they come, messages go where the call wants them.
 * From nghttp2's callbacks: it marks, and nothing is started. */
#ifndef INBOUND_GRPC_REQUEST_H
#define INBOUND_GRPC_REQUEST_H

#include "inbound/grpc/grpc_state.h"

/* One header of the request, and the end of them; then DATA as it comes. Nothing is kept of what is
 * passed. */
void grpc_request_header(struct grpc_stream *stream, const char *name, size_t name_len,
                         const char *value, size_t value_len);
void grpc_request_headers_complete(struct grpc_stream *stream);
void grpc_request_data(struct grpc_stream *stream, const uint8_t *data, size_t len);
void grpc_request_ended(struct grpc_stream *stream);

/* It has not arrived in time, and ends: with a status as long as one can be sent; a peer that does
 * not take that is reset when it is called again. Not from nghttp2's callbacks. */
void grpc_request_late(struct grpc_stream *stream);

#endif
