/* Streams of the server: from the first header to the last byte. */
#include "inbound/grpc/grpc_stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "inbound/grpc/grpc_response.h"
#include "inbound/grpc/grpc_streaming.h"
#include "runtime/call_run.h"
#include "runtime/wait.h"

struct grpc_stream *grpc_stream_create(struct grpc_connection *connection, int32_t id)
{
    struct grpc_loop *loop = connection->loop;
    struct grpc_stream *stream = loop->free_streams;
    if (stream != NULL) {
        loop->free_streams = stream->next;
        memset(stream, 0, sizeof *stream);
    } else if ((stream = calloc(1, sizeof *stream)) == NULL) {
        return NULL;
    }
    stream->connection = connection;
    stream->loop = loop;
    stream->id = id;
    stream->outgoing.total = &connection->http2.queued;
    stream->next = connection->streams;
    stream->link = &connection->streams;
    if (stream->next != NULL) {
        stream->next->link = &stream->next;
    }
    connection->streams = stream;
    return stream;
}

static void detach(struct grpc_stream *stream)
{
    *stream->link = stream->next;
    if (stream->next != NULL) {
        stream->next->link = stream->link;
    }
    stream->connection = NULL;
    stream->outgoing.total = NULL; /* it lies in the connection */
}

static void destroy(struct grpc_stream *stream)
{
    outgoing_clear(&stream->outgoing);
    if (stream->connection != NULL) {
        detach(stream);
    }
    incoming_clear(&stream->incoming);
    call_destroy(stream->call);
    stream->call = NULL;
    stream->next = stream->loop->free_streams;
    stream->loop->free_streams = stream;
}

void grpc_stream_add_ready(struct grpc_stream *stream)
{
    struct grpc_connection *connection = stream->connection;
    stream->is_ready_queued = true;
    stream->next_ready = NULL;
    *connection->ready_tail = stream;
    connection->ready_tail = &stream->next_ready;
}

static void remove_from_ready(struct grpc_stream *stream)
{
    struct grpc_connection *connection = stream->connection;
    struct grpc_stream **link = &connection->ready;
    while (*link != NULL && *link != stream) {
        link = &(*link)->next_ready;
    }
    if (*link != NULL) {
        *link = stream->next_ready;
        if (*link == NULL) {
            connection->ready_tail = link;
        }
    }
    stream->is_ready_queued = false;
}

static bool is_running(const struct grpc_stream *stream)
{
    return stream->is_started && !stream->is_finished;
}

void grpc_stream_close(struct grpc_stream *stream)
{
    if (stream->is_ready_queued) {
        remove_from_ready(stream);
    }
    stream->is_closed = true;
    grpc_streaming_return_window(stream);
    if (is_running(stream)) {
        outgoing_clear(&stream->outgoing);
        call_cancel(stream->call, ATLAS_CANCELLED);
        grpc_streaming_wake(stream);
        return; /* grpc_stream_on_finished comes */
    }
    destroy(stream);
}

void grpc_stream_abandon(struct grpc_stream *stream)
{
    bool stays = is_running(stream);
    grpc_stream_close(stream);
    if (stays) {
        detach(stream);
    }
}

void grpc_stream_start(struct grpc_stream *stream)
{
    stream->is_started = true;
    stream->connection->calls_running++;
    call_start(stream->call);
}

static void grpc_stream_on_finished(struct call *call)
{
    struct grpc_stream *stream = call->peer;
    stream->is_finished = true;
    if (stream->connection != NULL) {
        stream->connection->calls_running--;
    }
    if (stream->is_closed || stream->connection == NULL) {
        destroy(stream);
    } else {
        grpc_response_finish(stream);
    }
}

const struct call_operations grpc_unary_operations = {.finished = grpc_stream_on_finished};

const struct call_operations grpc_streaming_operations = {
    .recv = grpc_streaming_recv,
    .send = grpc_streaming_send,
    .finished = grpc_stream_on_finished,
};
