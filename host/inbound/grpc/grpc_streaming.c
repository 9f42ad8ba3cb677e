/* recv and send of streaming methods, and how they lean on HTTP/2's flow control: what a handler
 * has not taken keeps the window shut, and what the peer has not taken keeps the handler waiting.
 */
#include "inbound/grpc/grpc_streaming.h"

#include "inbound/grpc/grpc_response.h"
#include "runtime/wait.h"

/* Lets the peer send so many bytes more. */
static void open_window(struct grpc_stream *stream, size_t len)
{
    if (stream->connection != NULL && !stream->is_closed && len > 0) {
        http2_connection_consume(&stream->connection->http2, stream->id, len);
        http2_connection_flush(&stream->connection->http2);
    }
}

void grpc_streaming_wake(struct grpc_stream *stream)
{
    if (stream->recv_wait != NULL) {
        if (!incoming_is_empty(&stream->incoming) || stream->is_request_ended ||
            stream->is_closed || stream->refusal != ATLAS_OK) {
            wait_complete(stream->recv_wait);
        } else { /* the handler waits for the rest of a message */
            open_window(stream, incoming_consume_all(&stream->incoming));
        }
    }
    if (stream->send_wait != NULL && stream->is_closed) {
        wait_complete(stream->send_wait);
    }
}

void grpc_streaming_return_window(struct grpc_stream *stream)
{
    size_t len = incoming_consume_all(&stream->incoming);
    if (stream->connection != NULL && len > 0) {
        nghttp2_session_consume_connection(stream->connection->http2.session, len);
        http2_connection_flush(&stream->connection->http2);
    }
}

static atlas_status_t wait_for_message(struct call *call, struct grpc_stream *stream)
{
    struct wait wait;
    wait_init(&wait, call);
    stream->recv_wait = &wait;
    open_window(stream, incoming_consume_all(&stream->incoming));
    atlas_status_t status = wait_for(&wait);
    stream->recv_wait = NULL;
    return status;
}

static atlas_status_t recv_single(struct call *call, struct grpc_stream *stream,
                                  struct atlas_bytes *ret_message)
{
    if (stream->is_request_read) {
        return ATLAS_END_OF_STREAM;
    }
    stream->is_request_read = true;
    *ret_message = call->request;
    return ATLAS_OK;
}

atlas_status_t grpc_streaming_recv(struct call *call, struct atlas_bytes *ret_message)
{
    struct grpc_stream *stream = call->peer;
    if (stream->is_single_request) {
        return recv_single(call, stream, ret_message);
    }
    while (incoming_is_empty(&stream->incoming)) {
        atlas_status_t status = call_check(call);
        if (status != ATLAS_OK) {
            return call_fail(call, status, "the caller has gone");
        }
        if (stream->refusal != ATLAS_OK) {
            return call_fail(call, stream->refusal, "%s", stream->refusal_message);
        }
        if (stream->is_request_ended) {
            return ATLAS_END_OF_STREAM;
        }
        status = wait_for_message(call, stream);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    open_window(stream, incoming_take(&stream->incoming, ret_message));
    return ATLAS_OK;
}

static atlas_status_t wait_for_room(struct call *call, struct grpc_stream *stream)
{
    while (stream->outgoing.queued >= stream->loop->shared->limits.stream_buffer) {
        struct wait wait;
        wait_init(&wait, call);
        stream->send_wait = &wait;
        atlas_status_t status = wait_for(&wait);
        stream->send_wait = NULL;
        if (status != ATLAS_OK) {
            return status;
        }
        if (stream->is_closed) {
            return call_fail(call, ATLAS_CANCELLED, "the caller has gone");
        }
    }
    return ATLAS_OK;
}

atlas_status_t grpc_streaming_send(struct call *call, struct atlas_bytes message)
{
    struct grpc_stream *stream = call->peer;
    atlas_status_t status = call_check(call);
    if (status != ATLAS_OK || stream->is_closed) {
        return call_fail(call, status != ATLAS_OK ? status : ATLAS_CANCELLED,
                         "the caller has gone");
    }
    status = wait_for_room(call, stream);
    if (status != ATLAS_OK) {
        return status;
    }
    if (!outgoing_copy(&stream->outgoing, message.data, message.len)) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    stream->replies++;
    if (!stream->is_answered) {
        grpc_response_begin(stream);
    } else {
        nghttp2_session_resume_data(stream->connection->http2.session, stream->id);
        http2_connection_flush(&stream->connection->http2);
    }
    return ATLAS_OK;
}
