/* Headers are checked, the path is looked up, a call is made, JSON becomes its request. */
#include "inbound/rest/rest_receive.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <stdio.h>

#include "base/http2/grpc_timeout.h"
#include "inbound/rest/rest_epoch.h"
#include "inbound/rest/rest_exchange.h"
#include "inbound/rest/rest_headers.h"
#include "inbound/rest/rest_reply.h"
#include "inbound/rest/rest_request.h"
#include "runtime/call.h"
#include "runtime/call_run.h"
#include "runtime/router.h"
#include "runtime/trace.h"

/* NULL when the bound of fibers is reached. */
static struct call *make_call(struct worker *worker, struct route_table *table,
                              const struct rest_route *rest_route)
{
    const char *path = rest_route->method->path;
    const struct route *route = route_table_find(table, path, strlen(path));

    return route != NULL ? call_create(worker, table, route)
                         : call_create_elsewhere(worker, table, path);
}

/* Unless the caller brings one, the call has one of its own. */
static void set_trace(struct call *call, const char *traceparent)
{
    if (traceparent != NULL) {
        trace_parse((struct atlas_bytes){traceparent, strlen(traceparent)}, &call->trace);
    }
}

static atlas_status_t set_timeout(struct call *call, const char *text, struct error *error)
{
    int64_t timeout_ns = 0;

    if (text == NULL) {
        return ATLAS_OK;
    }
    if (!grpc_timeout_parse(text, strlen(text), &timeout_ns)) {
        return error_set(error, ATLAS_INVALID_ARGUMENT,
                         "header Grpc-Timeout: up to eight digits and one of H M S m u n");
    }
    call_set_timeout(call, timeout_ns);
    return ATLAS_OK;
}

/* Headers, path, query and body become the request of the call. */
static atlas_status_t fill_call(struct rest_endpoint *endpoint, struct call *call,
                                struct evhttp_request *request, const struct rest_headers *headers,
                                const struct rest_match *match, struct error *error)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    struct atlas_bytes body = {evbuffer_pullup(input, -1), evbuffer_get_length(input)};
    const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    struct buffer proto;

    set_trace(call, headers->traceparent);
    atlas_status_t status = set_timeout(call, headers->grpc_timeout, error);
    if (status == ATLAS_OK) {
        status = rest_headers_to_metadata(request, call);
        if (status != ATLAS_OK) {
            return error_set(error, status, "the metadata is too large; see calls.metadata_limit");
        }
        buffer_init(&proto, &call->arena, body.len + 64, call->worker->limits.message_limit);
        status = rest_request_build(match,
                                    (struct atlas_bytes){query, query != NULL ? strlen(query) : 0},
                                    body, endpoint->listener->server->limits.depth, &proto, error);
        call->request = buffer_bytes(&proto);
    }
    return status;
}

static void run(struct rest_endpoint *endpoint, struct evhttp_request *request,
                const struct rest_headers *headers, struct route_table *table,
                const struct rest_match *match)
{
    struct call *call = make_call(endpoint->worker, table, match->route);
    struct error error = {0};

    if (call == NULL) {
        rest_reply_error(endpoint, request, 429, ATLAS_RESOURCE_EXHAUSTED,
                         "too many calls at once: try again later", NULL, false);
        return;
    }
    atlas_status_t status = fill_call(endpoint, call, request, headers, match, &error);
    if (status != ATLAS_OK) {
        call_destroy(call);
        rest_reply_error(endpoint, request, status == ATLAS_RESOURCE_EXHAUSTED ? 413 : 400, status,
                         error.text, NULL, false);
        return;
    }
    rest_exchange_start(endpoint, call, request, match->route);
}

static const char *method_name(enum evhttp_cmd_type type)
{
    switch (type) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    case EVHTTP_REQ_PATCH:
        return "PATCH";
    case EVHTTP_REQ_HEAD:
        return "HEAD";
    case EVHTTP_REQ_OPTIONS:
        return "OPTIONS";
    case EVHTTP_REQ_TRACE:
        return "TRACE";
    default:
        return "";
    }
}

/* What can be said before the path is looked up; false if it was answered. */
static bool admit(struct rest_endpoint *endpoint, struct evhttp_request *request,
                  const struct rest_headers *headers)
{
    size_t body_len = evbuffer_get_length(evhttp_request_get_input_buffer(request));

    if (headers->refusal != NULL) {
        request->major = 1; /* the answer's, whatever version was asked in */
        request->minor = 1;
        rest_reply_error(endpoint, request, 400, ATLAS_INVALID_ARGUMENT, headers->refusal, NULL,
                         true);
        return false;
    }
    if (body_len > 0 && !rest_headers_are_json(headers)) {
        rest_reply_error(
            endpoint, request, 415, ATLAS_INVALID_ARGUMENT,
            "the body is not plain application/json; send it uncompressed and with the "
            "header Content-Type: application/json (curl --json)",
            NULL, false);
        return false;
    }
    return true;
}

static void answer_no_route(struct rest_endpoint *endpoint, struct evhttp_request *request,
                            const char *http_method, const char *path,
                            const struct rest_match *match)
{
    char message[256];

    if (match->allow[0] != '\0') {
        snprintf(message, sizeof message, "%s is not allowed for %.128s: use %s", http_method, path,
                 match->allow);
        rest_reply_error(endpoint, request, 405, ATLAS_UNIMPLEMENTED, message, match->allow, false);
        return;
    }
    snprintf(message, sizeof message, "nothing is served at %.128s", path);
    rest_reply_error(endpoint, request, 404, ATLAS_NOT_FOUND, message, NULL, false);
}

/* evhttp takes what follows two slashes for a host, which a path does not have. */
static const char *path_of(const struct evhttp_request *request)
{
    const char *uri = evhttp_request_get_uri(request);
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));

    if (uri[0] == '/' && uri[1] == '/') {
        return "//";
    }
    return path != NULL ? path : "";
}

void rest_receive(struct evhttp_request *request, void *arg)
{
    struct rest_endpoint *endpoint = arg;
    struct route_table *table = endpoint->worker->routes;
    const struct rest_routes *routes =
        table != NULL ? rest_epoch_routes(table, endpoint->listener) : NULL;
    const char *http_method = method_name(evhttp_request_get_command(request));
    const char *path = path_of(request);
    struct rest_headers headers;
    struct rest_match match;

    rest_connections_request_arrived(&endpoint->connections, request);
    rest_headers_read(request, &headers);
    if (!admit(endpoint, request, &headers)) {
        return;
    }
    if (routes == NULL) {
        rest_reply_error(endpoint, request, 503, ATLAS_UNAVAILABLE,
                         "the services of this listener are not ready", NULL, false);
        return;
    }
    if (rest_routes_find(routes, http_method, (struct atlas_bytes){path, strlen(path)}, &match) !=
        REST_FOUND) {
        answer_no_route(endpoint, request, http_method, path, &match);
        return;
    }
    run(endpoint, request, &headers, table, &match);
}
