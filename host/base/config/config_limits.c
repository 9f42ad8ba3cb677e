/* Every bound of the host: key, type, default, least and greatest value, one line each. */
#include "base/config/config_limits.h"

#include "base/config/config.h"

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define SEC INT64_C(1000)
#define MIN (60 * SEC)
#define HR  (60 * MIN)

#define WHOLE(group, key, member, fallback, min, max)                                              \
    {                                                                                              \
        key, CONFIG_FIELD_WHOLE, offsetof(struct group, member), fallback, {min, max}, NULL        \
    }
#define TIME(group, key, member, fallback, min, max)                                               \
    {                                                                                              \
        key, CONFIG_FIELD_DURATION, offsetof(struct group, member), fallback, {min, max}, NULL     \
    }
#define SIZE(group, key, member, fallback, min, max)                                               \
    {                                                                                              \
        key, CONFIG_FIELD_SIZE, offsetof(struct group, member), fallback, {min, max}, NULL         \
    }
#define FLAG(group, key, member, fallback)                                                         \
    {                                                                                              \
        key, CONFIG_FIELD_FLAG, offsetof(struct group, member), fallback, {0, 0}, NULL             \
    }
#define TEXT(group, key, member, fallback)                                                         \
    {                                                                                              \
        key, CONFIG_FIELD_TEXT, offsetof(struct group, member), fallback, {0, 0}, NULL             \
    }

#define SECRET(group, member)                                                                      \
    TEXT(group, "password", member.text, ""), TEXT(group, "password_env", member.variable, ""),    \
    {                                                                                              \
        "password_file", CONFIG_FIELD_PATH, offsetof(struct group, member.file), "", {0, 0}, NULL  \
    }

static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};

static const struct config_field logging[] = {
    {"level", CONFIG_FIELD_CHOICE, offsetof(struct config_log, level), "info", {0, 0}, log_levels},
};

/* A fiber's stack takes two mappings and a process has 65,530 of them. */
static const struct config_field calls[] = {
    WHOLE(config_calls, "fibers", fibers, "4096", 16, 30000),
    SIZE(config_calls, "stack", stack_bytes, "256KiB", 64 * KIB, 16 * MIB),
    SIZE(config_calls, "arena_limit", arena_bytes, "16MiB", 64 * KIB, GIB),
    TIME(config_calls, "default_deadline", default_deadline_ms, "30s", 0, 24 * HR),
    TIME(config_calls, "max_deadline", max_deadline_ms, "5m", SEC, 24 * HR),
    WHOLE(config_calls, "nesting", nesting, "8", 1, 64),
    WHOLE(config_calls, "tasks", tasks, "64", 1, 4096),
    TIME(config_calls, "background_timeout", background_ms, "1m", 100, HR),
    TIME(config_calls, "cleanup_limit", cleanup_ms, "5s", 10, MIN),
    SIZE(config_calls, "metadata_limit", metadata_bytes, "8KiB", KIB, 64 * KIB),
    SIZE(config_calls, "message_limit", message_bytes, "4MiB", KIB, 256 * MIB),
    FLAG(config_calls, "force_wire", force_wire, "false"),
};

static const struct config_field offload[] = {
    WHOLE(config_offload, "threads", threads, "2", 1, 64),
    WHOLE(config_offload, "queue", queue, "256", 1, 65536),
};

static const struct config_field watchdog[] = {
    TIME(config_watchdog, "threshold", threshold_ms, "100ms", 0, MIN),
};

static const struct config_field grpc[] = {
    WHOLE(config_grpc, "connections", connections, "1024", 1, 100000),
    WHOLE(config_grpc, "streams", streams, "128", 1, 10000),
    SIZE(config_grpc, "header_limit", header_bytes, "16KiB", KIB, 256 * KIB),
    SIZE(config_grpc, "stream_window", stream_window_bytes, "256KiB", 64 * KIB, GIB),
    SIZE(config_grpc, "connection_window", connection_window_bytes, "1MiB", 64 * KIB, GIB),
    SIZE(config_grpc, "send_buffer", send_buffer_bytes, "1MiB", 16 * KIB, 256 * MIB),
    SIZE(config_grpc, "stream_buffer", stream_buffer_bytes, "64KiB", KIB, 16 * MIB),
    WHOLE(config_grpc, "resets", resets, "200", 1, 100000),
    WHOLE(config_grpc, "reset_burst", reset_burst, "1000", 1, 100000),
    WHOLE(config_grpc, "control_frames", control_frames, "20000", 100, 1000000),
    WHOLE(config_grpc, "queued_frames", queued_frames, "4096", 16, 1000000),
    TIME(config_grpc, "ping_interval", ping_ms, "10s", 0, HR),
    WHOLE(config_grpc, "ping_strikes", ping_strikes, "2", 0, 1000),
    WHOLE(config_grpc, "backlog", backlog, "1024", 1, 65535),
    TIME(config_grpc, "handshake_timeout", handshake_ms, "10s", 100, MIN),
    TIME(config_grpc, "body_timeout", body_ms, "30s", 100, HR),
    TIME(config_grpc, "write_timeout", write_ms, "30s", 100, HR),
    TIME(config_grpc, "idle_timeout", idle_ms, "0s", 0, 24 * HR),
    TIME(config_grpc, "keepalive_interval", keepalive_ms, "30s", SEC, HR),
    TIME(config_grpc, "keepalive_timeout", keepalive_timeout_ms, "10s", 100, 10 * MIN),
    WHOLE(config_grpc, "client_connections", client_connections, "1", 1, 64),
    WHOLE(config_grpc, "client_queue", client_queue, "1024", 1, 100000),
    TIME(config_grpc, "connect_timeout", connect_ms, "2s", 10, MIN),
    TIME(config_grpc, "reconnect_min", reconnect_min_ms, "50ms", 10, MIN),
    TIME(config_grpc, "reconnect_max", reconnect_max_ms, "1s", 10, 10 * MIN),
};

static const struct config_field rest[] = {
    WHOLE(config_rest, "connections", connections, "4096", 1, 100000),
    SIZE(config_rest, "body_limit", body_bytes, "1MiB", KIB, 256 * MIB),
    SIZE(config_rest, "header_limit", header_bytes, "16KiB", KIB, 256 * KIB),
    WHOLE(config_rest, "depth", depth, "64", 4, 100),
    WHOLE(config_rest, "backlog", backlog, "1024", 1, 65535),
    TIME(config_rest, "request_timeout", request_ms, "30s", 10, HR),
    TIME(config_rest, "idle_timeout", idle_ms, "60s", SEC, HR),
    TIME(config_rest, "linger_timeout", linger_ms, "5s", 100, MIN),
    WHOLE(config_rest, "lingering", lingering, "256", 1, 100000),
};

static const struct config_field admin[] = {
    WHOLE(config_admin, "connections", connections, "32", 1, 1024),
    SIZE(config_admin, "header_limit", header_bytes, "8KiB", KIB, 256 * KIB),
    WHOLE(config_admin, "backlog", backlog, "64", 1, 65535),
    TIME(config_admin, "request_timeout", request_ms, "10s", 10, HR),
    TIME(config_admin, "idle_timeout", idle_ms, "30s", SEC, HR),
};

static const struct config_field metrics[] = {
    WHOLE(config_metrics, "series", series, "5000", 10, 1000000),
};

static const struct config_field postgres[] = {
    TEXT(config_postgres, "host", host, "127.0.0.1"),
    WHOLE(config_postgres, "port", port, "5432", 1, 65535),
    TEXT(config_postgres, "dbname", dbname, "atlas"),
    SECRET(config_postgres, password),
    WHOLE(config_postgres, "read_connections", read_connections, "2", 1, 64),
    WHOLE(config_postgres, "write_connections", write_connections, "4", 1, 64),
    WHOLE(config_postgres, "lease_connections", lease_connections, "2", 1, 64),
    WHOLE(config_postgres, "queue", queue, "256", 1, 65536),
    TIME(config_postgres, "lease_wait", lease_wait_ms, "2s", 1, 10 * MIN),
    WHOLE(config_postgres, "rows", rows, "10000", 1, 10000000),
    SIZE(config_postgres, "result_limit", result_bytes, "4MiB", KIB, GIB),
    TIME(config_postgres, "statement_timeout", statement_ms, "10s", 10, HR),
    TIME(config_postgres, "connect_timeout", connect_ms, "2s", 10, MIN),
    TIME(config_postgres, "reconnect_min", reconnect_min_ms, "50ms", 10, MIN),
    TIME(config_postgres, "reconnect_max", reconnect_max_ms, "1s", 10, 10 * MIN),
    TIME(config_postgres, "migration_timeout", migration_ms, "60s", SEC, 24 * HR),
    TIME(config_postgres, "outbox_poll", outbox_poll_ms, "1s", 10, 10 * MIN),
    WHOLE(config_postgres, "outbox_batch", outbox_batch, "100", 1, 10000),
};

static const struct config_field redis[] = {
    TEXT(config_redis, "host", host, "127.0.0.1"),
    WHOLE(config_redis, "port", port, "6379", 1, 65535),
    WHOLE(config_redis, "database", database, "0", 0, 15),
    SECRET(config_redis, password),
    WHOLE(config_redis, "pipeline", pipeline, "1024", 1, 65536),
    WHOLE(config_redis, "queue", queue, "16384", 1, 1000000),
    SIZE(config_redis, "reply_limit", reply_bytes, "4MiB", KIB, 512 * MIB),
    TIME(config_redis, "command_timeout", command_ms, "1s", 1, MIN),
    TIME(config_redis, "connect_timeout", connect_ms, "1s", 10, MIN),
    TIME(config_redis, "reconnect_min", reconnect_min_ms, "50ms", 10, MIN),
    TIME(config_redis, "reconnect_max", reconnect_max_ms, "1s", 10, 10 * MIN),
};

static const struct config_field kafka[] = {
    TEXT(config_kafka, "brokers", brokers, ""),
    WHOLE(config_kafka, "queue_messages", queue_messages, "10000", 1, 1000000),
    SIZE(config_kafka, "queue_bytes", queue_bytes, "64MiB", MIB, GIB),
    SIZE(config_kafka, "message_limit", message_bytes, "1MiB", KIB, 64 * MIB),
    TIME(config_kafka, "linger", linger_ms, "1ms", 0, SEC),
    TIME(config_kafka, "publish_timeout", publish_ms, "10s", 10, 15 * MIN),
    TIME(config_kafka, "fetch_wait", fetch_wait_ms, "100ms", 1, MIN),
    SIZE(config_kafka, "fetch_bytes", fetch_bytes, "16MiB", MIB, GIB),
    WHOLE(config_kafka, "batch", batch, "500", 1, 100000),
    TIME(config_kafka, "batch_timeout", batch_ms, "30s", 10, HR),
    TIME(config_kafka, "session_timeout", session_ms, "10s", SEC, 5 * MIN),
    TIME(config_kafka, "retry_min", retry_min_ms, "100ms", 1, MIN),
    TIME(config_kafka, "retry_max", retry_max_ms, "10s", 10, HR),
    TIME(config_kafka, "reconnect_min", reconnect_min_ms, "50ms", 10, MIN),
    TIME(config_kafka, "reconnect_max", reconnect_max_ms, "250ms", 10, 10 * MIN),
    TEXT(config_kafka, "dead_letter_suffix", dead_letter_suffix, ".dead"),
};

static const struct config_field reload[] = {
    TIME(config_reload, "create_timeout", create_ms, "10s", 10, 10 * MIN),
    TIME(config_reload, "warm_timeout", warm_ms, "10s", 10, 10 * MIN),
    TIME(config_reload, "drain_timeout", drain_ms, "30s", 10, HR),
    TIME(config_reload, "destroy_timeout", destroy_ms, "10s", 10, 10 * MIN),
    WHOLE(config_reload, "generations", generations, "3", 2, CONFIG_GENERATIONS_MAX),
};

static const struct config_field shutdown[] = {
    TIME(config_shutdown, "drain_timeout", drain_ms, "15s", 10, HR),
    TIME(config_shutdown, "limit", limit_ms, "45s", 100, 2 * HR),
};

#define GROUP(name)                                                                                \
    {                                                                                              \
#name, offsetof(struct config, name), name, sizeof name / sizeof name[0]                   \
    }

const struct config_group config_groups[] = {
    {"log", offsetof(struct config, log), logging, sizeof logging / sizeof logging[0]},
    GROUP(calls),
    GROUP(offload),
    GROUP(watchdog),
    GROUP(grpc),
    GROUP(rest),
    GROUP(admin),
    GROUP(metrics),
    GROUP(redis),
    GROUP(postgres),
    GROUP(kafka),
    GROUP(reload),
    GROUP(shutdown),
};

const size_t config_group_count = sizeof config_groups / sizeof config_groups[0];
