/* Bounds of gRPC connections for tests: wide, so that each test narrows the one that it is about.
 */
#ifndef TESTS_GRPC_LIMITS_H
#define TESTS_GRPC_LIMITS_H

#include "base/http2/limits.h"

#define LIMITS_WIDE                                                                                \
    ((struct grpc_limits){                                                                         \
        .streams = 1000,                                                                           \
        .header_limit = 8192,                                                                      \
        .stream_window = 262144,                                                                   \
        .connection_window = 4194304,                                                              \
        .stream_buffer = 65536,                                                                    \
        .send_buffer = 1048576,                                                                    \
        .reset_burst = 1000,                                                                       \
        .resets = 200,                                                                             \
        .control_frames = 20000,                                                                   \
        .queued_frames = 4096,                                                                     \
        .handshake_timeout_ms = 10000,                                                             \
        .write_timeout_ms = 30000,                                                                 \
        .keepalive_interval_ms = 60000,                                                            \
        .keepalive_timeout_ms = 20000,                                                             \
        .connections = 4096,                                                                       \
        .idle_timeout_ms = 0,                                                                      \
        .ping_interval_ms = 10000,                                                                 \
        .ping_strikes = 2,                                                                         \
        .body_timeout_ms = 30000,                                                                  \
        .client_connections = 1,                                                                   \
        .client_queue = 4096,                                                                      \
        .connect_timeout_ms = 5000,                                                                \
        .reconnect_min_ms = 250,                                                                   \
        .reconnect_max_ms = 10000,                                                                 \
    })

#endif
