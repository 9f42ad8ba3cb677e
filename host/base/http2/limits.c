#include "base/http2/limits.h"

#include "base/config/config.h"

struct grpc_limits grpc_limits_of(const struct config_grpc *config)
{
    /* A host's own clients are welcome however it is configured. */
    int64_t ping_ms =
        config->ping_ms < config->keepalive_ms / 2 ? config->ping_ms : config->keepalive_ms / 2;
    return (struct grpc_limits){
        .streams = (unsigned)config->streams,
        .header_limit = (size_t)config->header_bytes,
        .stream_window = (size_t)config->stream_window_bytes,
        .connection_window = (size_t)config->connection_window_bytes,
        .stream_buffer = (size_t)config->stream_buffer_bytes,
        .send_buffer = (size_t)config->send_buffer_bytes,
        .reset_burst = (unsigned)config->reset_burst,
        .resets = (unsigned)config->resets,
        .control_frames = (unsigned)config->control_frames,
        .queued_frames = (unsigned)config->queued_frames,
        .handshake_timeout_ms = config->handshake_ms,
        .write_timeout_ms = config->write_ms,
        .keepalive_interval_ms = config->keepalive_ms,
        .keepalive_timeout_ms = config->keepalive_timeout_ms,
        .connections = (unsigned)config->connections,
        .idle_timeout_ms = config->idle_ms,
        .ping_interval_ms = ping_ms,
        .ping_strikes = (unsigned)config->ping_strikes,
        .body_timeout_ms = config->body_ms,
        .client_connections = (unsigned)config->client_connections,
        .client_queue = (unsigned)config->client_queue,
        .connect_timeout_ms = config->connect_ms,
        .reconnect_min_ms = config->reconnect_min_ms,
        .reconnect_max_ms = config->reconnect_max_ms,
    };
}
