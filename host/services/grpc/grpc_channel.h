/*
 * A channel: the way to one address from one loop. It holds one connection, makes it again when it
 * breaks, and queues calls while there is none or no stream is free. Private to services/grpc.
 *
 *   RESOLVING -> CONNECTING -> HANDSHAKE -> READY
 *        |           ^ \____________\_______ failure: the next address
 *        |           |____________________/
 *        \_________________________________ failure of the last: BACKOFF -> RESOLVING
 *   READY -> RESOLVING when the connection ends or the peer says GOAWAY
 *         -> BACKOFF if so did the one before it, and neither lasted
 */
#ifndef SERVICES_GRPC_CHANNEL_H
#define SERVICES_GRPC_CHANNEL_H

#include "services/grpc/grpc_client_state.h"

/* All on the channel's loop; none waits. */

/* Prepares a channel of a target and starts to connect. */
void grpc_channel_init(struct grpc_channel *channel, struct grpc_target *target);

/* Connects again at once if nobody wanted it any more. */
void grpc_channel_wake(struct grpc_channel *channel);

/* Ends attempts and timers, for ever; what waits for the channel fails with UNAVAILABLE. */
void grpc_channel_finish(struct grpc_channel *channel);

/* Sends the stream's request now, or when it can be sent. UNAVAILABLE when the channel waits
 * before it connects again, RESOURCE_EXHAUSTED when the queue is full; ret_reason is then why,
 * borrowed from the channel. */
atlas_status_t grpc_channel_add(struct grpc_channel *channel, struct grpc_client_stream *stream,
                                const char **ret_reason);

/* As struct grpc_client_events. The channel sends what waits for it; makes another connection in
 * place of one that is leaving. */
void grpc_channel_ready(struct grpc_channel *channel);
void grpc_channel_pump(struct grpc_channel *channel);
void grpc_channel_leave(struct grpc_channel *channel, const char *reason);

#endif
