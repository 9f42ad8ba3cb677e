/* The life of a connection: connecting, losing it and coming back. */
#include "services/postgres/pg_connection.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "services/postgres/pg_connect.h"
#include "services/postgres/pg_connection_state.h"
#include "services/postgres/pg_error.h"

/* Most queries of a service take a millisecond or less. */
#define SLOW_NS (10 * NS_PER_MS)

static const char late[] = "the server did not accept the connection in time";

static void start_connecting(struct pg_connection *c);

/* --- Connecting ------------------------------------------------------------------------------- */

static void pg_connection_on_notice(void *arg, const PGresult *result)
{
    const struct pg_connection *c = arg;
    char text[256];
    pg_error_text(result, text, sizeof text);
    log_debug("postgres notice", LOG_TEXT("schema", c->settings.schema), LOG_TEXT("text", text));
}

static void become_ready(struct pg_connection *c)
{
    if (PQserverVersion(c->pq) < 130000) {
        pg_connection_fail(c, "the server is older than PostgreSQL 13; upgrade it");
        return;
    }
    PQsetNoticeReceiver(c->pq, pg_connection_on_notice, c);
    c->is_pipeline = c->role != PG_ROLE_SESSION;
    if (PQsetnonblocking(c->pq, 1) != 0 || (c->is_pipeline && PQenterPipelineMode(c->pq) != 1)) {
        pg_connection_fail_with_libpq(c);
        return;
    }
    if (!pg_request_watch(c)) {
        pg_connection_fail(c, "no file descriptor is left; raise the limit of open files");
        return;
    }
    event_del(&c->timer_event);
    c->state = PG_STATE_READY;
    c->session++;
    c->has_failed = false;
    c->backoff_ms = c->settings.reconnect_min_ms;
    c->timeout_ms = c->limit_ms;
    if (c->listener.on_ready != NULL) {
        c->listener.on_ready(c->listener.owner, c);
    }
}

static void pg_connection_on_connecting(evutil_socket_t fd, short events, void *arg);
static void connect_to_next(struct pg_connection *c, const char *failure);

/* The socket may be another one at each step: libpq tries addresses and encryption in turn. */
static void watch_connecting(struct pg_connection *c, short events)
{
    event_assign(&c->io_event, loop_base(c->loop), PQsocket(c->pq), events,
                 pg_connection_on_connecting, c);
    event_add(&c->io_event, NULL);
}

static void pg_connection_on_connecting(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct pg_connection *c = arg;
    switch (PQconnectPoll(c->pq)) {
    case PGRES_POLLING_READING:
        watch_connecting(c, EV_READ);
        break;
    case PGRES_POLLING_WRITING:
        watch_connecting(c, EV_WRITE);
        break;
    case PGRES_POLLING_OK:
        become_ready(c);
        break;
    default:
        connect_to_next(c, PQerrorMessage(c->pq));
        break;
    }
}

/* What libpq says of an attempt that it has given up; of one that it has not, the timer says it. */
static const char *failure_of(const struct pg_connection *c)
{
    if (c->pq == NULL) {
        return "out of memory";
    }
    return PQstatus(c->pq) == CONNECTION_BAD ? PQerrorMessage(c->pq) : late;
}

static void pg_connection_on_timer(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct pg_connection *c = arg;
    if (c->state == PG_STATE_WAITING) {
        start_connecting(c);
    } else if (c->state == PG_STATE_RESOLVING) {
        pg_connection_fail(c, "the server's name could not be looked up in time");
    } else {
        connect_to_next(c, failure_of(c));
    }
}

/* False if it cannot even begin: failure_of says why. */
static bool connect_to(struct pg_connection *c, const char *address)
{
    c->state = PG_STATE_CONNECTING;
    c->pq = pg_connect_start(&c->settings, c->role, address);
    if (c->pq == NULL || PQstatus(c->pq) == CONNECTION_BAD) {
        return false;
    }
    watch_connecting(c, EV_WRITE);
    return true;
}

/* The addresses of a name in turn, each with its share of the time; failure is what happened to the
 * one before. */
static void connect_to_next(struct pg_connection *c, const char *failure)
{
    char reason[sizeof c->error];
    char text[RESOLVER_TEXT_SIZE];
    const struct resolver_address *address;
    int64_t share_ms;

    snprintf(reason, sizeof reason, "%s", failure);
    while ((address = addresses_next(&c->addresses, &share_ms)) != NULL) {
        pg_connection_stop_connecting(c);
        if (connect_to(c, resolver_address_text(address, text))) {
            struct timeval share = pg_milliseconds(share_ms);
            event_add(&c->timer_event, &share);
            return;
        }
        snprintf(reason, sizeof reason, "%s", failure_of(c));
    }
    pg_connection_fail(c, reason);
}

static void pg_connection_on_resolved(void *arg, const struct resolver_answer *answer)
{
    struct pg_connection *c = arg;
    c->resolving = NULL;
    addresses_set(&c->addresses, answer);
    connect_to_next(c, answer->count > 0 ? late : answer->failure);
}

/* A failure is told from the loop, not from within open. */
static void connect_to_folder(struct pg_connection *c)
{
    if (!connect_to(c, c->settings.host)) {
        event_active(&c->timer_event, EV_TIMEOUT, 0);
    }
}

static void start_connecting(struct pg_connection *c)
{
    struct timeval limit = pg_milliseconds(c->settings.connect_ms);
    addresses_begin(&c->addresses, c->settings.connect_ms);
    event_add(&c->timer_event, &limit);
    if (pg_connect_is_folder(c->settings.host)) {
        connect_to_folder(c);
        return;
    }
    c->state = PG_STATE_RESOLVING;
    c->resolving =
        resolver_start(c->loop, c->settings.host, c->settings.port, pg_connection_on_resolved, c);
    if (c->resolving == NULL) {
        event_active(&c->timer_event, EV_TIMEOUT, 0);
    }
}

struct pg_connection *pg_connection_create(struct loop *loop, const struct pg_settings *settings,
                                           enum pg_role role, const struct pg_listener *listener)
{
    struct pg_connection *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->loop = loop;
    c->settings = *settings;
    c->role = role;
    c->listener = *listener;
    c->watched_fd = -1;
    c->tail = &c->head;
    c->backoff_ms = settings->reconnect_min_ms;
    c->limit_ms = role == PG_ROLE_SESSION ? settings->migration_ms : settings->statement_ms;
    event_assign(&c->io_event, loop_base(loop), -1, 0, pg_connection_on_connecting, c);
    event_assign(&c->write_event, loop_base(loop), -1, 0, pg_connection_on_connecting, c);
    event_assign(&c->tick_event, loop_base(loop), -1, 0, pg_connection_on_timer, c);
    event_assign(&c->timer_event, loop_base(loop), -1, 0, pg_connection_on_timer, c);
    return c;
}

void pg_connection_open(struct pg_connection *c)
{
    if (c->state == PG_STATE_CLOSED) {
        start_connecting(c);
    }
}

void pg_connection_hurry(struct pg_connection *c)
{
    if (c->state == PG_STATE_WAITING) {
        event_active(&c->timer_event, EV_TIMEOUT, 0);
    }
}

void pg_connection_destroy(struct pg_connection *c)
{
    if (c != NULL) {
        pg_connection_close_socket(c);
        free(c);
    }
}

bool pg_connection_is_ready(const struct pg_connection *c)
{
    return c->state == PG_STATE_READY;
}

bool pg_connection_has_failed(const struct pg_connection *c)
{
    return c->has_failed;
}

const char *pg_connection_error(const struct pg_connection *c)
{
    return c->error;
}

uint64_t pg_connection_session(const struct pg_connection *c)
{
    return c->session;
}

unsigned pg_connection_load(const struct pg_connection *c)
{
    return c->load;
}

bool pg_connection_is_slow(const struct pg_connection *c)
{
    return c->head != NULL && clock_monotonic_ns() - c->head_since_ns > SLOW_NS;
}

PGTransactionStatusType pg_connection_transaction(const struct pg_connection *c)
{
    return c->pq != NULL ? PQtransactionStatus(c->pq) : PQTRANS_UNKNOWN;
}

bool pg_connection_set_pipeline(struct pg_connection *c, bool is_on)
{
    if (c->state != PG_STATE_READY || c->head != NULL) {
        return false;
    }
    if ((is_on ? PQenterPipelineMode(c->pq) : PQexitPipelineMode(c->pq)) != 1) {
        return false;
    }
    c->is_pipeline = is_on;
    return true;
}
