/*
 * One connection to PostgreSQL on one loop: libpq without blocking, driven by events.
 *
 *   CLOSED --open--> RESOLVING --> CONNECTING --> READY --lost--> WAITING (backoff) --> RESOLVING
 *                                   ^      \__ failure: the next address, or WAITING
 *                                   |______/
 *
 * Shared connections are in pipeline mode: a request is some commands and one sync, so that
 * requests of different calls are transactions of their own and fail alone. Sessions (migrations,
 * the relay) are not: one request at a time, and they do not reconnect.
 * All functions are for the connection's loop. None of them waits.
 */
#ifndef SERVICES_POSTGRES_PG_CONNECTION_H
#define SERVICES_POSTGRES_PG_CONNECTION_H

#include <libpq-fe.h>

#include "runtime/wait.h"
#include "services/postgres/pg_settings.h"

/* Parameters of one statement. */
#define PG_PARAMS_MAX 64

/* Answers of one request: two commands, each prepared before it runs. */
#define PG_REQUEST_ANSWERS 4

struct pg_connection;

/* Who made the connection; called on the loop, must not destroy the connection. */
struct pg_listener {
    void (*on_ready)(void *owner, struct pg_connection *connection);
    /* Lost, or an attempt to connect failed; pg_connection_error says why. */
    void (*on_lost)(void *owner, struct pg_connection *connection);
    /* A request has been answered: there is room for one more. */
    void (*on_room)(void *owner, struct pg_connection *connection);
    void *owner;
};

enum pg_command_kind {
    PG_COMMAND_RUN = 0,
    PG_COMMAND_DESCRIBE = 1, /* prepares only; the result describes parameters and columns */
    PG_COMMAND_SCRIPT = 2,   /* several statements, no parameters; sessions only */
};

/* One statement with parameters in binary. Everything is copied before send returns. */
struct pg_command {
    enum pg_command_kind kind;
    const char *sql;
    uint64_t hash; /* of text and types: prepared under it; 0: not prepared */
    const Oid *types;
    const char *const *values;
    const int *lengths;
    int count;
};

/* A request that was sent. It belongs to whoever sent it until pg_request_release. */
struct pg_request {
    struct pg_request *next;
    struct wait wait;
    bool is_released; /* nobody asks for the answer any more */
    bool is_complete;
    bool is_lost; /* the connection ended before the whole answer was there */
    /* Each command is one answer, or two if it prepares first. */
    uint64_t prepares[PG_REQUEST_ANSWERS]; /* the hash that the n-th answer is about; 0: it runs */
    unsigned answers_due;
    unsigned answers_seen;
    int64_t sent_ns;
    int64_t limit_ns; /* for the answer, from when it is the first in line */
    PGresult *result; /* of the last command, or of the first that failed; NULL: none came */
};

/* Makes a connection; nothing happens until open. NULL without memory. settings and listener are
 * copied. */
struct pg_connection *pg_connection_create(struct loop *loop, const struct pg_settings *settings,
                                           enum pg_role role, const struct pg_listener *listener);

/* Starts to connect, and to connect again whenever it is lost (sessions: once). */
void pg_connection_open(struct pg_connection *connection);

/* Ends a pause before the next attempt: the server was seen just now. */
void pg_connection_hurry(struct pg_connection *connection);

/* Ends what is in flight as lost and frees everything. NULL is allowed. */
void pg_connection_destroy(struct pg_connection *connection);

/* Closes it now with these words and reconnects as after any loss. */
void pg_connection_fail(struct pg_connection *connection, const char *reason);

/* Whether it takes requests, and why it does not: error is borrowed until the next event of the
 * loop. On the loop. */
bool pg_connection_is_ready(const struct pg_connection *connection);
bool pg_connection_has_failed(const struct pg_connection *connection); /* since it was last ready */
const char *pg_connection_error(const struct pg_connection *connection);

/* Grows each time the connection becomes ready: a transaction ends with its session. */
uint64_t pg_connection_session(const struct pg_connection *connection);

/* Requests in flight. */
unsigned pg_connection_load(const struct pg_connection *connection);

/* True while the first request in flight takes much longer than most: those behind it wait too. */
bool pg_connection_is_slow(const struct pg_connection *connection);

/* The transaction state of a session without a request in flight. */
PGTransactionStatusType pg_connection_transaction(const struct pg_connection *connection);

/* Turns pipeline mode of an idle session on or off. */
bool pg_connection_set_pipeline(struct pg_connection *connection, bool is_on);

/*
 * Sends commands as one request. timeout_ms: the server ends a statement that runs longer; 0: the
 * role's own limit; -1: what the request before it had (within a transaction). call: who waits,
 * NULL for requests that nobody waits for (then the caller releases at once). NULL if the
 * connection is not ready or broke just now: nothing was done.
 */
struct pg_request *pg_connection_send(struct pg_connection *connection, struct call *call,
                                      const struct pg_command *commands, size_t count,
                                      int64_t timeout_ms);

/* Gives the request back; an answer that comes later is dropped. */
void pg_request_release(struct pg_request *request);

#endif
