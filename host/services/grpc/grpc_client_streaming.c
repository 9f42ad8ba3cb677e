#include "services/grpc/grpc_client_streaming.h"

#include <stdlib.h>

#include "base/clock.h"
#include "runtime/wait.h"
#include "services/grpc/grpc_client_stream.h"

static atlas_status_t fail_with_status(struct call *call, const struct grpc_client_stream *stream)
{
    return call_fail(call, stream->status, "%s", stream->message);
}

static atlas_status_t wait_on(struct call *call, struct grpc_client_stream *stream,
                              struct wait **slot)
{
    struct wait wait;
    wait_init(&wait, call);
    *slot = &wait;
    int64_t left_ns = stream->deadline_ns - clock_monotonic_ns();
    bool is_shorter = stream->deadline_ns < call->deadline_ns;
    atlas_status_t status =
        is_shorter ? wait_for_at_most(&wait, left_ns > 0 ? left_ns : 0) : wait_for(&wait);
    *slot = NULL;
    return status;
}

static void resume(struct grpc_client_stream *stream)
{
    if (stream->connection != NULL) {
        nghttp2_session_resume_data(stream->connection->http2.session, stream->id);
        http2_connection_flush(&stream->connection->http2);
    }
}

atlas_status_t grpc_client_streaming_send(void *handle, struct call *call,
                                          struct atlas_bytes message)
{
    struct grpc_client_stream *stream = handle;
    if (stream->is_ended) {
        return call_fail(call, ATLAS_FAILED_PRECONDITION, "send after half_close");
    }
    while (!stream->is_complete &&
           stream->outgoing.queued >= stream->loop->client->options.limits.stream_buffer) {
        atlas_status_t status = wait_on(call, stream, &stream->send_wait);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    if (stream->is_complete) {
        return stream->status == ATLAS_OK
                   ? call_fail(call, ATLAS_FAILED_PRECONDITION, "the peer has ended the stream")
                   : fail_with_status(call, stream);
    }
    if (!outgoing_copy(&stream->outgoing, message.data, message.len)) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    resume(stream);
    return ATLAS_OK;
}

atlas_status_t grpc_client_streaming_half_close(void *handle, struct call *call)
{
    (void)call;
    struct grpc_client_stream *stream = handle;
    stream->is_ended = true;
    resume(stream);
    return ATLAS_OK;
}

atlas_status_t grpc_client_streaming_recv(void *handle, struct call *call,
                                          struct atlas_bytes *ret_message)
{
    struct grpc_client_stream *stream = handle;
    while (incoming_is_empty(&stream->incoming)) {
        if (stream->is_complete) {
            return stream->status == ATLAS_OK ? ATLAS_END_OF_STREAM
                                              : fail_with_status(call, stream);
        }
        grpc_client_stream_consume(stream, incoming_consume_all(&stream->incoming));
        atlas_status_t status = wait_on(call, stream, &stream->recv_wait);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    grpc_client_stream_consume(stream, incoming_take(&stream->incoming, ret_message));
    return ATLAS_OK;
}

void grpc_client_streaming_close(void *handle, struct call *call)
{
    (void)call;
    grpc_client_stream_release(handle);
}
