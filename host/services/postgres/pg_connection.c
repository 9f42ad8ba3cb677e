/* The life of a connection: connecting, the pipeline of requests, losing it and coming back. */
#include "services/postgres/pg_connection.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "services/postgres/pg_connect.h"
#include "services/postgres/pg_error.h"
#include "services/postgres/pg_prepared.h"

/* How often the oldest request is looked at, and what it gets beyond its time on the server. */
#define TICK_MS         250
#define ANSWER_GRACE_MS 1000

enum state {
    STATE_CLOSED,
    STATE_CONNECTING,
    STATE_READY,
    STATE_WAITING,
};

struct pg_connection {
    struct loop *loop;
    struct pg_settings settings;
    enum pg_role role;
    struct pg_listener listener;
    enum state state;
    bool is_pipeline;
    bool has_failed;
    bool is_write_armed;
    bool is_tick_armed;
    PGconn *pq;
    struct event io_event;    /* connecting: what libpq waits for; ready: readable */
    struct event write_event; /* ready: libpq has more to send than the socket took */
    struct event timer_event; /* end of the attempt to connect, or of the pause before it */
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

static void start_connecting(struct pg_connection *c);
static void read_answers(struct pg_connection *c);

static struct timeval milliseconds(int64_t ms)
{
    return (struct timeval){ms / 1000, (ms % 1000) * 1000};
}

/* --- Requests -------------------------------------------------------------------------------- */

static void free_request(struct pg_request *request)
{
    PQclear(request->result);
    free(request);
}

void pg_request_release(struct pg_request *request)
{
    if (request == NULL) {
        return;
    }
    if (request->is_complete) {
        free_request(request);
    } else {
        request->is_released = true;
    }
}

/* Takes the first request off the line and wakes who waits for it. */
static void complete_head(struct pg_connection *c, bool is_lost)
{
    struct pg_request *request = c->head;
    c->head = request->next;
    if (c->head == NULL) {
        c->tail = &c->head;
    }
    c->load--;
    c->head_since_ns = clock_monotonic_ns();
    request->is_complete = true;
    request->is_lost = is_lost;
    if (request->is_released) {
        free_request(request);
    } else {
        wait_complete(&request->wait);
    }
}

static struct pg_request *add_request(struct pg_connection *c, struct call *call, int64_t limit_ms)
{
    struct pg_request *request = calloc(1, sizeof *request);
    if (request == NULL) {
        return NULL;
    }
    wait_init(&request->wait, call);
    request->limit_ns = (limit_ms + ANSWER_GRACE_MS) * NS_PER_MS;
    request->sent_ns = clock_monotonic_ns();
    if (c->head == NULL) {
        c->head_since_ns = request->sent_ns;
    }
    *c->tail = request;
    c->tail = &request->next;
    c->load++;
    return request;
}

/* --- Losing the connection ------------------------------------------------------------------- */

static void stop_events(struct pg_connection *c)
{
    event_del(&c->io_event);
    event_del(&c->write_event);
    event_del(&c->timer_event);
    event_del(&c->tick_event);
    c->is_write_armed = false;
    c->is_tick_armed = false;
}

static void close_socket(struct pg_connection *c)
{
    stop_events(c);
    if (c->pq != NULL) {
        PQfinish(c->pq);
        c->pq = NULL;
    }
    pg_prepared_clear(&c->prepared);
    c->state = STATE_CLOSED;
    while (c->head != NULL) {
        complete_head(c, true);
    }
}

/* Doubles up to the bound; a quarter of chance keeps many clients from coming at the same time. */
static void schedule_reconnect(struct pg_connection *c)
{
    int64_t pause_ms = c->backoff_ms + rand_r(&(unsigned){(unsigned)clock_monotonic_ns()}) %
                                           (c->backoff_ms / 4 + 1);
    c->backoff_ms *= 2;
    if (c->backoff_ms > c->settings.reconnect_max_ms) {
        c->backoff_ms = c->settings.reconnect_max_ms;
    }
    c->state = STATE_WAITING;
    struct timeval pause = milliseconds(pause_ms);
    event_add(&c->timer_event, &pause);
}

void pg_connection_fail(struct pg_connection *c, const char *reason)
{
    if (c->state == STATE_CLOSED || c->state == STATE_WAITING) {
        return;
    }
    snprintf(c->error, sizeof c->error, "%s", reason);
    pg_error_one_line(c->error);
    c->has_failed = true;
    close_socket(c);
    if (c->role != PG_ROLE_SESSION) {
        schedule_reconnect(c);
    }
    if (c->listener.on_lost != NULL) {
        c->listener.on_lost(c->listener.owner, c);
    }
}

static void fail_with_libpq(struct pg_connection *c)
{
    char reason[sizeof c->error];
    snprintf(reason, sizeof reason, "%s", PQerrorMessage(c->pq));
    pg_connection_fail(c, reason[0] != '\0' ? reason : "the server closed the connection");
}

/* --- Reading and writing ---------------------------------------------------------------------- */

/* Sends what libpq holds back; more of it goes out when the socket is writable again. */
static void flush(struct pg_connection *c)
{
    int result = PQflush(c->pq);
    if (result < 0) {
        fail_with_libpq(c);
        return;
    }
    if (result == 1 && !c->is_write_armed) {
        event_add(&c->write_event, NULL);
    } else if (result == 0 && c->is_write_armed) {
        event_del(&c->write_event);
    }
    c->is_write_armed = result == 1;
}

static bool is_error(const PGresult *result)
{
    return PQresultStatus(result) == PGRES_FATAL_ERROR;
}

/* What was to be prepared from the failed answer on is not; what succeeded before it stays. */
static void forget_unprepared(struct pg_connection *c, const struct pg_request *request)
{
    for (unsigned i = request->answers_seen; i < request->answers_due; i++) {
        if (request->prepares[i] != 0) {
            pg_prepared_remove(&c->prepared, request->prepares[i]);
        }
    }
}

/* The first error explains the request; without one the last command's result is the answer. */
static void keep_result(struct pg_connection *c, PGresult *result)
{
    struct pg_request *request = c->head;
    bool has_failed = request->result != NULL && is_error(request->result);
    if (has_failed || PQresultStatus(result) == PGRES_PIPELINE_ABORTED) {
        PQclear(result);
        return;
    }
    if (is_error(result)) {
        forget_unprepared(c, request);
    }
    request->answers_seen++;
    PQclear(request->result);
    request->result = result;
}

/* Reads what has come; false when there is nothing complete any more. */
static bool read_one(struct pg_connection *c)
{
    if (c->head == NULL || PQisBusy(c->pq)) {
        return false;
    }
    PGresult *result = PQgetResult(c->pq);
    bool is_end = result == NULL ? !c->is_pipeline : PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    if (is_end) {
        PQclear(result);
        complete_head(c, false);
        if (c->listener.on_room != NULL) {
            c->listener.on_room(c->listener.owner, c);
        }
    } else if (result != NULL) {
        keep_result(c, result);
    } else if (PQstatus(c->pq) == CONNECTION_BAD) {
        return false; /* NULL for ever */
    }
    return true;
}

static void read_answers(struct pg_connection *c)
{
    while (c->state == STATE_READY && read_one(c)) {
    }
}

static void pg_connection_on_readable(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct pg_connection *c = arg;
    bool is_open = PQconsumeInput(c->pq) == 1;
    if (c->head == NULL && is_open) {
        PQisBusy(c->pq); /* handles notices and the server's goodbye */
    }
    read_answers(c);
    if (c->state != STATE_READY) {
        return;
    }
    if (!is_open || PQstatus(c->pq) == CONNECTION_BAD) {
        fail_with_libpq(c);
    } else {
        flush(c);
    }
}

static void pg_connection_on_writable(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    flush(arg);
}

/* A server that does not answer within the time it was given will not be waited for. */
static void pg_connection_on_tick(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct pg_connection *c = arg;
    if (c->head == NULL) {
        event_del(&c->tick_event);
        c->is_tick_armed = false;
    } else if (clock_monotonic_ns() - c->head_since_ns > c->head->limit_ns) {
        pg_connection_fail(c, "the server did not answer in time");
    }
}

static void arm_tick(struct pg_connection *c)
{
    if (!c->is_tick_armed) {
        struct timeval tick = milliseconds(TICK_MS);
        event_add(&c->tick_event, &tick);
        c->is_tick_armed = true;
    }
}

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
        fail_with_libpq(c);
        return;
    }
    event_del(&c->timer_event);
    event_assign(&c->io_event, loop_base(c->loop), PQsocket(c->pq), EV_READ | EV_PERSIST,
                 pg_connection_on_readable, c);
    event_assign(&c->write_event, loop_base(c->loop), PQsocket(c->pq), EV_WRITE | EV_PERSIST,
                 pg_connection_on_writable, c);
    event_add(&c->io_event, NULL);
    c->state = STATE_READY;
    c->session++;
    c->has_failed = false;
    c->backoff_ms = c->settings.reconnect_min_ms;
    c->timeout_ms = c->limit_ms;
    if (c->listener.on_ready != NULL) {
        c->listener.on_ready(c->listener.owner, c);
    }
}

static void pg_connection_on_connecting(evutil_socket_t fd, short events, void *arg);

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
        fail_with_libpq(c);
        break;
    }
}

static void pg_connection_on_timer(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct pg_connection *c = arg;
    if (c->state == STATE_WAITING) {
        start_connecting(c);
    } else if (PQstatus(c->pq) == CONNECTION_BAD) {
        fail_with_libpq(c);
    } else {
        pg_connection_fail(c, "the server did not accept the connection in time");
    }
}

static void start_connecting(struct pg_connection *c)
{
    struct timeval limit = milliseconds(c->settings.connect_ms);
    c->state = STATE_CONNECTING;
    c->pq = pg_connect_start(&c->settings, c->role);
    event_add(&c->timer_event, &limit);
    if (c->pq == NULL) {
        pg_connection_fail(c, "out of memory");
    } else if (PQstatus(c->pq) == CONNECTION_BAD) {
        /* The failure is told from the loop, not from within open. */
        event_active(&c->timer_event, EV_TIMEOUT, 0);
    } else {
        watch_connecting(c, EV_WRITE);
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
    c->tail = &c->head;
    c->backoff_ms = settings->reconnect_min_ms;
    c->limit_ms = role == PG_ROLE_SESSION ? settings->migration_ms : settings->statement_ms;
    event_assign(&c->io_event, loop_base(loop), -1, 0, pg_connection_on_readable, c);
    event_assign(&c->write_event, loop_base(loop), -1, 0, pg_connection_on_writable, c);
    event_assign(&c->timer_event, loop_base(loop), -1, 0, pg_connection_on_timer, c);
    event_assign(&c->tick_event, loop_base(loop), -1, EV_PERSIST, pg_connection_on_tick, c);
    return c;
}

void pg_connection_open(struct pg_connection *c)
{
    if (c->state == STATE_CLOSED) {
        start_connecting(c);
    }
}

void pg_connection_hurry(struct pg_connection *c)
{
    if (c->state == STATE_WAITING) {
        event_active(&c->timer_event, EV_TIMEOUT, 0);
    }
}

void pg_connection_destroy(struct pg_connection *c)
{
    if (c != NULL) {
        close_socket(c);
        free(c);
    }
}

bool pg_connection_is_ready(const struct pg_connection *c)
{
    return c->state == STATE_READY;
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

PGTransactionStatusType pg_connection_transaction(const struct pg_connection *c)
{
    return c->pq != NULL ? PQtransactionStatus(c->pq) : PQTRANS_UNKNOWN;
}

bool pg_connection_set_pipeline(struct pg_connection *c, bool is_on)
{
    if (c->state != STATE_READY || c->head != NULL) {
        return false;
    }
    if ((is_on ? PQenterPipelineMode(c->pq) : PQexitPipelineMode(c->pq)) != 1) {
        return false;
    }
    c->is_pipeline = is_on;
    return true;
}

/* --- Sending ---------------------------------------------------------------------------------- */

static bool send_prepare(struct pg_connection *c, struct pg_request *request,
                         const struct pg_command *command, const char *name)
{
    assert(request->answers_due + 1 < PG_REQUEST_ANSWERS);
    request->prepares[request->answers_due++] = command->hash;
    return PQsendPrepare(c->pq, name, command->sql, command->count, command->types) == 1;
}

/* Parameters and results are binary, all of them. */
static const int binary_formats[PG_PARAMS_MAX] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

static bool send_plain(struct pg_connection *c, const struct pg_command *command)
{
    return PQsendQueryParams(c->pq, command->sql, command->count, command->types, command->values,
                             command->lengths, binary_formats, 1) == 1;
}

static bool send_prepared(struct pg_connection *c, const struct pg_command *command,
                          const char *name)
{
    return PQsendQueryPrepared(c->pq, name, command->count, command->values, command->lengths,
                               binary_formats, 1) == 1;
}

static bool send_command(struct pg_connection *c, struct pg_request *request,
                         const struct pg_command *command)
{
    char name[PG_PREPARED_NAME_SIZE];
    if (command->kind == PG_COMMAND_SCRIPT) {
        return PQsendQuery(c->pq, command->sql) == 1;
    }
    pg_prepared_name(command->hash, name);
    if (command->hash == 0) {
        request->answers_due++;
        return send_plain(c, command);
    }
    if (!pg_prepared_has(&c->prepared, command->hash)) {
        if (!pg_prepared_add(&c->prepared, command->hash)) {
            request->answers_due++;
            return send_plain(c, command); /* the set is full */
        }
        if (!send_prepare(c, request, command, name)) {
            return false;
        }
    }
    request->answers_due++;
    return command->kind == PG_COMMAND_DESCRIBE ? PQsendDescribePrepared(c->pq, name) == 1
                                                : send_prepared(c, command, name);
}

static bool end_request(struct pg_connection *c)
{
    return !c->is_pipeline || PQpipelineSync(c->pq) == 1;
}

/* statement_timeout is of the session, in a transaction of its own: a rollback of the statement
 * that follows must not take it back, and most statements find it as they want it. */
static bool set_timeout(struct pg_connection *c, int64_t timeout_ms)
{
    if (timeout_ms == c->timeout_ms || !c->is_pipeline) {
        return true;
    }
    char text[24];
    int len = snprintf(text, sizeof text, "%lld", (long long)timeout_ms);
    const char *values[] = {text};
    const Oid types[] = {25};
    struct pg_command command = {
        .sql = "SELECT set_config('statement_timeout', $1, false)",
        .hash = UINT64_C(0x61746c6173746d6f),
        .types = types,
        .values = values,
        .lengths = &len,
        .count = 1,
    };
    struct pg_request *request = add_request(c, NULL, timeout_ms);
    if (request == NULL) {
        return false;
    }
    request->is_released = true;
    c->timeout_ms = timeout_ms;
    return send_command(c, request, &command) && end_request(c);
}

struct pg_request *pg_connection_send(struct pg_connection *c, struct call *call,
                                      const struct pg_command *commands, size_t count,
                                      int64_t timeout_ms)
{
    if (c->state != STATE_READY || (!c->is_pipeline && c->head != NULL)) {
        return NULL;
    }
    if (timeout_ms < 0) {
        timeout_ms = c->timeout_ms;
    } else if (timeout_ms == 0 || timeout_ms > c->limit_ms) {
        timeout_ms = c->limit_ms;
    }
    bool is_sent = set_timeout(c, timeout_ms);
    struct pg_request *request = is_sent ? add_request(c, call, timeout_ms) : NULL;
    for (size_t i = 0; request != NULL && is_sent && i < count; i++) {
        is_sent = send_command(c, request, &commands[i]);
    }
    if (request == NULL || !is_sent || !end_request(c)) {
        /* Without its sync nothing of it is committed. */
        pg_request_release(request);
        fail_with_libpq(c);
        return NULL;
    }
    arm_tick(c);
    flush(c); /* if it fails, the request is complete, and lost */
    return request;
}
