/*
 * Bounds the open connections of an evhttp, which itself has no such bound and tells nobody when a
 * connection ends. Descriptors are noted when their connections begin; when the bound seems to be
 * reached, those that are closed by now are sorted out.
 */
#ifndef INBOUND_REST_CONNECTIONS_H
#define INBOUND_REST_CONNECTIONS_H

#include <event2/event_struct.h>
#include <sys/stat.h>

#include "base/loop.h"

struct bufferevent;
struct evconnlistener;

struct rest_connection {
    int fd;
    ino_t inode; /* of the socket: a descriptor of the same number may be another one by now */
};

struct rest_connections {
    struct loop *loop;
    struct evconnlistener *acceptor; /* is stopped while the bound is reached */
    struct rest_connection *open;
    size_t count;
    size_t sweep_at; /* sort out when count reaches it */
    size_t limit;
    struct bufferevent *fresh[64]; /* accepted in this pass, a reference held */
    size_t fresh_count;
    struct loop_task note_task;
    struct event resume_event;
    bool is_paused;
};

/* Starts with room for limit connections; false when memory is out. On the loop. */
bool rest_connections_init(struct rest_connections *connections, struct loop *loop,
                           struct evconnlistener *acceptor, size_t limit);

/* A connection begins: its socket is known at the end of this pass. */
void rest_connections_add(struct rest_connections *connections, struct bufferevent *bufferevent);

/* Stops accepting for a moment: descriptors or memory are out. */
void rest_connections_pause(struct rest_connections *connections);

/* Never accepts again. */
void rest_connections_stop(struct rest_connections *connections);

/* How many are open now. */
size_t rest_connections_count(struct rest_connections *connections);

void rest_connections_finish(struct rest_connections *connections);

#endif
