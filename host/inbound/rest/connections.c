#include "inbound/rest/connections.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>

#define PAUSE_MS  50
#define SWEEP_MIN 64

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The descriptor may be closed by now, or be another loop's: that is what is asked. */
static bool is_same_socket(const struct rest_connection *connection)
{
    struct stat status;

    return fstat(connection->fd, &status) == 0 && S_ISSOCK(status.st_mode) &&
           status.st_ino == connection->inode;
}

static void sweep(struct rest_connections *connections)
{
    size_t kept = 0;

    for (size_t i = 0; i < connections->count; i++) {
        if (is_same_socket(&connections->open[i])) {
            connections->open[kept++] = connections->open[i];
        }
    }
    connections->count = kept;
    connections->sweep_at = smaller(kept * 2 + SWEEP_MIN, connections->limit);
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

void rest_connections_pause(struct rest_connections *connections)
{
    if (!connections->is_paused) {
        connections->is_paused = true;
        evconnlistener_disable(connections->acceptor);
        event_add(&connections->resume_event, &(struct timeval){0, PAUSE_MS * 1000});
    }
}

static void note(struct rest_connections *connections, int fd)
{
    struct stat status;

    if (connections->count >= connections->sweep_at) {
        sweep(connections);
    }
    if (fd >= 0 && connections->count < connections->limit && fstat(fd, &status) == 0) {
        connections->open[connections->count++] = (struct rest_connection){fd, status.st_ino};
    }
    if (connections->count >= connections->limit) {
        rest_connections_pause(connections);
    }
}

static void connections_on_pass_end(struct loop_task *task)
{
    struct rest_connections *connections = CONTAINER_OF(task, struct rest_connections, note_task);

    for (size_t i = 0; i < connections->fresh_count; i++) {
        note(connections, bufferevent_getfd(connections->fresh[i]));
        bufferevent_decref(connections->fresh[i]);
    }
    connections->fresh_count = 0;
    if (!connections->is_paused) {
        evconnlistener_enable(connections->acceptor);
    }
}

/* evhttp sets the socket after it has asked for the bufferevent. */
void rest_connections_add(struct rest_connections *connections, struct bufferevent *bufferevent)
{
    const size_t room = sizeof connections->fresh / sizeof connections->fresh[0];

    bufferevent_incref(bufferevent);
    connections->fresh[connections->fresh_count++] = bufferevent;
    if (connections->fresh_count == 1) {
        loop_defer(connections->loop, &connections->note_task);
    }
    if (connections->fresh_count == room ||
        connections->count + connections->fresh_count >= connections->limit) {
        evconnlistener_disable(connections->acceptor); /* until the end of the pass */
    }
}

bool rest_connections_init(struct rest_connections *connections, struct loop *loop,
                           struct evconnlistener *acceptor, size_t limit)
{
    *connections = (struct rest_connections){.loop = loop,
                                             .acceptor = acceptor,
                                             .limit = limit,
                                             .sweep_at = smaller(SWEEP_MIN, limit),
                                             .note_task = {.run = connections_on_pass_end}};
    connections->open = calloc(limit, sizeof *connections->open);
    event_assign(&connections->resume_event, loop_base(loop), -1, 0, connections_on_resume,
                 connections);
    return connections->open != NULL;
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
    return connections->count;
}

void rest_connections_finish(struct rest_connections *connections)
{
    if (connections->open != NULL) {
        event_del(&connections->resume_event);
        free(connections->open);
        connections->open = NULL;
    }
}
