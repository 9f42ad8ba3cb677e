/* One state machine, which is why it stands in one file: hiredis, the resolver, the timer and those
 * who send change the same few members. Its parts: events, connecting, time, commands, life. */
#include "services/redis/redis_connection.h"

#include <event2/event.h>
#include <hiredis/async.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "base/log.h"
#include "services/addresses.h"
#include "services/backoff.h"

/* A server that answers nothing for this many command timeouts is given up: a new connection may
 * reach one that does. */
#define STALL_TIMEOUTS 2

enum redis_state {
    REDIS_AWAY,       /* no context; the timer starts the next attempt */
    REDIS_RESOLVING,  /* no context; the timer ends the attempt */
    REDIS_CONNECTING, /* the timer ends the attempt with this address */
    REDIS_GREETING,   /* AUTH, SELECT and PING are on their way; the timer as before */
    REDIS_READY,      /* the timer looks for a stall while replies are due */
};

struct redis_connection {
    const struct redis_target *target;
    const struct config_redis *settings;
    struct loop *loop;
    redisAsyncContext *context; /* NULL exactly when AWAY or RESOLVING */
    struct event *timer;
    struct event *read_event; /* NULL without a context */
    struct event *write_event;
    struct loop_task flush;
    bool is_flush_queued;
    bool is_writing;
    bool is_closing;
    bool was_told; /* watch has been told something */
    bool is_told_ready;
    bool is_loss_logged; /* once per outage */
    enum redis_state state;
    struct resolver_query *resolving; /* in RESOLVING */
    struct addresses addresses;
    unsigned failures;   /* attempts in a row */
    size_t in_flight;    /* commands without their reply */
    int64_t progress_ns; /* when a reply last came, or the first command of a busy spell went out */
    void (*watch)(void *arg, bool is_ready);
    void *watch_arg;
    char reason[200];
};

static void arm_timer(struct redis_connection *connection, int64_t after_ms)
{
    struct timeval after = {after_ms / 1000, (after_ms % 1000) * 1000};
    event_add(connection->timer, &after);
}

static void tell(struct redis_connection *connection, bool is_ready)
{
    if (!connection->was_told || connection->is_told_ready != is_ready) {
        connection->was_told = true;
        connection->is_told_ready = is_ready;
        connection->watch(connection->watch_arg, is_ready);
    }
}

static void set_reason(struct redis_connection *connection, const char *reason)
{
    snprintf(connection->reason, sizeof connection->reason, "%s", reason);
}

/* Ends the context for a reason of our own; its cleanup does the rest, now or, inside a callback of
 * hiredis, when that has returned. */
static void abandon(struct redis_connection *connection, const char *reason)
{
    set_reason(connection, reason);
    redisAsyncFree(connection->context);
}

/* --- events: hiredis asks for reading and writing, and is told when either is possible --- */

static void connection_on_readable(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct redis_connection *connection = arg;
    redisAsyncHandleRead(connection->context);
    if (connection->context != NULL &&
        connection->context->c.reader->len > (size_t)connection->settings->reply_bytes) {
        abandon(connection, "a reply is larger than redis.reply_limit");
    }
}

/* hiredis asks for the write event when the socket took only a part, and removes it when all is
 * written. */
static void write_now(struct redis_connection *connection)
{
    connection->is_writing = true;
    redisAsyncHandleWrite(connection->context);
    connection->is_writing = false;
}

static void connection_on_writable(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    write_now(arg);
}

/* Writes what this pass of the loop has queued. */
static void run_flush(struct loop_task *task)
{
    struct redis_connection *connection = CONTAINER_OF(task, struct redis_connection, flush);
    connection->is_flush_queued = false;
    if (connection->is_closing) {
        free(connection);
    } else if (connection->context != NULL) {
        write_now(connection);
    }
}

static void connection_on_add_write(void *arg)
{
    struct redis_connection *connection = arg;
    if (connection->state == REDIS_CONNECTING || connection->is_writing) {
        event_add(connection->write_event, NULL);
    } else if (!connection->is_flush_queued) {
        connection->is_flush_queued = true;
        loop_flush(connection->loop, &connection->flush);
    }
}

static void connection_on_delete_write(void *arg)
{
    struct redis_connection *connection = arg;
    event_del(connection->write_event);
}

static void free_events(struct redis_connection *connection)
{
    if (connection->read_event != NULL) {
        event_free(connection->read_event);
        connection->read_event = NULL;
    }
    if (connection->write_event != NULL) {
        event_free(connection->write_event);
        connection->write_event = NULL;
    }
}

static void log_loss(struct redis_connection *connection)
{
    if (!connection->is_loss_logged && !connection->is_closing) {
        connection->is_loss_logged = true;
        log_warn("redis is away, trying again", LOG_TEXT("address", connection->target->address),
                 LOG_INT("loop", loop_index(connection->loop)),
                 LOG_TEXT("reason", connection->reason));
    }
}

static void connect_to_next(struct redis_connection *connection);

/* The attempt or the connection has ended: the only way back to AWAY. */
static void go_away(struct redis_connection *connection)
{
    connection->state = REDIS_AWAY;
    connection->failures++;
    log_loss(connection);
    if (!connection->is_closing) {
        arm_timer(connection,
                  backoff_ms(connection->failures, connection->settings->reconnect_min_ms,
                             connection->settings->reconnect_max_ms));
        tell(connection, false);
    }
}

/* An attempt has failed when the last address has. */
static void lose_context(struct redis_connection *connection)
{
    bool was_ready = connection->state == REDIS_READY;

    free_events(connection);
    connection->context = NULL;
    if (was_ready || connection->is_closing) {
        go_away(connection);
    } else {
        connect_to_next(connection);
    }
}

/* hiredis frees the context now; all pending commands have been told. */
static void connection_on_cleanup(void *arg)
{
    struct redis_connection *connection = arg;
    if (connection->context->err != 0) {
        set_reason(connection, connection->context->errstr);
    }
    lose_context(connection);
}

/* --- connecting --- */

static void become_ready(struct redis_connection *connection)
{
    event_del(connection->timer);
    connection->state = REDIS_READY;
    connection->failures = 0;
    connection->in_flight = 0;
    if (connection->is_loss_logged) {
        connection->is_loss_logged = false;
        log_info("redis is back", LOG_TEXT("address", connection->target->address),
                 LOG_INT("loop", loop_index(connection->loop)));
    }
    tell(connection, true);
}

/* Replies of AUTH, SELECT and PING; the last one makes the connection ready. A server that is still
 * loading its data, or wants another password, answers with an error. */
static void connection_on_greeting(redisAsyncContext *context, void *answer, void *arg)
{
    const redisReply *reply = answer;
    struct redis_connection *connection = context->data;
    if (reply == NULL || context->c.flags & REDIS_FREEING) {
        return;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        abandon(connection, reply->str);
    } else if (arg != NULL) {
        become_ready(connection);
    }
}

static void greet(struct redis_connection *connection)
{
    redisAsyncContext *context = connection->context;
    const struct config_redis *settings = connection->settings;
    connection->state = REDIS_GREETING;
    if (settings->password.text != NULL && settings->password.text[0] != '\0') {
        redisAsyncCommand(context, connection_on_greeting, NULL, "AUTH %s",
                          settings->password.text);
    }
    if (settings->database != 0) {
        redisAsyncCommand(context, connection_on_greeting, NULL, "SELECT %lld",
                          (long long)settings->database);
    }
    redisAsyncCommand(context, connection_on_greeting, connection, "PING");
}

static void connection_on_connect(const redisAsyncContext *context, int status)
{
    struct redis_connection *connection = context->data;
    if (status == REDIS_OK) {
        greet(connection);
    }
}

static bool attach_events(struct redis_connection *connection, redisAsyncContext *context)
{
    struct event_base *base = loop_base(connection->loop);
    connection->read_event =
        event_new(base, context->c.fd, EV_READ | EV_PERSIST, connection_on_readable, connection);
    connection->write_event =
        event_new(base, context->c.fd, EV_WRITE | EV_PERSIST, connection_on_writable, connection);
    if (connection->read_event == NULL || connection->write_event == NULL ||
        event_add(connection->read_event, NULL) != 0) {
        return false;
    }
    /* addRead stays NULL: the read event is persistent from here on. */
    context->ev.data = connection;
    context->ev.addWrite = connection_on_add_write;
    context->ev.delWrite = connection_on_delete_write;
    context->ev.cleanup = connection_on_cleanup;
    context->data = connection;
    return true;
}

/* False if it cannot even begin, for the reason that is set. */
static bool connect_to(struct redis_connection *connection, const struct resolver_address *address)
{
    char ip[RESOLVER_TEXT_SIZE];
    redisAsyncContext *context =
        redisAsyncConnect(resolver_address_text(address, ip), (int)connection->settings->port);

    if (context == NULL || context->err != 0 || !attach_events(connection, context)) {
        set_reason(connection,
                   context != NULL && context->err != 0 ? context->errstr : "out of memory");
        if (context != NULL) {
            redisAsyncFree(context);
        }
        free_events(connection);
        return false;
    }
    connection->context = context;
    connection->state = REDIS_CONNECTING;
    redisEnableKeepAlive(&context->c);
    redisAsyncSetConnectCallback(context, connection_on_connect);
    return true;
}

/* The addresses of a name in turn, each with its share of redis.connect_timeout; the reason is set
 * to what happened to the one before. */
static void connect_to_next(struct redis_connection *connection)
{
    const struct resolver_address *address;
    int64_t share_ms;

    while ((address = addresses_next(&connection->addresses, &share_ms)) != NULL) {
        if (connect_to(connection, address)) {
            arm_timer(connection, share_ms);
            return;
        }
    }
    go_away(connection);
}

static void connection_on_resolved(void *arg, const struct resolver_answer *answer)
{
    struct redis_connection *connection = arg;
    connection->resolving = NULL;
    if (answer->count == 0) {
        set_reason(connection, answer->failure);
    }
    addresses_set(&connection->addresses, answer);
    connect_to_next(connection);
}

static void start_connecting(struct redis_connection *connection)
{
    const struct config_redis *settings = connection->settings;
    connection->state = REDIS_RESOLVING;
    addresses_begin(&connection->addresses, settings->connect_ms);
    arm_timer(connection, settings->connect_ms);
    connection->resolving =
        resolver_start(connection->loop, settings->host, (uint16_t)settings->port,
                       connection_on_resolved, connection);
    if (connection->resolving == NULL) {
        set_reason(connection, "out of memory");
        go_away(connection);
    }
}

/* --- time --- */

static void look_for_stall(struct redis_connection *connection)
{
    int64_t limit_ms = STALL_TIMEOUTS * connection->settings->command_ms;
    int64_t silent_ms = (clock_monotonic_ns() - connection->progress_ns) / NS_PER_MS;
    if (connection->in_flight == 0) {
        return;
    }
    if (silent_ms < limit_ms) {
        arm_timer(connection, limit_ms - silent_ms);
    } else {
        abandon(connection, "the server answers nothing");
    }
}

static void connection_on_timer(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct redis_connection *connection = arg;
    switch (connection->state) {
    case REDIS_AWAY:
        start_connecting(connection);
        break;
    case REDIS_RESOLVING:
        resolver_cancel(connection->resolving);
        connection->resolving = NULL;
        set_reason(connection, "its name was not looked up within redis.connect_timeout");
        go_away(connection);
        break;
    case REDIS_CONNECTING:
    case REDIS_GREETING:
        abandon(connection, "no answer within redis.connect_timeout");
        break;
    case REDIS_READY:
        look_for_stall(connection);
        break;
    }
}

/* --- commands --- */

static void connection_on_reply(redisAsyncContext *context, void *reply, void *arg)
{
    struct redis_connection *connection = context->data;
    struct redis_batch *batch = arg;
    connection->in_flight--;
    connection->progress_ns = clock_monotonic_ns();
    batch->pending--;
    batch->on_reply(batch, reply);
    if (batch->pending == 0) {
        batch->on_finished(batch);
    }
}

static bool send_command(struct redis_connection *connection,
                         const struct atlas_redis_command *command, const char **argv,
                         size_t *lengths, struct redis_batch *batch)
{
    for (size_t i = 0; i < command->word_count; i++) {
        argv[i] = command->words[i].data;
        lengths[i] = command->words[i].len;
    }
    return redisAsyncCommandArgv(connection->context, connection_on_reply, batch,
                                 (int)command->word_count, argv, lengths) == REDIS_OK;
}

atlas_status_t redis_connection_send(struct redis_connection *connection,
                                     const struct atlas_redis_command *commands, size_t count,
                                     const char **argv, size_t *lengths, struct redis_batch *batch)
{
    if (!redis_connection_is_ready(connection)) {
        return ATLAS_UNAVAILABLE;
    }
    if (count > (size_t)connection->settings->queue - connection->in_flight) {
        return ATLAS_RESOURCE_EXHAUSTED;
    }
    if (connection->in_flight == 0) {
        connection->progress_ns = clock_monotonic_ns();
        if (event_pending(connection->timer, EV_TIMEOUT, NULL) == 0) {
            arm_timer(connection, STALL_TIMEOUTS * connection->settings->command_ms);
        }
    }
    batch->pending = count;
    connection->in_flight += count;
    for (size_t i = 0; i < count; i++) {
        if (!send_command(connection, &commands[i], argv, lengths, batch)) {
            /* Cannot happen on a ready connection; hiredis would never call back for the rest. */
            log_error("redis took only part of a pipeline",
                      LOG_TEXT("address", connection->target->address));
            abort();
        }
    }
    return ATLAS_OK;
}

/* --- life --- */

struct redis_connection *redis_connection_open(struct loop *loop, const struct redis_target *target,
                                               void (*watch)(void *arg, bool is_ready), void *arg)
{
    struct redis_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return NULL;
    }
    connection->timer = event_new(loop_base(loop), -1, 0, connection_on_timer, connection);
    if (connection->timer == NULL) {
        free(connection);
        return NULL;
    }
    connection->target = target;
    connection->settings = target->settings;
    connection->loop = loop;
    connection->flush.run = run_flush;
    connection->watch = watch;
    connection->watch_arg = arg;
    set_reason(connection, "not connected yet");
    start_connecting(connection);
    return connection;
}

void redis_connection_close(struct redis_connection *connection)
{
    if (connection == NULL) {
        return;
    }
    connection->is_closing = true;
    event_free(connection->timer);
    connection->timer = NULL;
    resolver_cancel(connection->resolving);
    connection->resolving = NULL;
    if (connection->context != NULL) {
        abandon(connection, "the host is stopping");
    }
    if (!connection->is_flush_queued) { /* else the flush frees it */
        free(connection);
    }
}

bool redis_connection_is_ready(const struct redis_connection *connection)
{
    return connection->state == REDIS_READY && connection->context != NULL &&
           (connection->context->c.flags & (REDIS_DISCONNECTING | REDIS_FREEING)) == 0;
}

const char *redis_connection_reason(const struct redis_connection *connection)
{
    return connection->reason;
}
