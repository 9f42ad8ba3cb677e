#include "inbound/rest/evhttp_errors.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <stdio.h>

#include "inbound/rest/http_status.h"
#include "inbound/rest/rest_reply.h"
#include "inbound/rest/rest_state.h"

#define MESSAGE_SIZE 160

/* evhttp hands us no argument of ours: those of this thread's loop, to look the evhttp up in. */
static _Thread_local struct rest_endpoint *endpoints;

void evhttp_errors_answer(struct rest_endpoint *endpoint)
{
    endpoint->next_on_loop = endpoints;
    endpoints = endpoint;
}

void evhttp_errors_leave(struct rest_endpoint *endpoint)
{
    for (struct rest_endpoint **link = &endpoints; *link != NULL; link = &(*link)->next_on_loop) {
        if (*link == endpoint) {
            *link = endpoint->next_on_loop;
            return;
        }
    }
}

struct rest_endpoint *evhttp_errors_endpoint(const void *http)
{
    struct rest_endpoint *endpoint = endpoints;

    while (endpoint != NULL && endpoint->http != http) {
        endpoint = endpoint->next_on_loop;
    }
    return endpoint;
}

/* Whether what waits to be read is one line that is too long already, or what was read last was a
 * request line that is: evhttp takes it and counts it not. */
static bool is_line_too_long(const struct evhttp_request *request, size_t limit, size_t taken)
{
    struct evbuffer *input =
        bufferevent_get_input(evhttp_connection_get_bufferevent(request->evcon));

    if (request->headers_size == 0 && taken > limit) {
        return true;
    }
    return request->headers_size + evbuffer_get_length(input) > limit &&
           evbuffer_search_eol(input, NULL, NULL, EVBUFFER_EOL_CRLF).pos < 0;
}

/* The status for what evhttp calls a bad request, and in words what is wrong with it. */
static int describe_bad_request(const struct evhttp_request *request, size_t limit, size_t taken,
                                char *message)
{
    bool is_too_long = request->headers_size > limit || is_line_too_long(request, limit, taken);

    if (is_too_long && request->headers_size == 0) {
        snprintf(message, MESSAGE_SIZE, "the request line is longer than the limit of %zu bytes",
                 limit);
        return 414;
    }
    if (is_too_long) {
        snprintf(message, MESSAGE_SIZE,
                 "request line and headers are larger than the limit of %zu bytes", limit);
        return 431;
    }
    snprintf(message, MESSAGE_SIZE,
             "malformed HTTP: a request line, a header, or a length that cannot be right");
    return 400;
}

static int describe(const struct evhttp_request *request, int error,
                    const struct rest_limits *limits, size_t taken, char *message)
{
    switch (error) {
    case HTTP_BADREQUEST:
        return describe_bad_request(request, limits->header_limit, taken, message);
    case HTTP_ENTITYTOOLARGE:
        snprintf(message, MESSAGE_SIZE, "the body is larger than the limit of %zu bytes%s",
                 limits->body_limit, request->chunked ? ", or its chunks are malformed" : "");
        break;
    case HTTP_EXPECTATIONFAILED:
        snprintf(message, MESSAGE_SIZE, "of expectations only 100-continue is known");
        break;
    case HTTP_NOTIMPLEMENTED:
        snprintf(message, MESSAGE_SIZE, "the method is not known");
        break;
    default:
        snprintf(message, MESSAGE_SIZE, "%s", http_status_phrase(error));
        break;
    }
    return error;
}

static atlas_status_t status_of(int http_status)
{
    switch (http_status) {
    case HTTP_ENTITYTOOLARGE:
    case 431:
        return ATLAS_RESOURCE_EXHAUSTED;
    case HTTP_NOTIMPLEMENTED:
        return ATLAS_UNIMPLEMENTED;
    default:
        return ATLAS_INVALID_ARGUMENT;
    }
}

/* The admin port's bodies are simpler. */
static void answer_as_admin(struct evhttp_request *request, int error, const char *phrase)
{
    struct evbuffer *body = evhttp_request_get_output_buffer(request);

    evhttp_add_header(request->output_headers, "Connection", "close");
    evhttp_add_header(request->output_headers, "Content-Type", "application/json");
    evbuffer_drain(body, evbuffer_get_length(body));
    evbuffer_add_printf(body, "{\"message\":\"%s\"}", phrase);
    evhttp_send_reply(request, error, phrase, NULL);
}

/* Takes the place of libevent's. */
void evhttp_send_error(struct evhttp_request *request, int error, const char *reason)
{
    /* The evhttp of a request is the argument of its callback. */
    struct rest_endpoint *endpoint = evhttp_errors_endpoint(request->cb_arg);
    char message[MESSAGE_SIZE];

    request->major = 1; /* may not have been read */
    request->minor = 1;
    if (request->type == EVHTTP_REQ_CONNECT) {
        request->type = EVHTTP_REQ_GET; /* evhttp would keep the connection as a tunnel */
    }
    if (endpoint == NULL) {
        answer_as_admin(request, error, reason != NULL ? reason : http_status_phrase(error));
        return;
    }
    rest_connections_request_arrived(&endpoint->connections, request);
    size_t taken = rest_connections_longest_take(&endpoint->connections, request);
    int http_status = describe(request, error, &endpoint->listener->server->limits, taken, message);
    rest_reply_error(endpoint, request, http_status, status_of(http_status), message, NULL, true);
}
