#include "inbound/rest/rest_connections.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"

#define PAUSE_MS  50
#define SWEEP_MIN 64
#define LOOK_MS   1000 /* and one more per connection, so that looking costs next to nothing */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The descriptor may be closed by now, or be another loop's: that is what is asked. */
static bool is_same_socket(const struct rest_connection *connection)
{
    struct stat status;

    return connection->fd >= 0 && fstat(connection->fd, &status) == 0 && S_ISSOCK(status.st_mode) &&
           status.st_ino == connection->inode;
}

static void release(struct rest_connections *connections, struct rest_connection *connection)
{
    slow_requests_forget(&connections->slow, &connection->arriving);
    if (connection->fd >= 0 && connections->by_fd[connection->fd] == connection) {
        connections->by_fd[connection->fd] = NULL;
    }
    connection->next_free = connections->free;
    connections->free = connection;
}

static void sweep(struct rest_connections *connections)
{
    size_t kept = 0;

    for (size_t i = 0; i < connections->count; i++) {
        if (is_same_socket(connections->open[i])) {
            connections->open[kept++] = connections->open[i];
        } else {
            release(connections, connections->open[i]);
        }
    }
    connections->count = kept;
    connections->sweep_at = smaller(kept * 2 + SWEEP_MIN, connections->limit);
    metrics_set(connections->metrics.connections, (int64_t)kept);
}

static void look_again(struct rest_connections *connections)
{
    int64_t ms = LOOK_MS + (int64_t)connections->count;

    if (connections->count > 0 && !event_pending(&connections->look_event, EV_TIMEOUT, NULL)) {
        event_add(&connections->look_event, &(struct timeval){ms / 1000, ms % 1000 * 1000});
    }
}

static void connections_on_look(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    sweep(arg);
    look_again(arg);
}

static void connections_on_resume(evutil_socket_t fd, short events, void *arg)
{
    struct rest_connections *connections = arg;

    (void)fd;
    (void)events;
    sweep(connections);
    if (connections->count >= connections->limit) {
        event_add(&connections->resume_event, &(struct timeval){0, PAUSE_MS * 1000});
        return;
    }
    connections->is_paused = false;
    evconnlistener_enable(connections->acceptor);
}

/* Once a second is enough to know; the metric counts them. */
static void pause_accepting(struct rest_connections *connections, const char *told)
{
    if (log_is_due(&connections->pause_told_ns)) {
        log_warn(told, LOG_TEXT("address", connections->address),
                 LOG_INT("loop", loop_index(connections->loop)));
    }
    if (!connections->is_paused) {
        connections->is_paused = true;
        metrics_add(connections->metrics.pauses, 1);
        evconnlistener_disable(connections->acceptor);
        event_add(&connections->resume_event, &(struct timeval){0, PAUSE_MS * 1000});
    }
}

void rest_connections_pause(struct rest_connections *connections)
{
    pause_accepting(connections, "rest listener pauses: out of descriptors or memory, continuing");
}

/* --- Connections begin ------------------------------------------------------------------------ */

static bool has_room_for_fd(struct rest_connections *connections, int fd)
{
    size_t count = connections->fd_count > 0 ? connections->fd_count : 256;

    if ((size_t)fd < connections->fd_count) {
        return true;
    }
    while (count <= (size_t)fd) {
        count *= 2;
    }
    struct rest_connection **by_fd = realloc(connections->by_fd, count * sizeof(*by_fd));
    if (by_fd == NULL) {
        return false;
    }
    memset(by_fd + connections->fd_count, 0, (count - connections->fd_count) * sizeof(*by_fd));
    connections->by_fd = by_fd;
    connections->fd_count = count;
    return true;
}

/* Bytes came, or evhttp took some that were there before. */
static void connection_on_input(struct evbuffer *input, const struct evbuffer_cb_info *info,
                                void *arg)
{
    struct rest_connection *connection = arg;

    (void)input;
    if (info->n_deleted > connection->longest_take) {
        connection->longest_take = info->n_deleted;
    }
    slow_requests_bytes(&connection->connections->slow, &connection->arriving);
}

static void note(struct rest_connections *connections, struct rest_connection *connection)
{
    int fd = bufferevent_getfd(connection->bufferevent);
    struct stat status;

    if (connections->count >= connections->sweep_at) {
        sweep(connections);
    }
    if (fd < 0 || fstat(fd, &status) != 0 || !has_room_for_fd(connections, fd)) {
        evbuffer_remove_cb(bufferevent_get_input(connection->bufferevent), connection_on_input,
                           connection);
        release(connections, connection);
        return;
    }
    connection->fd = fd;
    connection->inode = status.st_ino;
    connections->by_fd[fd] = connection;
    connections->open[connections->count++] = connection;
    metrics_set(connections->metrics.connections, (int64_t)connections->count);
    look_again(connections);
    if (connections->count >= connections->limit) {
        pause_accepting(connections,
                        "rest listener pauses: as many connections are open as may be, continuing");
    }
}

static void note_fresh(struct rest_connections *connections)
{
    for (size_t i = 0; i < connections->fresh_count; i++) {
        struct bufferevent *bufferevent = connections->fresh[i]->bufferevent;
        note(connections, connections->fresh[i]);
        bufferevent_decref(bufferevent);
    }
    connections->fresh_count = 0;
}

static void connections_on_pass_end(struct loop_task *task)
{
    struct rest_connections *connections = CONTAINER_OF(task, struct rest_connections, note_task);

    note_fresh(connections);
    if (!connections->is_paused) {
        evconnlistener_enable(connections->acceptor);
    }
}

/* evhttp sets the socket after it has asked for the bufferevent. */
void rest_connections_add(struct rest_connections *connections, struct bufferevent *bufferevent)
{
    const size_t room = sizeof connections->fresh / sizeof connections->fresh[0];
    struct rest_connection *connection = connections->free;

    connections->free = connection->next_free;
    *connection =
        (struct rest_connection){.connections = connections, .bufferevent = bufferevent, .fd = -1};
    evbuffer_add_cb(bufferevent_get_input(bufferevent), connection_on_input, connection);
    bufferevent_incref(bufferevent);
    connections->fresh[connections->fresh_count++] = connection;
    if (connections->fresh_count == 1) {
        loop_defer(connections->loop, &connections->note_task);
    }
    if (connections->fresh_count == room ||
        connections->count + connections->fresh_count >= connections->limit) {
        evconnlistener_disable(connections->acceptor); /* until the end of the pass */
    }
}

/* --- Requests --------------------------------------------------------------------------------- */

static struct rest_connection *connection_of(struct rest_connections *connections,
                                             struct evhttp_request *request)
{
    struct evhttp_connection *http = evhttp_request_get_connection(request);
    int fd = http == NULL ? -1 : bufferevent_getfd(evhttp_connection_get_bufferevent(http));

    note_fresh(connections);
    return fd >= 0 && (size_t)fd < connections->fd_count ? connections->by_fd[fd] : NULL;
}

void rest_connections_request_arrived(struct rest_connections *connections,
                                      struct evhttp_request *request)
{
    struct rest_connection *connection = connection_of(connections, request);

    if (connection != NULL) {
        connection->has_asked = true;
        slow_requests_arrived(&connections->slow, &connection->arriving);
    }
}

size_t rest_connections_longest_take(struct rest_connections *connections,
                                     struct evhttp_request *request)
{
    const struct rest_connection *connection = connection_of(connections, request);

    return connection != NULL ? connection->longest_take : 0;
}

void rest_connections_request_answered(struct rest_connections *connections,
                                       struct evhttp_request *request)
{
    struct rest_connection *connection = connection_of(connections, request);

    if (connection != NULL) {
        slow_requests_answered(&connection->arriving);
        connection->longest_take = 0;
    }
}

/* evhttp sees that the socket has ended and frees the connection. */
static void connection_on_slow(struct slow_request *arriving)
{
    static const char answer[] =
        "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
        "Content-Type: application/json\r\nContent-Length: 81\r\n\r\n"
        "{\"code\":4,\"message\":\"the request did not arrive in time as a whole\",\"details\":[]}";
    struct rest_connection *connection = CONTAINER_OF(arriving, struct rest_connection, arriving);

    if (!is_same_socket(connection)) {
        return; /* it ended before its request was there */
    }
    metrics_add(connection->connections->metrics.slow, 1);
    if (evbuffer_get_length(bufferevent_get_output(connection->bufferevent)) == 0) {
        send(connection->fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    shutdown(connection->fd, SHUT_RDWR);
}

/* --- Begin and end ---------------------------------------------------------------------------- */

bool rest_connections_init(struct rest_connections *connections, const char *address,
                           struct loop *loop, struct evconnlistener *acceptor, size_t limit,
                           int64_t request_ms)
{
    *connections = (struct rest_connections){.address = address,
                                             .loop = loop,
                                             .acceptor = acceptor,
                                             .limit = limit,
                                             .sweep_at = smaller(SWEEP_MIN, limit),
                                             .note_task = {.run = connections_on_pass_end}};
    connections->open = calloc(limit, sizeof *connections->open);
    event_assign(&connections->resume_event, loop_base(loop), -1, 0, connections_on_resume,
                 connections);
    event_assign(&connections->look_event, loop_base(loop), -1, 0, connections_on_look,
                 connections);
    slow_requests_init(&connections->slow, loop, request_ms, connection_on_slow);
    connections->all = calloc(limit, sizeof *connections->all);
    for (size_t i = limit; connections->all != NULL && i-- > 0;) {
        connections->all[i].next_free = connections->free;
        connections->free = &connections->all[i];
    }
    return connections->open != NULL && connections->all != NULL;
}

void rest_connections_stop(struct rest_connections *connections)
{
    connections->is_paused = true; /* nothing resumes it */
    event_del(&connections->resume_event);
    evconnlistener_disable(connections->acceptor);
}

size_t rest_connections_count(struct rest_connections *connections)
{
    sweep(connections);
    return connections->count + connections->fresh_count;
}

size_t rest_connections_unasked(struct rest_connections *connections)
{
    size_t unasked = connections->fresh_count;

    sweep(connections);
    for (size_t i = 0; i < connections->count; i++) {
        unasked += connections->open[i]->has_asked ? 0 : 1;
    }
    return unasked;
}

void rest_connections_finish(struct rest_connections *connections)
{
    if (connections->open != NULL) {
        event_del(&connections->resume_event);
        event_del(&connections->look_event);
        slow_requests_finish(&connections->slow);
        free(connections->open);
        connections->open = NULL;
        free(connections->all);
        free(connections->by_fd);
    }
}
