#include "services/grpc/grpc_client_route.h"

#include "base/clock.h"
#include "base/http2/grpc_status.h"
#include "services/grpc/grpc_channel.h"
#include "services/grpc/grpc_client_stream.h"

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

void grpc_client_route_start(struct grpc_client_stream *stream)
{
    const char *reason = "";
    atlas_status_t status = grpc_channel_add(best_channel(stream->target), stream, &reason);
    if (status != ATLAS_OK) {
        grpc_client_stream_complete(stream, status, "%s: not connected: %s", stream->target->name,
                                    reason);
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
    grpc_client_route_start(stream);
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

void grpc_client_route_closed(struct grpc_client_stream *stream, uint32_t error_code, bool is_lost)
{
    if (stream->call == NULL) {
        grpc_client_stream_unlink(stream);
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
