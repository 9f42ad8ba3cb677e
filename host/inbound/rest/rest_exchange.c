/*
 * One request of one client:
 *
 *   begin: look the path up -> make the call -> JSON to protobuf -> start it
 *   finished: protobuf to JSON -> answer -> end the call
 *
 * If the client leaves while the call runs, the connection is freed, the call cancelled, and
 * finished answers nobody.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/http2/grpc_timeout.h"
#include "inbound/rest/headers.h"
#include "inbound/rest/reply.h"
#include "inbound/rest/request.h"
#include "inbound/rest/rest_endpoint.h"
#include "runtime/call.h"
#include "runtime/call_run.h"
#include "runtime/router.h"
#include "runtime/runtime.h"
#include "runtime/trace.h"
#include "runtime/wait.h"

/* In the arena of its call. */
struct rest_exchange {
    struct rest_exchange *next;
    struct rest_exchange **link; /* the pointer that points here */
    struct rest_endpoint *endpoint;
    struct call *call;
    struct evhttp_request *request; /* NULL: the client has gone */
    const struct rest_route *route;
    bool *finished_early; /* set while the call is being started */
    struct event disconnect_event;
    bool is_watching;
};

struct rest_exchange *rest_exchange_next(const struct rest_exchange *exchange)
{
    return exchange->next;
}

void rest_exchange_cancel(struct rest_exchange *exchange)
{
    call_cancel(exchange->call, ATLAS_CANCELLED);
}

static void link_exchange(struct rest_exchange *exchange)
{
    struct rest_endpoint *endpoint = exchange->endpoint;

    exchange->next = endpoint->exchanges;
    exchange->link = &endpoint->exchanges;
    if (exchange->next != NULL) {
        exchange->next->link = &exchange->next;
    }
    endpoint->exchanges = exchange;
    atomic_fetch_add(&endpoint->listener->in_flight, 1);
}

static void unlink_exchange(struct rest_exchange *exchange)
{
    *exchange->link = exchange->next;
    if (exchange->next != NULL) {
        exchange->next->link = exchange->link;
    }
    atomic_fetch_sub(&exchange->endpoint->listener->in_flight, 1);
}

static bool has_left(int fd, short events)
{
    char byte = 0;
    ssize_t count = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    if ((events & EV_CLOSED) != 0 || count == 0) {
        return true;
    }
    return count < 0 && errno != EAGAIN && errno != EINTR;
}

static void exchange_on_socket(evutil_socket_t fd, short events, void *arg)
{
    struct rest_exchange *exchange = arg;
    struct evhttp_request *request = exchange->request;

    if (!has_left(fd, events)) {
        return; /* the next request of a client that does not wait for answers */
    }
    event_del(&exchange->disconnect_event);
    exchange->is_watching = false;
    exchange->request = NULL;
    evhttp_connection_free(evhttp_request_get_connection(request)); /* and the request */
    call_cancel(exchange->call, ATLAS_CANCELLED);
}

/* evhttp does not read while a request is being answered, so nobody else would see the client go.
 */
static void watch_client(struct rest_exchange *exchange)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(exchange->request);
    int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(connection));

    event_assign(&exchange->disconnect_event, loop_base(exchange->endpoint->worker->loop), fd,
                 EV_READ | EV_CLOSED | EV_ET | EV_PERSIST, exchange_on_socket, exchange);
    exchange->is_watching = event_add(&exchange->disconnect_event, NULL) == 0;
}

/* The end of every call: on its fiber, or on the loop. */
static void exchange_finished(struct call *call)
{
    struct rest_exchange *exchange = call->peer;

    if (exchange->is_watching) {
        event_del(&exchange->disconnect_event);
    }
    if (exchange->finished_early != NULL) {
        *exchange->finished_early = true;
    }
    if (exchange->request != NULL) {
        rest_reply_call(exchange->endpoint, exchange->request, exchange->route, call);
    }
    unlink_exchange(exchange);
    call_destroy(call);
}

static const struct call_operations exchange_operations = {.finished = exchange_finished};

/* The method's service runs elsewhere: pass the request on. */
static atlas_status_t call_remote(struct call *call, void *arg)
{
    const struct remote_transport *remote = arg;

    if (remote == NULL) {
        return call_fail(call, ATLAS_UNAVAILABLE,
                         "%s is not served in this process and no address is configured for it",
                         call->operation);
    }
    atlas_status_t status =
        remote->unary(remote->self, call, call->operation, call->request, NULL, &call->reply);
    call->has_reply = status == ATLAS_OK;
    return status;
}

/* The trace of the caller, or a new one. */
static void set_trace(struct rest_endpoint *endpoint, struct call *call, const char *traceparent)
{
    if (traceparent == NULL ||
        !trace_parse((struct atlas_bytes){traceparent, strlen(traceparent)}, &call->trace)) {
        trace_begin(endpoint->worker, &call->trace);
    }
}

static struct call *make_call(struct rest_endpoint *endpoint, struct route_table *table,
                              const struct rest_route *rest_route, const struct route **ret_route)
{
    const char *path = rest_route->method->path;
    const struct route *route = route_table_find(table, path, strlen(path));
    struct call *call = NULL;

    *ret_route = route;
    if (route != NULL) {
        return call_create(endpoint->worker, table, route);
    }
    if (!call_has_fiber_left(endpoint->worker)) {
        return NULL;
    }
    call = call_create_internal(endpoint->worker, NULL, path);
    if (call != NULL) {
        call->routes = route_table_acquire(table); /* keeps the descriptors */
        if (endpoint->worker->limits.default_deadline_ns > 0) {
            call->deadline_ns = call->start_ns + endpoint->worker->limits.default_deadline_ns;
        }
    }
    return call;
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

    set_trace(endpoint, call, headers->traceparent);
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

/* Everything is there: the call runs until it waits, or to its end. */
static void start(struct rest_endpoint *endpoint, struct call *call, const struct route *route,
                  struct evhttp_request *request, const struct rest_route *rest_route)
{
    struct rest_exchange *exchange = arena_alloc(&call->arena, sizeof *exchange);
    bool is_finished = false;

    if (exchange == NULL) {
        call_destroy(call);
        rest_reply_error(endpoint, request, 429, ATLAS_RESOURCE_EXHAUSTED,
                         "the request does not fit into the memory of a call: see "
                         "calls.arena_limit",
                         NULL, false);
        return;
    }
    *exchange = (struct rest_exchange){.endpoint = endpoint,
                                       .call = call,
                                       .request = request,
                                       .route = rest_route,
                                       .finished_early = &is_finished};
    link_exchange(exchange);
    call->peer = exchange;
    call->operations = &exchange_operations;
    if (route != NULL) {
        call_start(call);
    } else {
        call_start_function(call, call_remote,
                            (void *)(uintptr_t)runtime_remote(endpoint->worker->runtime));
    }
    if (!is_finished) {
        exchange->finished_early = NULL;
        watch_client(exchange);
    }
}

static void run(struct rest_endpoint *endpoint, struct evhttp_request *request,
                const struct rest_headers *headers, struct route_table *table,
                const struct rest_match *match)
{
    const struct route *route = NULL;
    struct call *call = make_call(endpoint, table, match->route, &route);
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
    start(endpoint, call, route, request, match->route);
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

void rest_exchange_begin(struct evhttp_request *request, void *arg)
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
