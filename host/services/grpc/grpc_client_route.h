/* Where a stream goes, and what becomes of one that HTTP/2 has closed. Private to services/grpc. */
#ifndef SERVICES_GRPC_CLIENT_ROUTE_H
#define SERVICES_GRPC_CLIENT_ROUTE_H

#include "services/grpc/grpc_client_state.h"

/* Sends it on the best channel of its target, or queues it; completes it when neither is possible.
 * On the loop; does not wait. */
void grpc_client_route_start(struct grpc_client_stream *stream);

/* As struct grpc_client_events. Repeats what the server has certainly not processed. */
void grpc_client_route_closed(struct grpc_client_stream *stream, uint32_t error_code, bool is_lost);

#endif
