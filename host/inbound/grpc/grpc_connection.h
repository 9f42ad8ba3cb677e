/* One gRPC connection of the server: frames in, frames out. On its loop. */
#ifndef INBOUND_GRPC_CONNECTION_H
#define INBOUND_GRPC_CONNECTION_H

#include "inbound/grpc/grpc_state.h"

/* Takes over an accepted socket, which is counted. */
void grpc_connection_open(struct grpc_loop *loop, struct grpc_listener *listener, int fd);

/* Tells the peer to go. */
void grpc_connection_drain(struct grpc_connection *connection);

/* Time passes. */
void grpc_connection_tick(struct grpc_connection *connection, int64_t now_ns);

/* The callbacks of all sessions; made once. NULL: out of memory. Any thread. */
nghttp2_session_callbacks *grpc_connection_callbacks(void);

#endif
