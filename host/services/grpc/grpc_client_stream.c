#include "services/grpc/grpc_client_stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    grpc_client_stream_dequeue(stream);
    if (stream->connection == NULL) {
        put_back(stream);
    } else {
        reset(stream); /* put back when HTTP/2 has closed it */
    }
}

void grpc_client_stream_enqueue(struct grpc_client_stream *stream, struct grpc_channel *channel)
{
    struct grpc_stream_queue *queue = &channel->pending;
    stream->channel = channel;
    stream->next = NULL;
    *queue->tail = stream;
    queue->tail = &stream->next;
    queue->count++;
}

void grpc_client_stream_dequeue(struct grpc_client_stream *stream)
{
    if (stream->channel == NULL) {
        return;
    }
    struct grpc_stream_queue *queue = &stream->channel->pending;
    struct grpc_client_stream **at = &queue->head;
    while (*at != stream) {
        at = &(*at)->next;
    }
    *at = stream->next;
    if (*at == NULL) {
        queue->tail = at;
    }
    queue->count--;
    stream->channel = NULL;
}

void grpc_client_stream_attach(struct grpc_client_stream *stream,
                               struct grpc_client_connection *connection)
{
    stream->connection = connection;
    stream->next = connection->streams;
    stream->link = &connection->streams;
    if (stream->next != NULL) {
        stream->next->link = &stream->next;
    }
    connection->streams = stream;
    connection->stream_count++;
}

void grpc_client_stream_detach(struct grpc_client_stream *stream)
{
    *stream->link = stream->next;
    if (stream->next != NULL) {
        stream->next->link = stream->link;
    }
    stream->connection->stream_count--;
    stream->connection = NULL;
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
