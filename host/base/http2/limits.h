/* Bounds of gRPC connections, server and client, from the group "grpc" of the configuration:
 * members have the names of its keys. */
#ifndef BASE_HTTP2_LIMITS_H
#define BASE_HTTP2_LIMITS_H

#include <stddef.h>
#include <stdint.h>

struct grpc_limits {
    /* Both sides. */
    unsigned streams;              /* that the peer may have open on one connection */
    size_t header_limit;           /* bytes of one header list: names, values and 32 each */
    size_t stream_window;          /* bytes that may arrive on a stream before they are taken */
    size_t connection_window;      /* the same for all streams of a connection */
    size_t stream_buffer;          /* bytes a stream queues before send waits */
    size_t send_buffer;            /* bytes of answers that wait on one connection before it
                                      starts no more calls, and reads no more if it is blocked */
    unsigned reset_burst;          /* RST_STREAM frames at once, from the peer or our own ... */
    unsigned resets;               /* ... and per second afterwards, before GOAWAY */
    unsigned control_frames;       /* PING, SETTINGS, WINDOW_UPDATE, empty DATA per second */
    unsigned queued_frames;        /* that wait behind a blocked write before reading stops */
    int64_t handshake_timeout_ms;  /* until the peer's first SETTINGS */
    int64_t write_timeout_ms;      /* a write blocked for longer ends the connection */
    int64_t keepalive_interval_ms; /* silence before a PING; 0: no PING */
    int64_t keepalive_timeout_ms;  /* silence after it before the connection is given up */

    /* Server. */
    unsigned connections;     /* accepted at once, over all listeners */
    int64_t idle_timeout_ms;  /* without streams before GOAWAY; 0: none */
    int64_t ping_interval_ms; /* PINGs that come faster are strikes ... */
    unsigned ping_strikes;    /* ... of which so many are borne without data in between */
    int64_t body_timeout_ms;  /* until the request of a unary call is complete */

    /* Client. */
    unsigned client_connections; /* per address and loop */
    unsigned client_queue;       /* per connection: waiting for it, or for a free stream */
    int64_t connect_timeout_ms;  /* of one attempt */
    int64_t reconnect_min_ms;    /* between attempts: grows by 1.6, jitter of a fifth */
    int64_t reconnect_max_ms;
};

struct config_grpc;

/* The limits that the group "grpc" of the configuration says. */
struct grpc_limits grpc_limits_of(const struct config_grpc *config);

#endif
