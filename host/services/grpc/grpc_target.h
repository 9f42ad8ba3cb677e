/* Which address a service has, asked once per loop. Private to services/grpc. */
#ifndef SERVICES_GRPC_TARGET_H
#define SERVICES_GRPC_TARGET_H

#include "services/grpc/grpc_client_state.h"

/* The target of a service, made when it is first asked for; NULL: the service has no address, or
 * out of memory. Borrowed from the loop. On the loop; does not wait. */
struct grpc_target *grpc_target_of(struct grpc_client_loop *loop, const char *service, size_t len);

/* Each service is asked for again; targets that none has then are not connected to again. On the
 * loop; does not wait. */
void grpc_target_forget_services(struct grpc_client_loop *loop);

#endif
