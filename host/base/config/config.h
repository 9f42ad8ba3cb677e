/*
 * The configuration of a deployment: etc/atlas.cfg as C structs, checked. One file describes all
 * processes; each process takes its part. Comments give the key where it is not the member's name
 * without its unit.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config/config_bind.h"

/* Bounds of every configuration, by which arrays are sized. */
#define CONFIG_PLUGINS_MAX     64  /* of one process */
#define CONFIG_LOOPS_MAX       256 /* of one process */
#define CONFIG_GENERATIONS_MAX 16  /* of one plugin at once: of reload.generations */

/* Fibers of a loop beyond calls.fibers, for what must go on under full load: lifecycle functions,
 * background rounds, batches. Calls from outside never take these. */
#define CONFIG_FIBERS_RESERVED 256

enum config_protocol {
    CONFIG_PROTOCOL_GRPC = 0,
    CONFIG_PROTOCOL_REST = 1,
};

struct config_process {
    const char *name;
    struct config_texts plugins;
    int64_t loops;               /* 0 in the file: one per core; here always the number */
    struct config_address admin; /* text NULL: no admin port */
};

struct config_listener {
    const char *name;
    int protocol; /* enum config_protocol */
    struct config_address address;
    struct config_texts services;
    bool trusts_identity; /* takes over the identity of the caller that a gRPC peer sends */
};

/* Where a service runs, when that is not the gRPC listener that names it. */
struct config_placement {
    const char *service;
    struct config_address address;
};

/* A password: "text" is what counts, and comes from the file or the variable if these are given. */
struct config_secret {
    const char *text; /* "": none */
    const char *file;
    const char *variable;
};

struct config_plugin {
    const char *id;
    const char *path;               /* found on plugin_path, or as given if it holds a "/" */
    const struct config_node *node; /* of the plugin, for the place of findings */
    const struct config_node
        *config; /* its own group, checked by runtime/loader/plugin_config; NULL: empty */
    const char *postgres_user;              /* postgres = { user }; default "atlas_<id>" */
    struct config_secret postgres_password; /* text "": the one of the group postgres */
};

struct config_log {
    int level; /* enum atlas_log_level */
};

struct config_calls {
    int64_t fibers; /* alive at once, per loop; loops * fibers stay below 32,000 */
    int64_t stack_bytes;
    int64_t arena_bytes;         /* arena_limit */
    int64_t default_deadline_ms; /* of a call from outside that brings none; 0: none */
    int64_t max_deadline_ms;
    int64_t nesting;
    int64_t tasks;          /* children of one call */
    int64_t background_ms;  /* background_timeout: of one round of background work */
    int64_t cleanup_ms;     /* cleanup_limit: the longest cleanup section */
    int64_t metadata_bytes; /* metadata_limit, each way */
    int64_t message_bytes;  /* message_limit, of one message, each way */
    bool force_wire;        /* test mode: local calls go over gRPC */
};

struct config_offload {
    int64_t threads;
    int64_t queue;
};

struct config_watchdog {
    int64_t threshold_ms; /* a loop held longer is reported; 0: off */
};

struct config_grpc {
    int64_t connections;  /* accepted, per process */
    int64_t streams;      /* per connection */
    int64_t header_bytes; /* header_limit */
    int64_t stream_window_bytes;
    int64_t connection_window_bytes;
    int64_t send_buffer_bytes;   /* per connection, before its readers pause */
    int64_t stream_buffer_bytes; /* that a stream queues before send waits */
    int64_t resets;              /* streams that a peer may reset per second and connection */
    int64_t reset_burst;         /* and at once */
    int64_t control_frames;      /* PING, SETTINGS, WINDOW_UPDATE, empty DATA: per second */
    int64_t queued_frames;       /* behind a blocked write before reading stops */
    int64_t ping_ms;             /* ping_interval: PINGs of clients that come faster are strikes */
    int64_t ping_strikes;        /* that are borne */
    int64_t backlog;
    int64_t handshake_ms; /* handshake_timeout */
    int64_t body_ms;      /* body_timeout: until the request of a unary call is complete */
    int64_t write_ms;     /* write_timeout: of a write that is blocked */
    int64_t idle_ms;      /* idle_timeout; 0: never */
    int64_t keepalive_ms; /* keepalive_interval: PING when silent */
    int64_t keepalive_timeout_ms;
    int64_t client_connections; /* per loop and address */
    int64_t client_queue;       /* calls per loop and address that wait for a connection */
    int64_t connect_ms;         /* connect_timeout */
    int64_t reconnect_min_ms;
    int64_t reconnect_max_ms;
};

struct config_rest {
    int64_t connections;
    int64_t body_bytes;   /* body_limit */
    int64_t header_bytes; /* header_limit */
    int64_t depth;        /* of JSON */
    int64_t backlog;
    int64_t request_ms; /* request_timeout: from its first byte until all of it is there */
    int64_t idle_ms;    /* idle_timeout */
    int64_t linger_ms;  /* linger_timeout: of a socket whose client may still be sending */
    int64_t lingering;  /* such sockets, per listener and loop */
};

struct config_metrics {
    int64_t series; /* of one family */
};

struct config_admin {
    int64_t connections;
    int64_t header_bytes; /* header_limit */
    int64_t backlog;
    int64_t request_ms; /* request_timeout: from its first byte until all of it is there */
    int64_t idle_ms;    /* idle_timeout */
};

struct config_postgres {
    const char *host; /* a name, an address, or the folder of a Unix socket */
    int64_t port;
    const char *dbname;
    struct config_secret password;
    int64_t read_connections;  /* per loop and plugin */
    int64_t write_connections; /* per loop and plugin */
    int64_t lease_connections; /* per loop and plugin */
    int64_t queue;             /* statements that wait, per connection */
    int64_t lease_wait_ms;
    int64_t rows;         /* of one result */
    int64_t result_bytes; /* result_limit */
    int64_t statement_ms; /* statement_timeout, where the call has no nearer deadline */
    int64_t connect_ms;   /* connect_timeout */
    int64_t reconnect_min_ms;
    int64_t reconnect_max_ms;
    int64_t migration_ms; /* migration_timeout, lock included */
    int64_t outbox_poll_ms;
    int64_t outbox_batch;
};

struct config_redis {
    const char *host;
    int64_t port;
    int64_t database;
    struct config_secret password;
    int64_t pipeline;    /* commands in one call */
    int64_t queue;       /* commands that wait for replies, per loop */
    int64_t reply_bytes; /* reply_limit */
    int64_t command_ms;  /* command_timeout */
    int64_t connect_ms;  /* connect_timeout */
    int64_t reconnect_min_ms;
    int64_t reconnect_max_ms;
};

struct config_kafka {
    const char *brokers;    /* "host:port,host:port"; "": no Kafka */
    int64_t queue_messages; /* that wait for the broker */
    int64_t queue_bytes;
    int64_t message_bytes; /* message_limit */
    int64_t linger_ms;
    int64_t publish_ms; /* publish_timeout, where the call has no nearer deadline */
    int64_t fetch_wait_ms;
    int64_t fetch_bytes;  /* records kept ahead, per consumer */
    int64_t batch;        /* records in a batch at most */
    int64_t batch_ms;     /* batch_timeout: the deadline of a batch handler */
    int64_t session_ms;   /* session_timeout */
    int64_t retry_min_ms; /* backoff of a batch that failed for now */
    int64_t retry_max_ms;
    int64_t reconnect_min_ms;
    int64_t reconnect_max_ms;
    const char *dead_letter_suffix;
};

struct config_reload {
    int64_t create_ms;   /* create_timeout: create and loop_create */
    int64_t warm_ms;     /* warm_timeout */
    int64_t drain_ms;    /* drain_timeout: calls in flight on an old generation */
    int64_t destroy_ms;  /* destroy_timeout */
    int64_t generations; /* of one plugin that may be loaded at once */
};

struct config_shutdown {
    int64_t drain_ms; /* drain_timeout: calls in flight */
    int64_t limit_ms; /* limit: the whole of it; the process is ended by force then */
};

struct config {
    struct config_log log;
    const char *run_dir;
    struct config_texts plugin_path;
    struct config_process *processes;
    size_t process_count;
    struct config_listener *listeners;
    size_t listener_count;
    struct config_placement *placements;
    size_t placement_count;
    struct config_plugin *plugins;
    size_t plugin_count;
    struct config_calls calls;
    struct config_offload offload;
    struct config_watchdog watchdog;
    struct config_grpc grpc;
    struct config_rest rest;
    struct config_admin admin;
    struct config_metrics metrics;
    struct config_postgres postgres;
    struct config_redis redis;
    struct config_kafka kafka;
    struct config_reload reload;
    struct config_shutdown shutdown;
    struct arena *arena; /* everything above lives here */
};

/* The process with that name, the first one if name is NULL; NULL if there is none. Borrowed. */
const struct config_process *config_process(const struct config *config, const char *name);

/* The plugin with that id, or NULL. Borrowed. */
const struct config_plugin *config_plugin(const struct config *config, const char *id);

/* True if the list has that text. */
bool config_texts_have(const struct config_texts *texts, const char *text);

/* Where a service is reached from another process: its placement, or the gRPC listener that names
 * it; NULL if neither does. Borrowed. */
const struct config_address *config_service_address(const struct config *config,
                                                    const char *service);

#endif
