/*
 * One call of the client, from its request to its status: who holds it, and how it ends. Private to
 * services/grpc. All functions are called on the stream's loop, and none waits.
 */
#ifndef SERVICES_GRPC_CLIENT_STREAM_H
#define SERVICES_GRPC_CLIENT_STREAM_H

#include "services/grpc/grpc_client_state.h"

/* Held by the caller until release. NULL: out of memory. */
struct grpc_client_stream *grpc_client_stream_create(struct grpc_client_loop *loop,
                                                     struct grpc_target *target, struct call *call);

/* The caller lets go; a stream that is not complete is reset. */
void grpc_client_stream_release(struct grpc_client_stream *stream);

/* Into and out of the queue of a channel; the latter does nothing if it is in none. */
void grpc_client_stream_enqueue(struct grpc_client_stream *stream, struct grpc_channel *channel);
void grpc_client_stream_dequeue(struct grpc_client_stream *stream);

/* Into and out of the list of the connection that it was submitted to. */
void grpc_client_stream_attach(struct grpc_client_stream *stream,
                               struct grpc_client_connection *connection);
void grpc_client_stream_detach(struct grpc_client_stream *stream);

/* After dequeue or detach, when it will not be queued again: freed, unless the caller holds it. */
void grpc_client_stream_unlink(struct grpc_client_stream *stream);

/* The status is known; the first one counts. Wakes the caller. */
__attribute__((format(printf, 3, 4))) void
grpc_client_stream_complete(struct grpc_client_stream *stream, atlas_status_t status,
                            const char *format, ...);

/* Opens the window of a stream by so many bytes. */
void grpc_client_stream_consume(struct grpc_client_stream *stream, size_t len);

/* recv of a stream waits for what may have come now. */
void grpc_client_stream_wake(struct grpc_client_stream *stream);

#endif
