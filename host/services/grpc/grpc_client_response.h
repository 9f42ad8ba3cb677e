/*
 * What the server answers: header lists, messages, and the status that they amount to. Called from
 * nghttp2's callbacks, in this order, begin to headers_complete once for each header list. Private
 * to services/grpc.
 */
#ifndef SERVICES_GRPC_CLIENT_RESPONSE_H
#define SERVICES_GRPC_CLIENT_RESPONSE_H

#include "services/grpc/grpc_client_state.h"

/* A header list; is_end: no messages follow. Nothing is kept of what is passed. */
void grpc_client_response_begin(struct grpc_client_stream *stream);
void grpc_client_response_header(struct grpc_client_stream *stream, const char *name,
                                 size_t name_len, const char *value, size_t value_len);
void grpc_client_response_headers_complete(struct grpc_client_stream *stream, bool is_end);
/* Bytes of messages, and the end of the stream: the status is final then. */
void grpc_client_response_data(struct grpc_client_stream *stream, const uint8_t *data, size_t len);
void grpc_client_response_ended(struct grpc_client_stream *stream);

#endif
