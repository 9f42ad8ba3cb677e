/* Requests of a connection: sending them, and handing out the answers in the same order. */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "services/postgres/pg_connection_state.h"

/* How often the oldest request is looked at, and what it gets beyond its time on the server. */
#define TICK_MS         250
#define ANSWER_GRACE_MS 1000

/* --- Requests -------------------------------------------------------------------------------- */

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

/* --- Reading and writing ---------------------------------------------------------------------- */

/* Sends what libpq holds back; more of it goes out when the socket is writable again. */
static void flush(struct pg_connection *c)
{
    int result = PQflush(c->pq);
    if (result < 0) {
        pg_connection_fail_with_libpq(c);
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
        pg_connection_complete_head(c, false);
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
    while (c->state == PG_STATE_READY && read_one(c)) {
    }
}

static void pg_request_on_readable(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct pg_connection *c = arg;
    bool is_open = PQconsumeInput(c->pq) == 1;
    if (c->head == NULL && is_open) {
        PQisBusy(c->pq); /* handles notices and the server's goodbye */
    }
    read_answers(c);
    if (c->state != PG_STATE_READY) {
        return;
    }
    if (!is_open || PQstatus(c->pq) == CONNECTION_BAD) {
        pg_connection_fail_with_libpq(c);
    } else {
        flush(c);
    }
}

static void pg_request_on_writable(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    flush(arg);
}

/* A server that does not answer within the time it was given will not be waited for. */
static void pg_request_on_tick(evutil_socket_t fd, short events, void *arg)
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
        struct timeval tick = {0, TICK_MS * 1000};
        event_add(&c->tick_event, &tick);
        c->is_tick_armed = true;
    }
}

/* libpq closes its socket itself when it loses the connection, and another loop may be given the
 * number before the events are taken back: they stand on a number of their own. */
bool pg_request_watch(struct pg_connection *c)
{
    struct event_base *base = loop_base(c->loop);
    int fd = fcntl(PQsocket(c->pq), F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    c->watched_fd = fd;
    event_assign(&c->io_event, base, fd, EV_READ | EV_PERSIST, pg_request_on_readable, c);
    event_assign(&c->write_event, base, fd, EV_WRITE | EV_PERSIST, pg_request_on_writable, c);
    event_assign(&c->tick_event, base, -1, EV_PERSIST, pg_request_on_tick, c);
    event_add(&c->io_event, NULL);
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
    if (c->state != PG_STATE_READY || (!c->is_pipeline && c->head != NULL)) {
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
        pg_connection_fail_with_libpq(c);
        return NULL;
    }
    arm_tick(c);
    flush(c); /* if it fails, the request is complete, and lost */
    return request;
}
