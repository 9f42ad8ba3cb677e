#include "services/grpc/grpc_client_response.h"

#include <stdlib.h>
#include <string.h>

#include "base/http2/grpc_status.h"
#include "base/http2/status_message.h"
#include "services/grpc/grpc_client_stream.h"

#define HEADER_OVERHEAD 32

static bool is_name(const char *name, size_t len, const char *wanted)
{
    return strlen(wanted) == len && memcmp(name, wanted, len) == 0;
}

void grpc_client_response_begin(struct grpc_client_stream *stream)
{
    stream->has_status = false;
    stream->header_bytes = 0;
}

void grpc_client_response_header(struct grpc_client_stream *stream, const char *name,
                                 size_t name_len, const char *value, size_t value_len)
{
    static const char content_type[] = "application/grpc";
    stream->header_bytes += name_len + value_len + HEADER_OVERHEAD;
    if (stream->is_complete) {
        return;
    }
    if (stream->header_bytes > stream->loop->client->options.limits.header_limit) {
        grpc_client_stream_complete(stream, ATLAS_RESOURCE_EXHAUSTED,
                                    "%s: the answer's headers are over grpc.header_limit",
                                    stream->target->name);
    } else if (is_name(name, name_len, ":status")) {
        stream->http_status = (int)strtol(value, NULL, 10);
    } else if (is_name(name, name_len, "content-type")) {
        stream->is_grpc = value_len >= sizeof content_type - 1 &&
                          memcmp(value, content_type, sizeof content_type - 1) == 0;
    } else if (is_name(name, name_len, "grpc-status")) {
        stream->has_status = true;
        stream->status = grpc_status_parse(value, value_len);
    } else if (is_name(name, name_len, "grpc-message")) {
        status_message_decode(value, value_len, stream->message, sizeof stream->message);
    } else if (is_name(name, name_len, "grpc-encoding") && !is_name(value, value_len, "identity")) {
        grpc_client_stream_complete(stream, ATLAS_INTERNAL,
                                    "%s: the answer is compressed, which was not asked for",
                                    stream->target->name);
    }
}

void grpc_client_response_headers_complete(struct grpc_client_stream *stream, bool is_end)
{
    bool is_interim = stream->http_status >= 100 && stream->http_status < 200;
    if (is_interim || is_end || stream->is_complete) {
        return;
    }
    stream->has_status = false; /* only the last header list has one */
    stream->message[0] = '\0';
    if (stream->http_status != 200 || !stream->is_grpc) {
        grpc_client_stream_complete(stream, grpc_status_of_http(stream->http_status),
                                    "%s: no gRPC answer: HTTP status %d", stream->target->name,
                                    stream->http_status);
    }
}

static void *reply_room(void *context, size_t len)
{
    struct grpc_client_stream *stream = context;
    return stream->replies > 0 ? NULL : arena_alloc(&stream->call->arena, len);
}

static void refuse(struct grpc_client_stream *stream, enum message_result result)
{
    if (stream->is_unary && stream->replies > 0) {
        grpc_client_stream_complete(stream, ATLAS_UNIMPLEMENTED,
                                    "%s: more than one reply to a unary call",
                                    stream->target->name);
    } else if (result == MESSAGE_TOO_LARGE || result == MESSAGE_NO_MEMORY) {
        grpc_client_stream_complete(stream, ATLAS_RESOURCE_EXHAUSTED,
                                    "%s: the reply is too large: see calls.message_limit and "
                                    "calls.arena_limit",
                                    stream->target->name);
    } else {
        grpc_client_stream_complete(stream, ATLAS_INTERNAL, "%s: malformed reply",
                                    stream->target->name);
    }
}

static void parse_reply(struct grpc_client_stream *stream, const uint8_t *data, size_t len)
{
    struct message_parser *parser = &stream->parser;
    parser->room = reply_room;
    parser->context = stream;
    parser->limit = stream->call->worker->limits.message_limit;
    while (len > 0 && !stream->is_complete) {
        enum message_result result = message_parser_feed(parser, &data, &len);
        if (result == MESSAGE_COMPLETE) {
            stream->replies++;
            stream->reply = (struct atlas_bytes){parser->body, parser->len};
        } else if (result != MESSAGE_MORE) {
            refuse(stream, result);
        }
    }
}

void grpc_client_response_data(struct grpc_client_stream *stream, const uint8_t *data, size_t len)
{
    if (stream->call == NULL || stream->is_complete || stream->is_unary) {
        if (stream->call != NULL && !stream->is_complete) {
            parse_reply(stream, data, len);
        }
        grpc_client_stream_consume(stream, len);
        return;
    }
    enum message_result result = incoming_feed(&stream->incoming, data, len);
    if (result != MESSAGE_MORE) {
        refuse(stream, result);
    }
    grpc_client_stream_wake(stream);
}

void grpc_client_response_ended(struct grpc_client_stream *stream)
{
    const struct message_parser *parser =
        stream->is_unary ? &stream->parser : &stream->incoming.parser;
    if (stream->is_complete) {
        return;
    }
    if (!stream->has_status) {
        grpc_client_stream_complete(stream, grpc_status_of_http(stream->http_status),
                                    "%s: an answer without grpc-status, HTTP status %d",
                                    stream->target->name, stream->http_status);
    } else if (stream->status == ATLAS_OK && !message_parser_is_idle(parser)) {
        grpc_client_stream_complete(stream, ATLAS_INTERNAL, "%s: the answer ended inside a message",
                                    stream->target->name);
    } else if (stream->status == ATLAS_OK && stream->is_unary && stream->replies == 0) {
        grpc_client_stream_complete(stream, ATLAS_UNIMPLEMENTED, "%s: no reply to a unary call",
                                    stream->target->name);
    } else {
        stream->is_complete = true; /* with the server's own status and message */
        grpc_client_stream_wake(stream);
    }
}
