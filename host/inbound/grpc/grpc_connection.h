/* One gRPC connection of the server, and what the server keeps per loop. Private to inbound. */
#ifndef INBOUND_GRPC_CONNECTION_H
#define INBOUND_GRPC_CONNECTION_H

#include <stdatomic.h>

#include "base/http2/http2_connection.h"
#include "inbound/grpc/grpc_metrics.h"
#include "inbound/grpc/grpc_server.h"
#include "inbound/service_names.h"

struct grpc_stream;
struct worker;

struct grpc_listener {
    struct grpc_server *server;
    struct grpc_listener *next;
    int fd;
    _Atomic(struct service_names *) services; /* of none: all */
    atomic_bool trusts_identity;
    char name[64]; /* "127.0.0.1:50051" */
    struct event accept_event;
    struct event pause_event; /* accepts again after the system ran out of descriptors */
    bool is_accepting;
    atomic_bool is_leaving;  /* closed at a reload; its connections are told to go */
    atomic_uint connections; /* with those on their way to their loops */
};

/* Everything in it but connection_count is for its loop only. */
struct grpc_loop {
    struct grpc_server *server;
    struct worker *worker;
    struct grpc_connection *connections;
    struct grpc_stream *free_streams;
    uint8_t *scratch;
    struct grpc_metrics metrics;
    struct event tick_event;
    bool is_ticking;
    bool is_draining;
    atomic_uint connection_count; /* with those on their way to it */
};

enum grpc_drain {
    GRPC_SERVING,
    GRPC_NOTICED,  /* told that GOAWAY will follow; streams still come in */
    GRPC_DRAINING, /* told the last stream that counts */
};

struct grpc_connection {
    struct http2_connection http2; /* first */
    struct grpc_loop *loop;
    struct grpc_listener *listener;
    struct grpc_connection *next;
    struct grpc_connection **link;
    struct grpc_stream *streams;
    struct grpc_stream *ready; /* to be started when the session has taken what was read */
    struct grpc_stream **ready_tail;
    unsigned calls_running; /* handlers, those of streams that were reset too */
    enum grpc_drain drain;
    int64_t drain_ns;       /* of the notice */
    int64_t last_stream_ns; /* when there was a stream last, with the resolution of the ticks */
};

/* Takes over an accepted socket. On its loop. */
void grpc_connection_open(struct grpc_loop *loop, struct grpc_listener *listener, int fd);

/* Tells the peer to go. */
void grpc_connection_drain(struct grpc_connection *connection);

/* Queues a stream whose call can start. */
void grpc_connection_add_ready(struct grpc_connection *connection, struct grpc_stream *stream);

/* Time passes. */
void grpc_connection_tick(struct grpc_connection *connection, int64_t now_ns);

/* The callbacks of all sessions; made once. NULL: out of memory. */
nghttp2_session_callbacks *grpc_connection_callbacks(void);

/* Of the server, for its connections. */
const struct grpc_limits *grpc_server_limits(const struct grpc_server *server);
const nghttp2_session_callbacks *grpc_server_callbacks(const struct grpc_server *server);
const nghttp2_option *grpc_server_session_options(const struct grpc_server *server);
void grpc_server_connection_closed(struct grpc_loop *loop, struct grpc_listener *listener);

/* Listener sockets (grpc_listener.c). */
atlas_status_t grpc_listener_open(struct grpc_server *server,
                                  const struct grpc_listener_options *options,
                                  struct grpc_listener **ret_listener, uint16_t *ret_port,
                                  struct error *error);
/* On the loop that accepts. */
void grpc_listener_start(struct grpc_listener *listener, struct loop *loop);
void grpc_listener_stop(struct grpc_listener *listener);

/* Frees a listener that does not accept. */
void grpc_listener_free(struct grpc_listener *listener);
/* Hands an accepted socket to the loop with the fewest connections. */
void grpc_server_dispatch(struct grpc_listener *listener, int fd);

#endif
