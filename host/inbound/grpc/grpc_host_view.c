#include "inbound/grpc/grpc_host_view.h"

#include "inbound/grpc/grpc_state.h"
#include "runtime/call.h"

bool grpc_host_view_of(const struct call *call, struct grpc_host_view *ret_view)
{
    const struct grpc_stream *stream = call->peer;

    if (stream->connection == NULL) {
        return false;
    }
    *ret_view = (struct grpc_host_view){stream->connection->listener, &stream->loop->is_draining};
    return true;
}

const char *grpc_host_view_service(size_t n)
{
    static const char *const names[] = {GRPC_HEALTH, GRPC_REFLECTION, GRPC_REFLECTION_ALPHA};

    return n < sizeof names / sizeof names[0] ? names[n] : NULL;
}
