/* Calls of the client: who holds them, how they end, and which are repeated. */
#include "services/grpc/grpc_client_stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/http2/grpc_status.h"
#include "runtime/wait.h"

struct grpc_client_stream *grpc_client_stream_create(struct grpc_client_loop *loop,
                                                     struct grpc_target *target, struct call *call)
{
    struct grpc_client_stream *stream = loop->free_streams;
    if (stream != NULL) {
        loop->free_streams = stream->next;
    } else if ((stream = malloc(sizeof *stream)) == NULL) {
        return NULL;
    }
    memset(stream, 0, offsetof(struct grpc_client_stream, message) + 1);
    stream->loop = loop;
    stream->target = target;
    stream->call = call;
    stream->deadline_ns = INT64_MAX;
    return stream;
}

static void put_back(struct grpc_client_stream *stream)
{
    outgoing_clear(&stream->outgoing);
    incoming_clear(&stream->incoming);
    stream->next = stream->loop->free_streams;
    stream->loop->free_streams = stream;
}

static void reset(struct grpc_client_stream *stream)
{
    nghttp2_session *session = stream->connection->http2.session;
    outgoing_clear(&stream->outgoing);
    nghttp2_session_consume_connection(session, incoming_consume_all(&stream->incoming));
    incoming_clear(&stream->incoming);
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
    http2_connection_flush(&stream->connection->http2);
}

void grpc_client_stream_release(struct grpc_client_stream *stream)
{
    stream->call = NULL;
    stream->recv_wait = NULL;
    stream->send_wait = NULL;
    if (stream->channel != NULL) {
        grpc_channel_remove(stream->channel, stream);
    }
    if (stream->connection == NULL) {
        put_back(stream);
    } else {
        reset(stream); /* put back when HTTP/2 has closed it */
    }
}

void grpc_client_stream_unlink(struct grpc_client_stream *stream)
{
    if (stream->call == NULL) {
        put_back(stream);
    }
}

void grpc_client_stream_wake(struct grpc_client_stream *stream)
{
    bool is_done = stream->is_complete || !incoming_is_empty(&stream->incoming);
    if (stream->recv_wait != NULL && is_done) {
        wait_complete(stream->recv_wait);
    } else if (stream->recv_wait != NULL) { /* for the rest of a message */
        grpc_client_stream_consume(stream, incoming_consume_all(&stream->incoming));
    }
    if (stream->send_wait != NULL && stream->is_complete) {
        wait_complete(stream->send_wait);
    }
}

void grpc_client_stream_complete(struct grpc_client_stream *stream, atlas_status_t status,
                                 const char *format, ...)
{
    if (stream->is_complete) {
        return;
    }
    stream->is_complete = true;
    stream->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(stream->message, sizeof stream->message, format, args);
    va_end(args);
    grpc_client_stream_wake(stream);
}

void grpc_client_stream_consume(struct grpc_client_stream *stream, size_t len)
{
    if (stream->connection != NULL && len > 0) {
        http2_connection_consume(&stream->connection->http2, stream->id, len);
        http2_connection_flush(&stream->connection->http2);
    }
}

/* What never left, or what the server says that it refused, was not processed. */
static bool can_repeat(struct grpc_client_stream *stream, uint32_t error_code, bool is_lost)
{
    if (!stream->is_sent) {
        return is_lost || error_code == NGHTTP2_REFUSED_STREAM;
    }
    if (is_lost || error_code != NGHTTP2_REFUSED_STREAM || !stream->is_unary ||
        stream->is_retried) {
        return false;
    }
    stream->is_retried = true;
    return true;
}

static void repeat(struct grpc_client_stream *stream)
{
    stream->is_sent = false;
    stream->id = 0;
    if (stream->is_unary) {
        outgoing_clear(&stream->outgoing);
        stream->request = (struct outgoing_message){.body = stream->request_body.data,
                                                    .len = stream->request_body.len};
        outgoing_push(&stream->outgoing, &stream->request);
    }
    grpc_client_stream_start(stream);
}

static void complete_by_reset(struct grpc_client_stream *stream, uint32_t error_code)
{
    atlas_status_t status = grpc_status_of_reset(error_code);
    if (status == ATLAS_CANCELLED && stream->deadline_ns <= clock_monotonic_ns()) {
        status = ATLAS_DEADLINE_EXCEEDED;
    }
    grpc_client_stream_complete(stream, status, "%s: the server reset the stream: %s",
                                stream->target->name, nghttp2_http2_strerror(error_code));
}

void grpc_client_stream_closed(struct grpc_client_stream *stream, uint32_t error_code, bool is_lost)
{
    if (stream->call == NULL) {
        put_back(stream);
    } else if (stream->is_complete) {
        return;
    } else if (can_repeat(stream, error_code, is_lost)) {
        repeat(stream);
    } else if (is_lost) {
        grpc_client_stream_complete(stream, ATLAS_UNAVAILABLE,
                                    "%s: the connection broke; the call may have been processed",
                                    stream->target->name);
    } else {
        complete_by_reset(stream, error_code);
    }
}

/* The channel that is nearest to sending it. */
static struct grpc_channel *best_channel(struct grpc_target *target)
{
    struct grpc_channel *best = &target->channels[0];
    for (unsigned i = 1; i < target->channel_count; i++) {
        struct grpc_channel *channel = &target->channels[i];
        unsigned load = channel->pending.count +
                        (channel->connection != NULL ? channel->connection->stream_count : 0);
        unsigned best_load =
            best->pending.count + (best->connection != NULL ? best->connection->stream_count : 0);
        if (channel->state > best->state || (channel->state == best->state && load < best_load)) {
            best = channel;
        }
    }
    return best;
}

void grpc_client_stream_start(struct grpc_client_stream *stream)
{
    const char *reason = "";
    atlas_status_t status = grpc_channel_add(best_channel(stream->target), stream, &reason);
    if (status != ATLAS_OK) {
        grpc_client_stream_complete(stream, status, "%s: not connected: %s", stream->target->name,
                                    reason);
    }
}
