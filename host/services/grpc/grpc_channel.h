/*
 * A channel: the way to one address from one loop. It holds one connection, makes it again when it
 * breaks, and queues calls while there is none or no stream is free. Private to the gRPC client.
 *
 *   RESOLVING -> CONNECTING -> HANDSHAKE -> READY
 *        |           ^ \____________\_______ failure: the next address
 *        |           |____________________/
 *        \_________________________________ failure of the last: BACKOFF -> RESOLVING
 *   READY -> RESOLVING when the connection ends or the peer says GOAWAY
 */
#ifndef SERVICES_GRPC_CHANNEL_H
#define SERVICES_GRPC_CHANNEL_H

#include "base/http2/http2_connection.h"
#include "runtime/runtime.h"
#include "services/addresses.h"
#include "services/grpc/grpc_client.h"

struct readiness_check;
struct grpc_client_stream;
struct grpc_target;

enum grpc_channel_state {
    CHANNEL_BACKOFF,
    CHANNEL_RESOLVING,
    CHANNEL_CONNECTING,
    CHANNEL_HANDSHAKE,
    CHANNEL_READY,
};

struct grpc_stream_queue {
    struct grpc_client_stream *head;
    struct grpc_client_stream **tail;
    unsigned count;
};

struct grpc_channel {
    struct grpc_target *target;
    enum grpc_channel_state state;
    struct grpc_client_connection *connection; /* in HANDSHAKE and READY */
    int fd;                                    /* in CONNECTING */
    struct event socket_event;
    struct event timer; /* the time limit of a step, or the pause before the next attempt */
    struct resolver_query *resolving; /* in RESOLVING */
    struct addresses addresses;
    unsigned failures;
    struct grpc_stream_queue pending;
    char failure[96]; /* why it is not connected */
};

/* One address, from one loop. */
struct grpc_target {
    struct grpc_target *next;
    struct grpc_client_loop *loop;
    char host[256];
    char name[264]; /* "host:port", as :authority */
    uint16_t port;
    bool is_current; /* some service is there; else it is not connected to again */
    struct readiness_check *readiness; /* NULL: nobody asked for it before the first call */
    unsigned channel_count;
    struct grpc_channel channels[];
};

/* Which target a service has, as it was found once. */
struct grpc_service_entry {
    struct grpc_service_entry *next;
    struct grpc_target *target;
    size_t len;
    char service[];
};

struct grpc_client_loop {
    struct grpc_client *client;
    struct worker *worker;
    struct grpc_target *targets;
    struct grpc_service_entry *services;
    struct grpc_client_connection *connections; /* of all channels, and those that are leaving */
    struct grpc_client_stream *free_streams;
    uint8_t *scratch;
    struct event tick_event;
    bool is_ticking;
    bool is_closing; /* nothing is connected again */
};

struct grpc_client {
    struct runtime *runtime;
    struct grpc_client_options options;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *session_options;
    struct grpc_client_loop *loops;
    unsigned loop_count;
    struct remote_transport transport;
};

struct grpc_client_connection {
    struct http2_connection http2; /* first */
    struct grpc_client_loop *loop;
    struct grpc_channel *channel; /* NULL: leaving; its streams go on, new ones go elsewhere */
    struct grpc_client_connection *next;
    struct grpc_client_connection **link;
    struct grpc_client_stream *streams;
    unsigned stream_count;
};

/* Prepares a channel and starts to connect. */
void grpc_channel_init(struct grpc_channel *channel, struct grpc_target *target);

/* Connects again at once if nobody wanted it any more. */
void grpc_channel_wake(struct grpc_channel *channel);

/* Ends attempts and timers, for ever. */
void grpc_channel_finish(struct grpc_channel *channel);

/* Sends the stream's request now, or when it can be sent. UNAVAILABLE when the channel waits
 * before it connects again, RESOURCE_EXHAUSTED when the queue is full; ret_reason is then why. */
atlas_status_t grpc_channel_add(struct grpc_channel *channel, struct grpc_client_stream *stream,
                                const char **ret_reason);

/* Takes a stream out of the queue. */
void grpc_channel_remove(struct grpc_channel *channel, struct grpc_client_stream *stream);

/* A stream of its connection has become free, or the peer allows more. */
void grpc_channel_pump(struct grpc_channel *channel);

/* The peer's SETTINGS have come. */
void grpc_channel_ready(struct grpc_channel *channel);

/* Its connection takes no new streams any more: the channel makes another one. reason is static. */
void grpc_channel_leave(struct grpc_channel *channel, const char *reason);

/* Targets (grpc_target.c). The one of a service, made when it is first asked for; NULL: the service
 * has no address. */
struct grpc_target *grpc_target_of(struct grpc_client_loop *loop, const char *service, size_t len);
/* Each service is asked for again; targets that none has then are not connected to again. */
void grpc_target_forget_services(struct grpc_client_loop *loop);

/* Sessions (grpc_client_session.c). */
nghttp2_session_callbacks *grpc_client_session_callbacks(void);
/* Takes over a connected socket. NULL: out of memory. */
struct grpc_client_connection *grpc_client_connection_open(struct grpc_channel *channel, int fd);
/* Requests (grpc_client_request.c): sends that of a stream. False if the session takes none. */
bool grpc_client_connection_submit(struct grpc_client_connection *connection,
                                   struct grpc_client_stream *stream);

#endif
