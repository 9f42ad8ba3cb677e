#include "inbound/rest/rest_reply.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdio.h>
#include <string.h>

#include "base/binary_header.h"
#include "base/log.h"
#include "inbound/rest/http_status.h"
#include "inbound/rest/json_text.h"
#include "inbound/rest/proto_to_json.h"
#include "inbound/rest/rest_routes.h"
#include "inbound/rest/rest_state.h"
#include "runtime/call.h"
#include "runtime/call_fault.h"
#include "runtime/trace.h"

#define METADATA_NAME_LIMIT 128u

/* The answer is written, or its connection has ended before. */
static void reply_on_written(struct evhttp_request *request, void *arg)
{
    struct rest_endpoint *endpoint = arg;

    evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
    rest_connections_request_answered(&endpoint->connections, request);
    atomic_fetch_sub(&endpoint->listener->in_flight, 1);
}

/* The client may still be sending what we did not read: closing the socket would reset it, and it
 * might never see the answer. */
static void reply_on_last_written(struct evhttp_request *request, void *arg)
{
    struct rest_endpoint *endpoint = arg;
    struct evhttp_connection *connection = evhttp_request_get_connection(request);

    rest_linger_begin(&endpoint->linger,
                      bufferevent_getfd(evhttp_connection_get_bufferevent(connection)));
    reply_on_written(request, arg);
}

static void reply_on_connection_closed(struct evhttp_connection *connection, void *arg)
{
    struct rest_endpoint *endpoint = arg;

    (void)connection;
    atomic_fetch_sub(&endpoint->listener->in_flight, 1);
}

/* evhttp sees "close" only where it stands alone; clients send it in lists: "TE, close". */
static bool asks_to_close(struct evhttp_request *request)
{
    const char *value = evhttp_find_header(evhttp_request_get_input_headers(request), "Connection");

    return value != NULL && strchr(value, ',') != NULL && strcasestr(value, "close") != NULL;
}

static void send_json(struct rest_endpoint *endpoint, struct evhttp_request *request,
                      int http_status, struct atlas_bytes json, bool closes)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

    evhttp_add_header(headers, "Content-Type", "application/json");
    if (closes || endpoint->is_draining || asks_to_close(request)) {
        evhttp_add_header(headers, "Connection", "close");
    }
    if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
        char len[24];

        snprintf(len, sizeof len, "%zu", json.len);
        evhttp_add_header(headers, "Content-Length", len);
    } else {
        evbuffer_add(evhttp_request_get_output_buffer(request), json.data, json.len);
    }
    atomic_fetch_add(&endpoint->listener->in_flight, 1);
    evhttp_request_set_on_complete_cb(request, closes ? reply_on_last_written : reply_on_written,
                                      endpoint);
    evhttp_connection_set_closecb(evhttp_request_get_connection(request),
                                  reply_on_connection_closed, endpoint);
    evhttp_send_reply(request, http_status, http_status_phrase(http_status), NULL);
}

static void put_error(struct buffer *out, atlas_status_t status, const char *message)
{
    if (message[0] == '\0') {
        message = atlas_status_name(status);
    }
    buffer_printf(out, "{\"code\":%d,\"message\":", status);
    json_put_string(out, message, strlen(message));
    buffer_put_string(out, ",\"details\":[]}");
}

void rest_reply_error(struct rest_endpoint *endpoint, struct evhttp_request *request,
                      int http_status, atlas_status_t status, const char *message,
                      const char *allow, bool closes)
{
    static const char fallback[] = "{\"code\":8,\"message\":\"out of memory\",\"details\":[]}";
    struct arena arena;
    struct buffer out;

    arena_init(&arena, &endpoint->worker->arenas, 64 * 1024);
    buffer_init(&out, &arena, 256, 16 * 1024);
    put_error(&out, status, message);
    if (allow != NULL) {
        evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", allow);
    }
    send_json(endpoint, request, http_status,
              out.failed ? (struct atlas_bytes){fallback, sizeof fallback - 1} : buffer_bytes(&out),
              closes);
    arena_finish(&arena);
}

/* Metadata of the reply becomes Grpc-Metadata-<name>, as grpc-gateway has it. */
static void add_metadata(struct evhttp_request *request, const struct call *call,
                         const struct metadata_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct atlas_metadata *entry = &list->entries[i];
        const char *name = entry->name.data;
        char header[METADATA_NAME_LIMIT];
        char value[1024];
        int len = snprintf(header, sizeof header, "Grpc-Metadata-%.*s", (int)entry->name.len, name);

        if (binary_header_is_name(name, entry->name.len) || len < 0 ||
            (size_t)len >= sizeof header || entry->value.len >= sizeof value) {
            log_debug("metadata has no place in HTTP/1.1 headers",
                      LOG_TEXT("operation", call->operation),
                      LOG_BYTES("name", name, entry->name.len));
            continue;
        }
        snprintf(value, sizeof value, "%.*s", (int)entry->value.len,
                 (const char *)entry->value.data);
        evhttp_add_header(evhttp_request_get_output_headers(request), header, value);
    }
}

static void add_traceparent(struct evhttp_request *request, struct call *call)
{
    struct atlas_bytes text = call_traceparent(call);
    char header[64];

    if (text.len > 0 && text.len < sizeof header) {
        snprintf(header, sizeof header, "%.*s", (int)text.len, (const char *)text.data);
        evhttp_add_header(evhttp_request_get_output_headers(request), "traceparent", header);
    }
}

static atlas_status_t put_reply(const struct rest_route *route, const struct call *call,
                                struct buffer *out, struct error *error)
{
    const struct message_descriptor *message = route->method->output;

    return route->response_field != NULL
               ? proto_to_json_field(message, route->response_field, call->reply, out, error)
               : proto_to_json(message, call->reply, out, error);
}

void rest_reply_call(struct rest_endpoint *endpoint, struct evhttp_request *request,
                     const struct rest_route *route, struct call *call)
{
    struct error error;
    struct buffer out;
    const char *message = call->message;
    atlas_status_t status = call->status;

    buffer_init(&out, &call->arena, call->reply.len * 2 + 256, call->worker->limits.message_limit);
    if (status == ATLAS_OK) {
        status = put_reply(route, call, &out, &error);
        message = error.text;
    }
    call_fault_log(call, status, message);
    add_traceparent(request, call);
    if (status != ATLAS_OK) {
        if (status == ATLAS_UNAUTHENTICATED) {
            evhttp_add_header(evhttp_request_get_output_headers(request), "WWW-Authenticate",
                              "Bearer");
        }
        rest_reply_error(endpoint, request, http_status_of(status), status, message, NULL, false);
        return;
    }
    add_metadata(request, call, &call->leading);
    add_metadata(request, call, &call->trailing);
    send_json(endpoint, request, http_status_of(ATLAS_OK), buffer_bytes(&out), false);
}
