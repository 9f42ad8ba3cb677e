#include "services/grpc/grpc_client_request.h"

#include <string.h>

#include "base/binary_header.h"
#include "base/clock.h"
#include "base/http2/grpc_timeout.h"
#include "runtime/trace.h"
#include "runtime/wait.h"
#include "services/grpc/grpc_client_stream.h"

#define NO_COPY (NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE)
#define NV(name, value)                                                                            \
    {                                                                                              \
        (uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), sizeof(name) - 1,             \
            sizeof(value) - 1, NO_COPY                                                             \
    }

/* Fields beside the caller's metadata. */
#define FIXED_FIELDS 10
#define SMALL_FIELDS 20

struct fields {
    nghttp2_nv small[SMALL_FIELDS];
    nghttp2_nv *items;
    size_t count;
    char timeout[GRPC_TIMEOUT_SIZE];
};

/* nghttp2 copies the value. */
static void add(struct fields *fields, const char *name, const void *value, size_t len)
{
    fields->items[fields->count++] =
        (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), len,
                     NGHTTP2_NV_FLAG_NO_COPY_NAME};
}

static bool begin_fields(struct fields *fields, struct grpc_client_stream *stream)
{
    size_t count = stream->metadata_count + FIXED_FIELDS;
    fields->count = 0;
    fields->items = fields->small;
    if (count > SMALL_FIELDS) {
        fields->items = arena_alloc(&stream->call->arena, count * sizeof *fields->items);
    }
    return fields->items != NULL;
}

static void add_timeout(struct fields *fields, const struct grpc_client_stream *stream)
{
    if (stream->deadline_ns != INT64_MAX) {
        int64_t left_ns = stream->deadline_ns - clock_monotonic_ns();
        size_t len = grpc_timeout_format(left_ns, fields->timeout);
        add(fields, "grpc-timeout", fields->timeout, len);
    }
}

static void add_context(struct fields *fields, struct call *call)
{
    struct atlas_bytes trace = call_traceparent(call);
    if (trace.len > 0) {
        add(fields, "traceparent", trace.data, trace.len);
    }
    if (call->identity.len > 0) {
        add(fields, "atlas-identity", call->identity.data, call->identity.len);
    }
}

static void add_metadata(struct fields *fields, struct call *call,
                         const struct atlas_metadata *entry)
{
    struct atlas_bytes value = entry->value;
    if (binary_header_is_name(entry->name.data, entry->name.len)) {
        char *text = arena_alloc(&call->arena, BINARY_HEADER_ENCODED_SIZE(value.len) + 1);
        if (text == NULL) {
            return;
        }
        value.len = binary_header_encode(value.data, value.len, text);
        value.data = text;
    }
    fields->items[fields->count++] =
        (nghttp2_nv){(uint8_t *)(uintptr_t)entry->name.data, (uint8_t *)(uintptr_t)value.data,
                     entry->name.len, value.len, NGHTTP2_NV_FLAG_NONE};
}

static bool make_fields(struct fields *fields, struct grpc_client_stream *stream)
{
    static const nghttp2_nv method = NV(":method", "POST");
    static const nghttp2_nv scheme = NV(":scheme", "http");
    static const nghttp2_nv te = NV("te", "trailers");
    static const nghttp2_nv content_type = NV("content-type", "application/grpc");
    static const nghttp2_nv user_agent = NV("user-agent", "grpc-c-atlas/1");
    if (!begin_fields(fields, stream)) {
        return false;
    }
    fields->items[fields->count++] = method;
    fields->items[fields->count++] = scheme;
    add(fields, ":path", stream->path, strlen(stream->path));
    add(fields, ":authority", stream->target->name, strlen(stream->target->name));
    add_timeout(fields, stream);
    fields->items[fields->count++] = te;
    fields->items[fields->count++] = content_type;
    fields->items[fields->count++] = user_agent;
    add_context(fields, stream->call);
    for (size_t i = 0; i < stream->metadata_count; i++) {
        add_metadata(fields, stream->call, &stream->metadata[i]);
    }
    return true;
}

static ssize_t read_data(nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t room,
                         uint32_t *data_flags, nghttp2_data_source *source, void *user_data)
{
    (void)session;
    (void)stream_id;
    (void)user_data;
    struct grpc_client_stream *stream = source->ptr;
    size_t used = outgoing_read(&stream->outgoing, buffer, room);
    if (stream->send_wait != NULL) {
        wait_complete(stream->send_wait);
    }
    if (outgoing_is_empty(&stream->outgoing) && stream->is_ended) {
        *data_flags |= NGHTTP2_DATA_FLAG_EOF;
    } else if (used == 0) {
        return NGHTTP2_ERR_DEFERRED;
    }
    return (ssize_t)used;
}

bool grpc_client_request_submit(struct grpc_client_connection *connection,
                                struct grpc_client_stream *stream)
{
    struct fields fields;
    nghttp2_data_provider provider = {.source = {.ptr = stream}, .read_callback = read_data};
    if (!make_fields(&fields, stream)) {
        return false;
    }
    int32_t id = nghttp2_submit_request(connection->http2.session, NULL, fields.items, fields.count,
                                        &provider, stream);
    if (id < 0) {
        return false;
    }
    stream->id = id;
    grpc_client_stream_attach(stream, connection);
    http2_connection_flush(&connection->http2);
    return true;
}
