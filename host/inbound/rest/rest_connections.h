/*
 * Bounds the open connections of an evhttp, and the time that their requests take to arrive. evhttp
 * has no such bounds and tells nobody when a connection ends. Descriptors are noted when their
 * connections begin; when the bound seems to be reached, those that are closed by now are sorted
 * out.
 */
#ifndef INBOUND_REST_REST_CONNECTIONS_H
#define INBOUND_REST_REST_CONNECTIONS_H

#include <event2/event_struct.h>
#include <sys/stat.h>

#include "base/loop.h"
#include "inbound/rest/rest_metrics.h"
#include "inbound/rest/slow_requests.h"

struct bufferevent;
struct evconnlistener;
struct evhttp_request;

struct rest_connection {
    struct rest_connections *connections;
    struct bufferevent *bufferevent; /* lives as long as the socket is the same */
    int fd;
    ino_t inode; /* of the socket: a descriptor of the same number may be another one by now */
    struct slow_request arriving;
    size_t longest_take; /* bytes that evhttp took at once, the most since the last answer */
    bool has_asked;      /* a request has arrived as a whole */
    struct rest_connection *next_free;
};

struct rest_connections {
    const char *address; /* of the listener */
    struct loop *loop;
    struct evconnlistener *acceptor; /* is stopped while the bound is reached */
    struct rest_connection *all;     /* room for limit */
    struct rest_connection *free;
    struct rest_connection **open;
    struct rest_connection **by_fd; /* of those that are open, or were */
    size_t fd_count;                /* room in by_fd */
    size_t count;
    size_t sweep_at; /* sort out when count reaches it */
    size_t limit;
    struct rest_connection *fresh[64]; /* accepted in this pass, a reference held */
    size_t fresh_count;
    struct loop_task note_task;
    struct event resume_event;
    struct event look_event; /* for the gauge */
    struct slow_requests slow;
    struct rest_metrics metrics; /* of its owner; zero: none */
    bool is_paused;
    int64_t pause_told_ns; /* that descriptors are out */
};

/* Starts with room for limit connections, each of whose requests may take request_ms to arrive;
 * false when memory is out. address outlives it. On the loop. */
bool rest_connections_init(struct rest_connections *connections, const char *address,
                           struct loop *loop, struct evconnlistener *acceptor, size_t limit,
                           int64_t request_ms);

/* A connection begins: its socket is known at the end of this pass. */
void rest_connections_add(struct rest_connections *connections, struct bufferevent *bufferevent);

/* A request has arrived as a whole. */
void rest_connections_request_arrived(struct rest_connections *connections,
                                      struct evhttp_request *request);

/* The most that evhttp has taken at once of what has arrived since the last answer: while it has
 * counted no headers, the size of the request line. */
size_t rest_connections_longest_take(struct rest_connections *connections,
                                     struct evhttp_request *request);

/* Its answer is written. */
void rest_connections_request_answered(struct rest_connections *connections,
                                       struct evhttp_request *request);

/* Stops accepting for a moment: descriptors or memory are out. */
void rest_connections_pause(struct rest_connections *connections);

/* Never accepts again. */
void rest_connections_stop(struct rest_connections *connections);

/* How many are open now. */
size_t rest_connections_count(struct rest_connections *connections);

/* How many are open now whose first request has not arrived: nobody may close them yet. */
size_t rest_connections_unasked(struct rest_connections *connections);

/* After the evhttp and its connections have gone. */
void rest_connections_finish(struct rest_connections *connections);

#endif
