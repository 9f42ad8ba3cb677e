/* What the parts of the REST server share: a listener, and its half on each loop. */
#ifndef INBOUND_REST_REST_ENDPOINT_H
#define INBOUND_REST_REST_ENDPOINT_H

#include <event2/event_struct.h>
#include <stdatomic.h>

#include "inbound/rest/connections.h"
#include "inbound/rest/linger.h"
#include "inbound/rest/rest_server.h"
#include "inbound/rest/routes.h"
#include "inbound/service_names.h"

struct evconnlistener;
struct evhttp;
struct evhttp_request;
struct rest_exchange;
struct route_table;
struct worker;

struct rest_listener {
    struct rest_listener *next;
    struct rest_server *server;
    struct rest_endpoint *endpoints; /* one per loop */
    unsigned index;                  /* of the listener in its server */
    int fd;
    _Atomic(struct service_names *) services;
    char address[64];      /* "127.0.0.1:8085" */
    bool is_open;          /* its endpoints accept */
    bool is_leaving;       /* closed at a reload; every answer closes its connection */
    atomic_uint in_flight; /* requests that are not answered, or whose answer is not written */
};

/* A listener on one loop; touched on that loop only. */
struct rest_endpoint {
    struct rest_listener *listener;
    struct worker *worker;
    struct evhttp *http;
    struct evconnlistener *acceptor;
    struct rest_connections connections;
    struct rest_linger linger;
    struct rest_endpoint *next_on_loop; /* evhttp_errors.c */
    struct rest_exchange *exchanges;    /* in flight */
    size_t unasked;                     /* as it was counted last */
    bool is_draining;                   /* every reply closes its connection */
};

struct rest_server {
    struct runtime *runtime;
    struct rest_limits limits;
    struct rest_listener *listeners;
    atomic_uint listener_count; /* that ever were; written by the control thread */
    unsigned loop_count;
};

/* Opens the endpoint's evhttp on its loop; false when memory is out. */
bool rest_endpoint_open(struct rest_endpoint *endpoint);

/* No more connections; what is in flight goes on. */
void rest_endpoint_stop(struct rest_endpoint *endpoint);

/* Cancels what is in flight. */
void rest_endpoint_cancel(struct rest_endpoint *endpoint);

/* Closes all connections and frees the evhttp. No exchange may be left. */
void rest_endpoint_close(struct rest_endpoint *endpoint);

/* Counts the connections whose first request has not arrived. */
void rest_endpoint_count_unasked(struct rest_endpoint *endpoint);

/* The same once no exchange and no connection is left; else nothing. Stopped before. */
void rest_endpoint_close_if_empty(struct rest_endpoint *endpoint);

/* The callback of evhttp: a request is complete. arg is the endpoint. */
void rest_exchange_begin(struct evhttp_request *request, void *arg);

/* Cancels the call of an exchange; its answer still comes. */
void rest_exchange_cancel(struct rest_exchange *exchange);

/* The exchange after this one in its endpoint's list. */
struct rest_exchange *rest_exchange_next(const struct rest_exchange *exchange);

/* The routes of a listener for this epoch, made when they are first asked for; NULL when that
 * failed (which is logged). They live as long as the table. On the table's loop. */
const struct rest_routes *rest_epoch_routes(struct route_table *table,
                                            const struct rest_listener *listener);

#endif
