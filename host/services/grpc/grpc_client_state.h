/*
 * What the parts of the gRPC client share: targets, channels, connections, streams. Private to
 * services/grpc. A call's way: grpc_client_call makes a stream, grpc_target finds its address,
 * grpc_client_route a channel, grpc_client_request sends it, grpc_client_session reads frames,
 * grpc_client_response takes them.
 */
#ifndef SERVICES_GRPC_CLIENT_STATE_H
#define SERVICES_GRPC_CLIENT_STATE_H

#include "atlas/client.h"
#include "base/http2/http2_connection.h"
#include "base/http2/incoming.h"
#include "base/http2/outgoing.h"
#include "runtime/call.h"
#include "runtime/runtime.h"
#include "services/addresses.h"
#include "services/grpc/grpc_client_options.h"

struct grpc_client_stream;
struct grpc_target;
struct readiness_check;

enum grpc_channel_state { /* see grpc_channel.h */
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
    bool is_told;      /* in the log: that it cannot be reached */
    int64_t ready_ns;  /* when it was READY last */
    unsigned goodbyes; /* in a row, of connections that did not last */
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

/* What the lower parts tell those above them; grpc_client.c says who that is. */
struct grpc_client_events {
    /* The peer's SETTINGS have come. */
    void (*ready)(struct grpc_channel *channel);
    /* A stream of its connection has become free, or the peer allows more. */
    void (*room)(struct grpc_channel *channel);
    /* Its connection takes no new streams any more. reason is static. */
    void (*leaving)(struct grpc_channel *channel, const char *reason);
    /* HTTP/2 has closed it with this code, or (is_lost) its connection has broken; no connection
     * holds it any more. */
    void (*stream_closed)(struct grpc_client_stream *stream, uint32_t error_code, bool is_lost);
};

struct grpc_client {
    struct runtime *runtime;
    struct grpc_client_options options;
    const struct grpc_client_events *events;
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

/*
 * A stream is held from two sides: by the caller (call is not NULL) and by the queue of a channel
 * or a connection. It is freed when both have let go.
 */
struct grpc_client_stream {
    struct grpc_client_loop *loop;
    struct grpc_channel *channel;              /* NULL or the one whose queue it is in */
    struct grpc_client_connection *connection; /* NULL or the one it was submitted to */
    struct grpc_client_stream *next;
    struct grpc_client_stream **link; /* in a connection's list */
    struct grpc_target *target;
    int32_t id;

    /* The request. */
    struct call *call;
    const char *path;
    const struct atlas_metadata *metadata;
    size_t metadata_count;
    int64_t deadline_ns;
    bool is_unary;
    bool is_ended;   /* no more messages follow */
    bool is_sent;    /* its HEADERS have been handed to the socket */
    bool is_retried; /* the one repetition of what was refused is used up */
    struct outgoing outgoing;
    struct outgoing_message request; /* of a unary call */
    struct atlas_bytes request_body;

    /* The answer. */
    bool has_status;  /* grpc-status came in the header list at hand */
    bool is_grpc;     /* content-type */
    bool is_complete; /* status is final */
    int http_status;
    size_t header_bytes;
    atlas_status_t status;
    unsigned replies;
    struct message_parser parser; /* unary */
    struct atlas_bytes reply;     /* unary: in the caller's arena */
    struct incoming incoming;     /* streams */
    struct wait *recv_wait;
    struct wait *send_wait;
    char message[CALL_MESSAGE_SIZE]; /* last: only its first byte is cleared */
};

#endif
