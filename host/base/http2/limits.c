#include "base/http2/limits.h"

#include "base/config/config.h"

struct grpc_limits grpc_limits_of(const struct config_grpc *config)
{
    struct grpc_limits limits = GRPC_LIMITS_DEFAULT;
    limits.max_concurrent_streams = (unsigned)config->streams;
    limits.max_connections = (unsigned)config->connections;
    limits.header_limit = (size_t)config->header_bytes;
    limits.stream_window = (size_t)config->stream_window_bytes;
    limits.connection_window = (size_t)config->connection_window_bytes;
    limits.send_buffer = (size_t)config->send_buffer_bytes;
    limits.stream_buffer = (size_t)config->stream_buffer_bytes;
    limits.reset_rate = (unsigned)config->resets;
    limits.handshake_timeout_ms = config->handshake_ms;
    limits.idle_timeout_ms = config->idle_ms;
    limits.keepalive_time_ms = config->keepalive_ms;
    limits.keepalive_timeout_ms = config->keepalive_timeout_ms;
    if (limits.min_ping_interval_ms > config->keepalive_ms / 2) {
        limits.min_ping_interval_ms = config->keepalive_ms / 2; /* our own clients are welcome */
    }
    limits.connections = (unsigned)config->client_connections;
    limits.pending_calls = (unsigned)config->client_queue;
    limits.connect_timeout_ms = config->connect_ms;
    limits.backoff_initial_ms = config->reconnect_min_ms;
    limits.backoff_max_ms = config->reconnect_max_ms;
    return limits;
}
