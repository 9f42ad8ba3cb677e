/* A streaming call to a service of this process: two bounded queues between two fibers of one loop.
 */
#ifndef RUNTIME_LOCAL_STREAM_H
#define RUNTIME_LOCAL_STREAM_H

#include "runtime/call.h"

/* Starts child, the callee, on a fiber of its own. On failure child is destroyed. The functions
 * below are those of struct atlas_client_interface. */
atlas_status_t local_stream_open(struct call *call, struct call *child, void **ret_stream);
atlas_status_t local_stream_send(void *stream, struct call *call, struct atlas_bytes message);
atlas_status_t local_stream_half_close(void *stream);
atlas_status_t local_stream_recv(void *stream, struct call *call, struct atlas_bytes *ret_message);

/* The caller is done with it; the callee is cancelled if it still runs. */
void local_stream_close(void *stream);

#endif
