#include "base/http2/http2_connection.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define READ_SIZE      65536
#define DEFAULT_WINDOW 65535

/* What nghttp2 sends as one header list. Beyond that it says nothing and sends nothing: above what
 * two lists of metadata can make, 64 KiB each and a third longer as text. */
#define HEADERS_MAX (256 * 1024)

static void close_now(struct http2_connection *connection, const char *reason)
{
    event_del(&connection->read_event);
    event_del(&connection->write_event);
    close(connection->fd);
    connection->fd = -1;
    connection->owner->closed(connection, reason);
}

void http2_connection_flush(struct http2_connection *connection)
{
    if (!connection->is_flush_queued && connection->fd >= 0) {
        connection->is_flush_queued = true;
        loop_flush(connection->loop, &connection->flush_task);
    }
}

void http2_connection_fail(struct http2_connection *connection, const char *reason)
{
    if (connection->failure == NULL) {
        connection->failure = reason;
    }
    http2_connection_flush(connection);
}

void http2_connection_terminate(struct http2_connection *connection, uint32_t error_code)
{
    nghttp2_session_terminate_session(connection->session, error_code);
    http2_connection_flush(connection);
}

/* Keeps what the socket did not take, in two parts, and waits until it takes more. */
static void keep_unsent(struct http2_connection *connection, const uint8_t *first, size_t first_len,
                        const uint8_t *second, size_t second_len)
{
    uint8_t *unsent = malloc(first_len + second_len);
    if (unsent == NULL) {
        http2_connection_fail(connection, "out of memory");
        return;
    }
    memcpy(unsent, first, first_len);
    if (second_len > 0) {
        memcpy(unsent + first_len, second, second_len);
    }
    connection->unsent = unsent;
    connection->unsent_len = first_len + second_len;
    connection->unsent_at = 0;
    connection->blocked_ns = clock_monotonic_ns();
    event_add(&connection->write_event, NULL);
}

/* How many bytes the socket took; a broken one fails the connection. */
static size_t write_some(struct http2_connection *connection, const uint8_t *data, size_t len)
{
    ssize_t written = send(connection->fd, data, len, MSG_NOSIGNAL);
    if (written >= 0) {
        return (size_t)written;
    }
    if (errno != EAGAIN && errno != EINTR) {
        http2_connection_fail(connection, "connection lost while writing");
    }
    return 0;
}

/* Writes the scratch buffer; false if the socket took less, and the rest and the frame are kept. */
static bool write_scratch(struct http2_connection *connection, size_t used, const uint8_t *frame,
                          size_t frame_len)
{
    if (used == 0) {
        return true;
    }
    size_t written = write_some(connection, connection->scratch, used);
    if (written == used) {
        return true;
    }
    if (connection->failure == NULL) {
        keep_unsent(connection, connection->scratch + written, used - written, frame, frame_len);
    }
    return false;
}

/* Everything that the session wants to send, in as few writes as the scratch buffer allows. */
static void write_session(struct http2_connection *connection)
{
    size_t used = 0;
    for (;;) {
        const uint8_t *frame = NULL;
        ssize_t len = nghttp2_session_mem_send(connection->session, &frame);
        if (len < 0 || len > HTTP2_SCRATCH_SIZE) {
            http2_connection_fail(connection, "HTTP/2 session failed while sending");
            return;
        }
        size_t frame_len = (size_t)len;
        if (frame_len == 0 || used + frame_len > HTTP2_SCRATCH_SIZE) {
            if (!write_scratch(connection, used, frame, frame_len) || frame_len == 0) {
                return;
            }
            used = 0;
        }
        memcpy(connection->scratch + used, frame, frame_len);
        used += frame_len;
    }
}

/* True when nothing is left that was kept. */
static bool write_unsent(struct http2_connection *connection)
{
    if (connection->unsent == NULL) {
        return true;
    }
    connection->unsent_at += write_some(connection, connection->unsent + connection->unsent_at,
                                        connection->unsent_len - connection->unsent_at);
    if (connection->unsent_at < connection->unsent_len) {
        return false;
    }
    free(connection->unsent);
    connection->unsent = NULL;
    connection->blocked_ns = 0;
    event_del(&connection->write_event);
    return true;
}

bool http2_connection_is_full(const struct http2_connection *connection)
{
    return connection->queued > connection->limits->send_buffer;
}

/* A peer that does not read its answers is not read from either. Control frames count as well: each
 * that comes may queue an answer. */
static void balance_reading(struct http2_connection *connection)
{
    bool stop = connection->unsent != NULL &&
                (http2_connection_is_full(connection) ||
                 nghttp2_session_get_outbound_queue_size(connection->session) >
                     connection->limits->queued_frames);
    if (stop && !connection->is_read_stopped) {
        event_del(&connection->read_event);
    } else if (!stop && connection->is_read_stopped) {
        event_add(&connection->read_event, NULL);
    }
    connection->is_read_stopped = stop;
}

/* Closing a socket with unread bytes resets it, and the peer may lose our last frames: say that no
 * more follows, then wait for the peer to close. */
static void linger(struct http2_connection *connection)
{
    connection->is_lingering = true;
    connection->linger_ns = clock_monotonic_ns();
    shutdown(connection->fd, SHUT_WR);
    balance_reading(connection);
}

static void run_flush(struct loop_task *task)
{
    struct http2_connection *connection = CONTAINER_OF(task, struct http2_connection, flush_task);
    connection->is_flush_queued = true; /* so that a failure on the way does not queue it again */
    if (connection->failure == NULL && !connection->is_lingering && write_unsent(connection)) {
        write_session(connection);
    }
    connection->is_flush_queued = false;
    if (connection->failure != NULL) {
        close_now(connection, connection->failure);
        return;
    }
    if (connection->is_lingering) {
        return;
    }
    if (connection->unsent == NULL && nghttp2_session_want_read(connection->session) == 0 &&
        nghttp2_session_want_write(connection->session) == 0) {
        linger(connection);
        return;
    }
    balance_reading(connection);
    connection->owner->ready(connection);
}

static void http2_connection_on_writable(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    http2_connection_flush(arg);
}

static void feed(struct http2_connection *connection, size_t len)
{
    ssize_t used = nghttp2_session_mem_recv(connection->session, connection->scratch, len);
    if (used < 0) {
        http2_connection_fail(connection, used == NGHTTP2_ERR_BAD_CLIENT_MAGIC
                                              ? "the peer does not speak HTTP/2"
                                              : "HTTP/2 session failed while receiving");
    }
    connection->owner->ready(connection);
    http2_connection_flush(connection);
}

static void http2_connection_on_readable(evutil_socket_t fd, short events, void *arg)
{
    (void)events;
    struct http2_connection *connection = arg;
    ssize_t len = recv(fd, connection->scratch, READ_SIZE, 0);
    if (len > 0) {
        connection->has_read = true;
        if (!connection->is_lingering) {
            feed(connection, (size_t)len);
        }
    } else if (len == 0) {
        http2_connection_fail(connection, "closed by the peer");
    } else if (errno != EAGAIN && errno != EINTR) {
        http2_connection_fail(connection, "connection lost while reading");
    }
}

nghttp2_option *http2_connection_options(const struct grpc_limits *limits)
{
    nghttp2_option *options;
    if (nghttp2_option_new(&options) != 0) {
        return NULL;
    }
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_no_closed_streams(options, 1);
    nghttp2_option_set_max_send_header_block_length(options, HEADERS_MAX);
    nghttp2_option_set_stream_reset_rate_limit(options, limits->reset_burst, limits->resets);
    return options;
}

static int start_session(struct http2_connection *connection,
                         const nghttp2_session_callbacks *callbacks, const nghttp2_option *options)
{
    const struct grpc_limits *limits = connection->limits;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits->streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)limits->stream_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)limits->header_limit},
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
    };
    size_t count = sizeof settings / sizeof settings[0];
    int failure =
        connection->is_server
            ? nghttp2_session_server_new2(&connection->session, callbacks, connection, options)
            : nghttp2_session_client_new2(&connection->session, callbacks, connection, options);
    if (failure == 0) { /* a server must not send ENABLE_PUSH, the last one */
        failure = nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, settings,
                                          connection->is_server ? count - 1 : count);
    }
    if (failure == 0 && limits->connection_window > DEFAULT_WINDOW) {
        failure = nghttp2_session_set_local_window_size(connection->session, NGHTTP2_FLAG_NONE, 0,
                                                        (int32_t)limits->connection_window);
    }
    return failure;
}

atlas_status_t http2_connection_open(struct http2_connection *connection, struct loop *loop, int fd,
                                     bool is_server, const nghttp2_session_callbacks *callbacks,
                                     const nghttp2_option *options)
{
    connection->loop = loop;
    connection->fd = fd;
    connection->is_server = is_server;
    connection->flush_task.run = run_flush;
    connection->opened_ns = connection->last_read_ns = clock_monotonic_ns();
    connection->resets_left = connection->limits->reset_burst;
    if (start_session(connection, callbacks, options) != 0) {
        close(fd);
        connection->fd = -1;
        http2_connection_finish(connection);
        return ATLAS_RESOURCE_EXHAUSTED;
    }
    event_assign(&connection->read_event, loop_base(loop), fd, EV_READ | EV_PERSIST,
                 http2_connection_on_readable, connection);
    event_assign(&connection->write_event, loop_base(loop), fd, EV_WRITE | EV_PERSIST,
                 http2_connection_on_writable, connection);
    event_add(&connection->read_event, NULL);
    http2_connection_flush(connection);
    return ATLAS_OK;
}

void http2_connection_finish(struct http2_connection *connection)
{
    nghttp2_session_del(connection->session);
    connection->session = NULL;
    free(connection->unsent);
    connection->unsent = NULL;
}

void http2_connection_consume(struct http2_connection *connection, int32_t stream_id, size_t len)
{
    if (len == 0) {
        return;
    }
    nghttp2_session_consume_connection(connection->session, len);
    /* Fails for a stream that is gone, whose window is of no more use. */
    nghttp2_session_consume_stream(connection->session, stream_id, len);
}
