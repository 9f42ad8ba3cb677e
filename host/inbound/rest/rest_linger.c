#include "inbound/rest/rest_linger.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define LINGER_IDLE_S 1
#define DISCARD_SIZE  (16 * 1024)

struct lingerer {
    struct lingerer *next;
    struct lingerer **link; /* the pointer that points here */
    struct rest_linger *linger;
    struct event event;
    int64_t until_ns;
    int fd;
};

static void end(struct lingerer *lingerer)
{
    event_del(&lingerer->event);
    close(lingerer->fd);
    *lingerer->link = lingerer->next;
    if (lingerer->next != NULL) {
        lingerer->next->link = lingerer->link;
    }
    lingerer->linger->count--;
    free(lingerer);
}

static void linger_on_socket(evutil_socket_t fd, short events, void *arg)
{
    struct lingerer *lingerer = arg;
    char discarded[DISCARD_SIZE];
    ssize_t len = (events & EV_READ) != 0 ? recv(fd, discarded, sizeof discarded, MSG_DONTWAIT) : 0;

    if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR) ||
        clock_monotonic_ns() >= lingerer->until_ns) {
        end(lingerer);
    }
}

void rest_linger_init(struct rest_linger *linger, struct event_base *base, size_t limit,
                      int64_t timeout_ms)
{
    *linger = (struct rest_linger){.base = base, .limit = limit, .timeout_ms = timeout_ms};
}

void rest_linger_begin(struct rest_linger *linger, int fd)
{
    static const struct timeval idle = {LINGER_IDLE_S, 0};
    struct lingerer *lingerer = linger->count < linger->limit ? calloc(1, sizeof *lingerer) : NULL;

    if (lingerer == NULL || (lingerer->fd = dup(fd)) < 0) {
        free(lingerer);
        return;
    }
    shutdown(lingerer->fd, SHUT_WR);
    lingerer->linger = linger;
    lingerer->until_ns = clock_monotonic_ns() + linger->timeout_ms * NS_PER_MS;
    lingerer->next = linger->sockets;
    lingerer->link = &linger->sockets;
    if (lingerer->next != NULL) {
        lingerer->next->link = &lingerer->next;
    }
    linger->sockets = lingerer;
    linger->count++;
    event_assign(&lingerer->event, linger->base, lingerer->fd, EV_READ | EV_PERSIST,
                 linger_on_socket, lingerer);
    event_add(&lingerer->event, &idle);
}

void rest_linger_finish(struct rest_linger *linger)
{
    while (linger->sockets != NULL) {
        end(linger->sockets);
    }
}
