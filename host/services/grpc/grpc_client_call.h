/* Calls of the client as the caller's fiber makes them: unary ones, and the opening of streams.
 * Private to services/grpc. */
#ifndef SERVICES_GRPC_CLIENT_CALL_H
#define SERVICES_GRPC_CLIENT_CALL_H

#include "services/grpc/grpc_client_state.h"

/* As struct remote_transport has them; self is a struct grpc_client. [waits] */
atlas_status_t grpc_client_call_unary(void *self, struct call *call, const char *path,
                                      struct atlas_bytes request,
                                      const struct atlas_call_options *options,
                                      struct atlas_bytes *ret_reply);

/* Does not wait. The stream is closed by grpc_client_streaming_close. */
atlas_status_t grpc_client_call_open(void *self, struct call *call, const char *path,
                                     const struct atlas_call_options *options, void **ret_stream);

#endif
