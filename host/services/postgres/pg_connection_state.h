/*
 * What the parts of a connection share: pg_connection.c (making it), pg_request.c (its requests)
 * and pg_connection_end.c (losing it). Nobody else includes it.
 */
#ifndef SERVICES_POSTGRES_PG_CONNECTION_STATE_H
#define SERVICES_POSTGRES_PG_CONNECTION_STATE_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "services/addresses.h"
#include "services/postgres/pg_connection.h"
#include "services/postgres/pg_prepared.h"

enum pg_connection_state {
    PG_STATE_CLOSED,
    PG_STATE_RESOLVING,
    PG_STATE_CONNECTING,
    PG_STATE_READY,
    PG_STATE_WAITING,
};

struct pg_connection {
    struct loop *loop;
    struct pg_settings settings;
    enum pg_role role;
    struct pg_listener listener;
    enum pg_connection_state state;
    bool is_pipeline;
    bool has_failed;
    bool is_write_armed;
    bool is_tick_armed;
    PGconn *pq;     /* in CONNECTING and READY */
    int watched_fd; /* in READY: the socket by a number of our own; -1 otherwise */
    struct resolver_query *resolving;
    struct addresses addresses; /* of this attempt; none for a folder */
    struct event io_event;      /* connecting: what libpq waits for; ready: readable */
    struct event write_event;   /* ready: libpq has more to send than the socket took */
    struct event timer_event;   /* end of a step to connect, or of the pause before it */
    struct event tick_event;
    struct pg_request *head; /* in flight, oldest first */
    struct pg_request **tail;
    unsigned load;
    int64_t head_since_ns;
    int64_t limit_ms;   /* the longest statement_timeout */
    int64_t timeout_ms; /* statement_timeout of the session now */
    int64_t backoff_ms;
    uint64_t session;
    struct pg_prepared prepared;
    char error[256];
};

/* The connection is ready: watches its socket. False if no descriptor is left for that. */
bool pg_request_watch(struct pg_connection *c);

/* Takes the oldest request off the line and wakes who waits for it. */
void pg_connection_complete_head(struct pg_connection *c, bool is_lost);

/* Ends an attempt to connect. */
void pg_connection_stop_connecting(struct pg_connection *c);

/* Closes the socket; what is in flight is lost. */
void pg_connection_close_socket(struct pg_connection *c);

static inline struct timeval pg_milliseconds(int64_t ms)
{
    return (struct timeval){ms / 1000, (ms % 1000) * 1000};
}

/* Closes the connection with libpq's words. */
void pg_connection_fail_with_libpq(struct pg_connection *c);

#endif
