/* How a connection ends: what is in flight is handed out or lost, and it is made again after a
 * pause. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "services/postgres/pg_connection_state.h"
#include "services/postgres/pg_error.h"

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
void pg_connection_complete_head(struct pg_connection *c, bool is_lost)
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

static void lose_all(struct pg_connection *c)
{
    while (c->head != NULL) {
        pg_connection_complete_head(c, true);
    }
}

static void stop_events(struct pg_connection *c)
{
    event_del(&c->io_event);
    event_del(&c->write_event);
    event_del(&c->timer_event);
    event_del(&c->tick_event);
    if (c->watched_fd >= 0) {
        close(c->watched_fd);
        c->watched_fd = -1;
    }
    c->is_write_armed = false;
    c->is_tick_armed = false;
}

void pg_connection_stop_connecting(struct pg_connection *c)
{
    stop_events(c);
    resolver_cancel(c->resolving);
    c->resolving = NULL;
    if (c->pq != NULL) {
        PQfinish(c->pq);
        c->pq = NULL;
    }
}

void pg_connection_close_socket(struct pg_connection *c)
{
    pg_connection_stop_connecting(c);
    pg_prepared_clear(&c->prepared);
    c->state = PG_STATE_CLOSED;
    lose_all(c);
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
    c->state = PG_STATE_WAITING;
    struct timeval pause = pg_milliseconds(pause_ms);
    event_add(&c->timer_event, &pause);
}

void pg_connection_fail(struct pg_connection *c, const char *reason)
{
    if (c->state == PG_STATE_CLOSED || c->state == PG_STATE_WAITING) {
        return;
    }
    snprintf(c->error, sizeof c->error, "%s", reason);
    pg_error_one_line(c->error);
    c->has_failed = true;
    pg_connection_close_socket(c);
    if (c->role != PG_ROLE_SESSION) {
        schedule_reconnect(c);
    }
    if (c->listener.on_lost != NULL) {
        c->listener.on_lost(c->listener.owner, c);
    }
}

void pg_connection_fail_with_libpq(struct pg_connection *c)
{
    char reason[sizeof c->error];
    snprintf(reason, sizeof reason, "%s", PQerrorMessage(c->pq));
    pg_connection_fail(c, reason[0] != '\0' ? reason : "the server closed the connection");
}
