/* An evhttp on one loop: what it accepts and how much. */
#include "inbound/rest/rest_endpoint.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "inbound/rest/evhttp_errors.h"
#include "inbound/rest/rest_exchange.h"
#include "inbound/rest/rest_receive.h"
#include "runtime/worker.h"

/* All that evhttp knows: which of them a path takes is ours to say. */
#define METHODS                                                                                    \
    (EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |     \
     EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_PATCH)

/* evhttp reads on while it writes an answer, without a bound of its own. And it closes a socket of
 * its own before the events on it are gone, when another loop may have the number already: so the
 * bufferevent closes it. */
static struct bufferevent *endpoint_on_connection(struct event_base *base, void *arg)
{
    struct rest_endpoint *endpoint = arg;
    const struct rest_limits *limits = &endpoint->listener->server->limits;
    struct bufferevent *bufferevent = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

    if (bufferevent != NULL) {
        bufferevent_setwatermark(bufferevent, EV_READ, 0,
                                 limits->body_limit + limits->header_limit);
        rest_connections_add(&endpoint->connections, bufferevent);
    }
    return bufferevent;
}

/* The argument is that of the acceptor's callback: evhttp's, so itself. */
static void endpoint_on_accept_error(struct evconnlistener *acceptor, void *arg)
{
    struct rest_endpoint *endpoint = evhttp_errors_endpoint(arg);

    (void)acceptor;
    rest_connections_pause(&endpoint->connections);
}

static void configure(struct rest_endpoint *endpoint)
{
    const struct rest_limits *limits = &endpoint->listener->server->limits;
    struct timeval idle = {limits->idle_ms / 1000, limits->idle_ms % 1000 * 1000};

    evhttp_set_allowed_methods(endpoint->http, METHODS);
    evhttp_set_max_headers_size(endpoint->http, (ev_ssize_t)limits->header_limit);
    evhttp_set_max_body_size(endpoint->http, (ev_ssize_t)limits->body_limit);
    evhttp_set_timeout_tv(endpoint->http, &idle);
    evhttp_set_default_content_type(endpoint->http, NULL);
    evhttp_set_bevcb(endpoint->http, endpoint_on_connection, endpoint);
    evhttp_set_gencb(endpoint->http, rest_receive, endpoint);
}

bool rest_endpoint_open(struct rest_endpoint *endpoint)
{
    const struct rest_server *server = endpoint->listener->server;
    struct event_base *base = loop_base(endpoint->worker->loop);
    size_t limit = (server->limits.connections + server->loop_count - 1) / server->loop_count;

    endpoint->http = evhttp_new(base);
    endpoint->acceptor =
        evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, endpoint->listener->fd);
    if (endpoint->http == NULL || endpoint->acceptor == NULL ||
        !rest_connections_init(&endpoint->connections, endpoint->listener->address,
                               endpoint->worker->loop, endpoint->acceptor, limit,
                               server->limits.request_ms)) {
        return false;
    }
    rest_metrics_init(&endpoint->connections.metrics, endpoint->listener->address);
    configure(endpoint);
    rest_linger_init(&endpoint->linger, base, server->limits.lingering, server->limits.linger_ms);
    evhttp_errors_answer(endpoint);
    evconnlistener_set_error_cb(endpoint->acceptor, endpoint_on_accept_error);
    return evhttp_bind_listener(endpoint->http, endpoint->acceptor) != NULL;
}

void rest_endpoint_stop(struct rest_endpoint *endpoint)
{
    endpoint->is_draining = true;
    if (endpoint->http != NULL) {
        rest_connections_stop(&endpoint->connections);
    }
}

void rest_endpoint_cancel(struct rest_endpoint *endpoint)
{
    for (struct rest_exchange *exchange = endpoint->exchanges; exchange != NULL;
         exchange = rest_exchange_next(exchange)) {
        rest_exchange_cancel(exchange);
    }
}

void rest_endpoint_count_unasked(struct rest_endpoint *endpoint)
{
    endpoint->unasked =
        endpoint->http != NULL ? rest_connections_unasked(&endpoint->connections) : 0;
}

void rest_endpoint_close_if_empty(struct rest_endpoint *endpoint)
{
    if (endpoint->http != NULL && endpoint->exchanges == NULL && endpoint->linger.count == 0 &&
        rest_connections_count(&endpoint->connections) == 0) {
        rest_endpoint_close(endpoint);
    }
}

void rest_endpoint_close(struct rest_endpoint *endpoint)
{
    if (endpoint->http != NULL) {
        evhttp_errors_leave(endpoint);
        rest_linger_finish(&endpoint->linger);
        evhttp_free(endpoint->http); /* the acceptor with it */
        endpoint->http = NULL;
        rest_connections_finish(&endpoint->connections);
        rest_metrics_finish(&endpoint->connections.metrics);
    }
}
