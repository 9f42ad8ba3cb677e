/* The answer of a stream: HEADERS, DATA as nghttp2 asks for it, and the status in the trailers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/binary_header.h"
#include "base/http2/grpc_status.h"
#include "base/http2/status_message.h"
#include "inbound/grpc/grpc_response.h"
#include "runtime/call_fault.h"
#include "runtime/router.h"
#include "runtime/wait.h"

#define NO_COPY (NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE)
#define NV(name, value)                                                                            \
    {                                                                                              \
        (uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), sizeof(name) - 1,             \
            sizeof(value) - 1, NO_COPY                                                             \
    }

/* Fields beside the metadata: status, content type, grpc-status, grpc-message, accept-encoding. */
#define FIXED_FIELDS 5
/* Answers with less metadata need no memory of their own. */
#define SMALL_FIELDS 16

struct fields {
    nghttp2_nv small[SMALL_FIELDS];
    nghttp2_nv *items;
    size_t count;
    char message[STATUS_MESSAGE_ENCODED_SIZE(CALL_MESSAGE_SIZE)];
};

static void add(struct fields *fields, nghttp2_nv field)
{
    fields->items[fields->count++] = field;
}

/* Room for the fixed fields and metadata. Without memory the metadata is left out. */
static bool begin(struct fields *fields, struct call *call, size_t metadata_count)
{
    fields->count = 0;
    fields->items = fields->small;
    if (metadata_count + FIXED_FIELDS > SMALL_FIELDS) {
        fields->items =
            arena_alloc(&call->arena, (metadata_count + FIXED_FIELDS) * sizeof *fields->items);
    }
    if (fields->items == NULL) {
        fields->items = fields->small;
        return false;
    }
    return true;
}

static void add_bytes(struct fields *fields, struct atlas_bytes name, struct atlas_bytes value)
{
    add(fields, (nghttp2_nv){(uint8_t *)(uintptr_t)name.data, (uint8_t *)(uintptr_t)value.data,
                             name.len, value.len, NO_COPY});
}

/* Names and values live in the call's arena, which outlives the frame. */
static void add_metadata(struct fields *fields, struct call *call, const struct metadata_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct atlas_bytes name = list->entries[i].name;
        struct atlas_bytes value = list->entries[i].value;
        if (binary_header_is_name(name.data, name.len)) {
            char *text = arena_alloc(&call->arena, BINARY_HEADER_ENCODED_SIZE(value.len) + 1);
            if (text == NULL) {
                continue;
            }
            value.len = binary_header_encode(value.data, value.len, text);
            value.data = text;
        }
        add_bytes(fields, name, value);
    }
}

static void add_status(struct fields *fields, atlas_status_t status, const char *message)
{
    static const char name[] = "grpc-status";
    add_bytes(fields, (struct atlas_bytes){name, sizeof name - 1}, grpc_status_text(status));
    if (status == ATLAS_OK || message == NULL || message[0] == '\0') {
        return;
    }
    static const char message_name[] = "grpc-message";
    size_t len =
        status_message_encode(message, strnlen(message, CALL_MESSAGE_SIZE), fields->message);
    add(fields, (nghttp2_nv){(uint8_t *)(uintptr_t)message_name, (uint8_t *)fields->message,
                             sizeof message_name - 1, len,
                             NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_INDEX});
}

static void flush(struct grpc_stream *stream)
{
    http2_connection_flush(&stream->connection->http2);
}

static const char *final_message(const struct grpc_stream *stream)
{
    if (stream->refusal != ATLAS_OK) {
        return stream->refusal_message;
    }
    return stream->call->message;
}

static void submit_trailers(struct grpc_stream *stream)
{
    struct fields fields;
    bool has_room = begin(&fields, stream->call, stream->call->trailing.count);
    add_status(&fields, stream->status, final_message(stream));
    if (has_room) {
        add_metadata(&fields, stream->call, &stream->call->trailing);
    }
    nghttp2_submit_trailer(stream->connection->http2.session, stream->id, fields.items,
                           fields.count);
}

/* nghttp2 asks for the next DATA. The trailers are submitted with the last one: earlier they would
 * overtake it. */
static ssize_t read_data(nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t room,
                         uint32_t *data_flags, nghttp2_data_source *source, void *user_data)
{
    (void)session;
    (void)stream_id;
    (void)user_data;
    struct grpc_stream *stream = source->ptr;
    size_t used = outgoing_read(&stream->outgoing, buffer, room);
    if (stream->send_wait != NULL) {
        wait_complete(stream->send_wait);
    }
    if (outgoing_is_empty(&stream->outgoing) && stream->is_finished) {
        *data_flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        submit_trailers(stream);
    } else if (used == 0) {
        return NGHTTP2_ERR_DEFERRED;
    }
    return (ssize_t)used;
}

void grpc_response_begin(struct grpc_stream *stream)
{
    static const nghttp2_nv status_ok = NV(":status", "200");
    static const nghttp2_nv content_type = NV("content-type", "application/grpc");
    struct fields fields;
    bool has_room = begin(&fields, stream->call, stream->call->leading.count);
    add(&fields, status_ok);
    add(&fields, content_type);
    if (has_room) {
        add_metadata(&fields, stream->call, &stream->call->leading);
    }
    nghttp2_data_provider provider = {.source = {.ptr = stream}, .read_callback = read_data};
    stream->is_answered = true;
    nghttp2_submit_response(stream->connection->http2.session, stream->id, fields.items,
                            fields.count, &provider);
    flush(stream);
}

/* One HEADERS frame that is status and trailers at once. */
static void submit_trailers_only(struct grpc_stream *stream, struct call *call)
{
    static const nghttp2_nv content_type = NV("content-type", "application/grpc");
    static const nghttp2_nv accept_encoding = NV("grpc-accept-encoding", "identity");
    static const char status_name[] = ":status";
    char http_status[4];
    struct fields fields;
    size_t metadata_count = call != NULL ? call->leading.count + call->trailing.count : 0;
    bool has_room = begin(&fields, call, metadata_count);
    int len = snprintf(http_status, sizeof http_status, "%d",
                       stream->http_status != 0 ? stream->http_status % 1000 : 200);
    add(&fields, (nghttp2_nv){(uint8_t *)(uintptr_t)status_name, (uint8_t *)http_status,
                              sizeof status_name - 1, (size_t)len, NGHTTP2_NV_FLAG_NO_COPY_NAME});
    add(&fields, content_type);
    if (stream->http_status != 415) { /* to who does not speak gRPC, its status says nothing */
        add_status(&fields, stream->status,
                   stream->refusal != ATLAS_OK ? stream->refusal_message : call->message);
    }
    if (stream->refusal == ATLAS_UNIMPLEMENTED) {
        add(&fields, accept_encoding);
    }
    if (has_room && call != NULL) {
        add_metadata(&fields, call, &call->leading);
        add_metadata(&fields, call, &call->trailing);
    }
    stream->is_answered = true;
    nghttp2_submit_response(stream->connection->http2.session, stream->id, fields.items,
                            fields.count, NULL);
    flush(stream);
}

void grpc_response_refuse(struct grpc_stream *stream)
{
    if (stream->is_answered) {
        return;
    }
    stream->is_finished = true;
    stream->status = stream->refusal;
    submit_trailers_only(stream, NULL);
}

/* What the caller will be told: a violation of the protocol outweighs what the handler said. */
static void decide_status(struct grpc_stream *stream)
{
    struct call *call = stream->call;
    stream->status = call->status;
    bool is_single_reply = (call->route->method->flags & ATLAS_METHOD_SERVER_STREAMING) == 0;
    unsigned replies = stream->is_unary ? (call->has_reply ? 1 : 0) : stream->replies;
    if (stream->status == ATLAS_OK && is_single_reply && replies != 1) {
        grpc_stream_refuse(stream, 0, ATLAS_INTERNAL, "the handler did not send exactly one reply");
    }
    if (stream->refusal != ATLAS_OK) {
        stream->status = stream->refusal;
    }
}

void grpc_response_finish(struct grpc_stream *stream)
{
    struct call *call = stream->call;
    bool has_violated = stream->refusal != ATLAS_OK; /* the client, which is no fault of ours */
    decide_status(stream);
    if (!has_violated) {
        call_fault_log(call, stream->status,
                       stream->refusal != ATLAS_OK ? stream->refusal_message : call->message);
    }
    if (stream->is_unary && stream->status == ATLAS_OK) {
        stream->reply = (struct outgoing_message){.body = call->reply.data, .len = call->reply.len};
        outgoing_push(&stream->outgoing, &stream->reply);
        grpc_response_begin(stream);
    } else if (!stream->is_answered) {
        submit_trailers_only(stream, call);
    } else {
        nghttp2_session_resume_data(stream->connection->http2.session, stream->id);
        flush(stream);
    }
}
