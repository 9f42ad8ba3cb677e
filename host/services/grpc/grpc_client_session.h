/* HTTP/2 sessions of the client: what comes in, and the end of connections. Private to
 * services/grpc. */
#ifndef SERVICES_GRPC_CLIENT_SESSION_H
#define SERVICES_GRPC_CLIENT_SESSION_H

#include "services/grpc/grpc_client_state.h"

/* Of all sessions of a client; the caller frees them. NULL: out of memory. */
nghttp2_session_callbacks *grpc_client_session_callbacks(void);

/* Takes over a connected socket, also when it fails. The connection frees itself when it has
 * closed; the channel is told before, by the client's events. NULL: out of memory. On the loop;
 * does not wait. */
struct grpc_client_connection *grpc_client_session_open(struct grpc_channel *channel, int fd);

#endif
