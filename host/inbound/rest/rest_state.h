/*
 * What the parts of the REST server share: listeners, and their halves on each loop. Private to
 * inbound/rest. A request's way: rest_endpoint has evhttp accept and read it, rest_receive makes a
 * call of it, rest_exchange runs the call, rest_reply answers.
 */
#ifndef INBOUND_REST_REST_STATE_H
#define INBOUND_REST_REST_STATE_H

#include <event2/event_struct.h>
#include <stdatomic.h>

#include "inbound/rest/rest_connections.h"
#include "inbound/rest/rest_limits.h"
#include "inbound/rest/rest_linger.h"
#include "inbound/service_names.h"

struct evconnlistener;
struct evhttp;
struct rest_exchange;
struct rest_server;
struct runtime;
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

#endif
