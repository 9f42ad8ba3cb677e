/* Streams of the client as the caller's fiber sees them. Private to services/grpc. */
#ifndef SERVICES_GRPC_CLIENT_STREAMING_H
#define SERVICES_GRPC_CLIENT_STREAMING_H

#include "services/grpc/grpc_client_state.h"

/* As struct remote_transport has them; stream is a struct grpc_client_stream. */
atlas_status_t grpc_client_streaming_send(void *stream, struct call *call,
                                          struct atlas_bytes message);
atlas_status_t grpc_client_streaming_half_close(void *stream, struct call *call);
atlas_status_t grpc_client_streaming_recv(void *stream, struct call *call,
                                          struct atlas_bytes *ret_message);
void grpc_client_streaming_close(void *stream, struct call *call);

#endif
