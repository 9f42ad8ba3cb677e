/* Requests of the client: header lists, and DATA as nghttp2 asks for it. Private to
 * services/grpc. */
#ifndef SERVICES_GRPC_CLIENT_REQUEST_H
#define SERVICES_GRPC_CLIENT_REQUEST_H

#include "services/grpc/grpc_client_state.h"

/* Sends the request of a stream; the connection then holds the stream. False if the session takes
 * none, or the call's memory is used up. On the loop; does not wait. */
bool grpc_client_request_submit(struct grpc_client_connection *connection,
                                struct grpc_client_stream *stream);

#endif
