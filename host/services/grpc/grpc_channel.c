#include "services/grpc/grpc_channel.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/readiness.h"
#include "services/backoff.h"
#include "services/grpc/grpc_client_request.h"
#include "services/grpc/grpc_client_session.h"
#include "services/grpc/grpc_client_stream.h"

/* A connection that was ready for so long was one. */
#define LASTING_NS NS_PER_S

static void begin_attempt(struct grpc_channel *channel);

static const struct grpc_limits *limits_of(const struct grpc_channel *channel)
{
    return &channel->target->loop->client->options.limits;
}

static struct event_base *base_of(const struct grpc_channel *channel)
{
    return loop_base(channel->target->loop->worker->loop);
}

static void set_timer(struct grpc_channel *channel, int64_t ms)
{
    struct timeval timeout = {ms / 1000, (ms % 1000) * 1000};
    event_add(&channel->timer, &timeout);
}

/* Nothing that waits for this channel was sent, so every caller may try again. */
static void fail_pending(struct grpc_channel *channel)
{
    struct grpc_client_stream *stream;
    while ((stream = channel->pending.head) != NULL) {
        grpc_client_stream_dequeue(stream);
        grpc_client_stream_complete(stream, ATLAS_UNAVAILABLE, "%s: %s", channel->target->name,
                                    channel->failure);
        grpc_client_stream_unlink(stream);
    }
}

static void stop_attempt(struct grpc_channel *channel)
{
    event_del(&channel->timer);
    resolver_cancel(channel->resolving);
    channel->resolving = NULL;
    if (channel->fd >= 0) {
        event_del(&channel->socket_event);
        close(channel->fd);
        channel->fd = -1;
    }
}

/* What tells a line of this channel from those of others to the same address. */
#define WHERE(channel)                                                                             \
    LOG_TEXT("address", (channel)->target->name),                                                  \
        LOG_INT("loop", (channel)->target->loop->worker->index),                                   \
        LOG_INT("connection", (channel) - (channel)->target->channels)

static void fail_attempt(struct grpc_channel *channel, const char *reason)
{
    stop_attempt(channel);
    snprintf(channel->failure, sizeof channel->failure, "%s", reason);
    if (channel == &channel->target->channels[0]) {
        readiness_set_failed(channel->target->readiness, "%s", channel->failure);
    }
    channel->failures++;
    if (!channel->is_told) {
        channel->is_told = true;
        log_warn("grpc peer cannot be reached, continuing", WHERE(channel),
                 LOG_TEXT("reason", channel->failure));
    }
    channel->state = CHANNEL_BACKOFF;
    set_timer(channel, backoff_ms(channel->failures, limits_of(channel)->reconnect_min_ms,
                                  limits_of(channel)->reconnect_max_ms));
    fail_pending(channel);
}

/* The target of no service: stays as it is until one is there again. */
static void retire(struct grpc_channel *channel)
{
    channel->state = CHANNEL_BACKOFF;
    snprintf(channel->failure, sizeof channel->failure, "no service is there any more");
    event_del(&channel->timer);
    fail_pending(channel);
}

void grpc_channel_wake(struct grpc_channel *channel)
{
    if (channel->state == CHANNEL_BACKOFF && !event_pending(&channel->timer, EV_TIMEOUT, NULL)) {
        begin_attempt(channel);
    }
}

static void connect_to_next(struct grpc_channel *channel, const char *failure);

static void grpc_channel_on_timer(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct grpc_channel *channel = arg;
    if (channel->state == CHANNEL_BACKOFF && !channel->target->is_current) {
        retire(channel);
    } else if (channel->state == CHANNEL_BACKOFF) {
        begin_attempt(channel);
    } else if (channel->state == CHANNEL_HANDSHAKE) {
        http2_connection_fail(&channel->connection->http2, "no HTTP/2 SETTINGS in time");
    } else if (channel->state == CHANNEL_CONNECTING) {
        connect_to_next(channel, "no connection in time");
    } else {
        fail_attempt(channel, "its name was not looked up in time");
    }
}

static void begin_handshake(struct grpc_channel *channel)
{
    int fd = channel->fd;
    event_del(&channel->socket_event);
    channel->fd = -1;
    channel->connection = grpc_client_session_open(channel, fd);
    if (channel->connection == NULL) {
        fail_attempt(channel, "out of memory");
        return;
    }
    channel->state = CHANNEL_HANDSHAKE;
}

static void grpc_channel_on_connected(evutil_socket_t fd, short events, void *arg)
{
    (void)events;
    int failure = 0;
    socklen_t len = sizeof failure;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) == 0 && failure == 0) {
        begin_handshake(arg);
    } else {
        connect_to_next(arg, strerror(failure != 0 ? failure : errno));
    }
}

/* NULL, or why it cannot even begin. */
static const char *connect_to(struct grpc_channel *channel, const struct resolver_address *address)
{
    static const int on = 1;
    channel->fd = socket(address->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (channel->fd < 0) {
        return strerror(errno);
    }
    setsockopt(channel->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    event_assign(&channel->socket_event, base_of(channel), channel->fd, EV_WRITE,
                 grpc_channel_on_connected, channel);
    if (connect(channel->fd, (const struct sockaddr *)(const void *)&address->address,
                address->len) != 0 &&
        errno != EINPROGRESS) {
        return strerror(errno);
    }
    event_add(&channel->socket_event, NULL);
    return NULL;
}

/* The addresses of a name in turn, each with its share of grpc.connect_timeout. failure is what
 * happened to the one before. */
static void connect_to_next(struct grpc_channel *channel, const char *failure)
{
    const struct resolver_address *address;
    int64_t share_ms;
    while (failure != NULL && (address = addresses_next(&channel->addresses, &share_ms)) != NULL) {
        stop_attempt(channel);
        channel->state = CHANNEL_CONNECTING;
        set_timer(channel, share_ms);
        failure = connect_to(channel, address);
    }
    if (failure != NULL) {
        fail_attempt(channel, failure);
    }
}

static void grpc_channel_on_resolved(void *arg, const struct resolver_answer *answer)
{
    struct grpc_channel *channel = arg;
    channel->resolving = NULL;
    addresses_set(&channel->addresses, answer);
    connect_to_next(channel, answer->count > 0 ? "no connection in time" : answer->failure);
}

static void begin_attempt(struct grpc_channel *channel)
{
    const struct grpc_target *target = channel->target;
    int64_t limit_ms = limits_of(channel)->connect_timeout_ms;
    channel->state = CHANNEL_RESOLVING;
    set_timer(channel, limit_ms);
    addresses_begin(&channel->addresses, limit_ms);
    channel->resolving = resolver_start(target->loop->worker->loop, target->host, target->port,
                                        grpc_channel_on_resolved, channel);
    if (channel->resolving == NULL) {
        fail_attempt(channel, "out of memory");
    }
}

void grpc_channel_init(struct grpc_channel *channel, struct grpc_target *target)
{
    channel->target = target;
    channel->fd = -1;
    channel->pending.tail = &channel->pending.head;
    event_assign(&channel->timer, base_of(channel), -1, 0, grpc_channel_on_timer, channel);
    begin_attempt(channel);
}

void grpc_channel_finish(struct grpc_channel *channel)
{
    stop_attempt(channel);
    snprintf(channel->failure, sizeof channel->failure, "the host ends");
    fail_pending(channel);
}

void grpc_channel_ready(struct grpc_channel *channel)
{
    struct grpc_target *target = channel->target;
    if (channel->state != CHANNEL_HANDSHAKE) {
        return;
    }
    event_del(&channel->timer);
    if (channel->is_told) {
        channel->is_told = false;
        log_info("grpc peer is connected", WHERE(channel));
    }
    channel->failures = 0;
    channel->ready_ns = clock_monotonic_ns();
    channel->state = CHANNEL_READY;
    if (channel == &target->channels[0]) {
        readiness_set_ready(target->readiness);
    }
    grpc_channel_pump(channel);
}

/* At once: a server that was replaced is there already. But not again and again, if all that it
 * says is goodbye: a proxy, whose servers are away. */
static void connect_again(struct grpc_channel *channel, const char *reason)
{
    bool has_lasted = clock_monotonic_ns() - channel->ready_ns >= LASTING_NS;
    channel->goodbyes = has_lasted ? 0 : channel->goodbyes + 1;
    if (channel->goodbyes <= 1) {
        begin_attempt(channel);
        return;
    }
    channel->failures = channel->goodbyes - 2;
    fail_attempt(channel, reason);
}

void grpc_channel_leave(struct grpc_channel *channel, const char *reason)
{
    struct grpc_target *target = channel->target;
    bool was_ready = channel->state == CHANNEL_READY;
    channel->connection->channel = NULL;
    channel->connection = NULL;
    if (channel == &target->channels[0]) {
        readiness_set_failed(target->readiness, "%s", reason);
    }
    if (target->loop->is_closing || !target->is_current) {
        retire(channel);
    } else if (was_ready) {
        connect_again(channel, reason);
    } else {
        connect_to_next(channel, reason);
    }
}

static bool has_room(const struct grpc_channel *channel)
{
    const struct grpc_client_connection *connection = channel->connection;
    return channel->state == CHANNEL_READY &&
           nghttp2_session_check_request_allowed(connection->http2.session) != 0 &&
           connection->stream_count <
               nghttp2_session_get_remote_settings(connection->http2.session,
                                                   NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

/* A connection has 2^30 stream ids. Who has used the last makes another; its streams go on. */
static bool submit(struct grpc_channel *channel, struct grpc_client_stream *stream)
{
    struct grpc_client_connection *connection = channel->connection;
    nghttp2_session *session = connection->http2.session;
    bool is_submitted = grpc_client_request_submit(connection, stream);
    if (nghttp2_session_get_next_stream_id(session) > INT32_MAX) {
        nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
        http2_connection_flush(&connection->http2);
        grpc_channel_leave(channel, "its stream ids are used up");
    }
    return is_submitted;
}

void grpc_channel_pump(struct grpc_channel *channel)
{
    struct grpc_client_stream *stream;
    while ((stream = channel->pending.head) != NULL && has_room(channel)) {
        grpc_client_stream_dequeue(stream);
        if (!submit(channel, stream)) {
            grpc_client_stream_complete(stream, ATLAS_UNAVAILABLE, "%s: no stream is left",
                                        channel->target->name);
            grpc_client_stream_unlink(stream);
        }
    }
}

atlas_status_t grpc_channel_add(struct grpc_channel *channel, struct grpc_client_stream *stream,
                                const char **ret_reason)
{
    if (channel->state == CHANNEL_BACKOFF) {
        *ret_reason = channel->failure;
        return ATLAS_UNAVAILABLE;
    }
    if (channel->pending.head == NULL && has_room(channel) && submit(channel, stream)) {
        return ATLAS_OK;
    }
    if (channel->pending.count >= limits_of(channel)->client_queue) {
        *ret_reason = "too many calls wait for it (grpc.client_queue)";
        return ATLAS_RESOURCE_EXHAUSTED;
    }
    grpc_client_stream_enqueue(stream, channel);
    return ATLAS_OK;
}
