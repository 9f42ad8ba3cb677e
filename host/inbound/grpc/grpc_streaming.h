/* recv and send of streaming methods, and how they lean on HTTP/2's flow control. On the loop. */
#ifndef INBOUND_GRPC_STREAMING_H
#define INBOUND_GRPC_STREAMING_H

#include "atlas/abi.h"
#include "inbound/grpc/grpc_state.h"

/* As in struct call_operations. [waits] */
atlas_status_t grpc_streaming_recv(struct call *call, struct atlas_bytes *ret_message);
atlas_status_t grpc_streaming_send(struct call *call, struct atlas_bytes message);

/* Something has changed that recv or send may wait for. */
void grpc_streaming_wake(struct grpc_stream *stream);

/* The stream has closed: its window goes with it, the connection's would leak. */
void grpc_streaming_return_window(struct grpc_stream *stream);

#endif
