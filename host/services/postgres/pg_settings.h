/* Where the database of one plugin is and which bounds its connections have. */
#ifndef SERVICES_POSTGRES_PG_SETTINGS_H
#define SERVICES_POSTGRES_PG_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

/* A value: copied into every pool, so that nobody has to outlive anybody. */
struct pg_settings {
    char host[256]; /* a name, an address, or the folder of a Unix socket */
    uint16_t port;
    char dbname[64];
    char user[64];
    char password[256]; /* "": none */
    char schema[64];    /* the plugin's id */

    unsigned read_connections; /* per loop */
    unsigned write_connections;
    unsigned lease_connections;
    unsigned queue; /* statements in flight per connection, and fibers that wait for room */
    int64_t lease_wait_ms;
    unsigned row_limit;   /* rows of one result */
    int64_t result_limit; /* bytes of one result */
    int64_t statement_ms; /* the longest that a statement may run */
    int64_t connect_ms;
    int64_t reconnect_min_ms;
    int64_t reconnect_max_ms;
    int64_t migration_ms; /* one migration, and the wait for the lock before it */
    int64_t outbox_poll_ms;
    unsigned outbox_batch;
};

/* What a connection is for. */
enum pg_role {
    PG_ROLE_READ,    /* pipelined, transactions are read-only */
    PG_ROLE_WRITE,   /* pipelined */
    PG_ROLE_LEASE,   /* pipelined, used by one transaction at a time */
    PG_ROLE_SESSION, /* one request at a time, made for one purpose, does not reconnect */
};

struct config_plugin;
struct config_postgres;

/* Fills server and bounds from the configuration; user, password and schema stay as they are. */
void pg_settings_copy_limits(struct pg_settings *settings, const struct config_postgres *from);

/* Fills schema, user and password of a plugin; its password lies over the group's. */
void pg_settings_set_plugin(struct pg_settings *settings, const struct config_postgres *group,
                            const struct config_plugin *plugin, const char *id);

#endif
