/* Listening sockets of the gRPC server. One socket accepts for all loops, so that no connection is
 * lost between sockets and a second process on the same port is refused by the system. */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/tcp_listener.h"
#include "inbound/grpc/grpc_listener.h"
#include "inbound/grpc/grpc_state.h"

/* Connections that one event accepts before others get their turn. */
#define ACCEPTS_PER_EVENT 64
#define PAUSE_MS          100

atlas_status_t grpc_listener_open(const struct grpc_listener_options *options,
                                  void (*on_accepted)(struct grpc_listener *listener, int fd),
                                  struct grpc_listener **ret_listener, uint16_t *ret_port,
                                  struct error *error)
{
    struct grpc_listener *listener = calloc(1, sizeof *listener);
    uint16_t port;
    if (listener == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "gRPC listener: out of memory");
    }
    atlas_status_t status = tcp_listener_open("gRPC listener", options->host, options->port,
                                              options->backlog > 0 ? options->backlog : 1024,
                                              &listener->fd, &port, error);
    struct service_names *services =
        service_names_create(options->services, options->service_count, 1);
    if (status == ATLAS_OK && services == NULL) {
        close(listener->fd);
        status = error_set(error, ATLAS_RESOURCE_EXHAUSTED, "gRPC listener: out of memory");
    }
    if (status != ATLAS_OK) {
        service_names_free(services);
        free(listener);
        return status;
    }
    listener->on_accepted = on_accepted;
    atomic_init(&listener->services, services);
    atomic_init(&listener->trusts_identity, options->trusts_identity);
    snprintf(listener->address, sizeof listener->address, "%s:%u", options->host, port);
    if (ret_port != NULL) {
        *ret_port = port;
    }
    *ret_listener = listener;
    return ATLAS_OK;
}

static void tell_of_pause(struct grpc_listener *listener, const char *reason)
{
    if (log_is_due(&listener->pause_told_ns)) {
        log_warn("grpc listener pauses: out of descriptors or memory, continuing",
                 LOG_TEXT("address", listener->address), LOG_TEXT("reason", reason));
    }
}

/* False when there is nothing to accept any more, or nothing can be. */
static bool accept_one(struct grpc_listener *listener)
{
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        listener->on_accepted(listener, fd);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        tell_of_pause(listener, strerror(errno));
        event_del(&listener->accept_event);
        event_add(&listener->pause_event, &(struct timeval){0, PAUSE_MS * 1000});
        return false;
    }
    return errno == ECONNABORTED || errno == EINTR;
}

static void grpc_listener_on_readable(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    for (int n = 0; n < ACCEPTS_PER_EVENT && accept_one(arg); n++) {
    }
}

static void grpc_listener_on_pause_ended(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct grpc_listener *listener = arg;
    event_add(&listener->accept_event, NULL);
}

void grpc_listener_start(struct grpc_listener *listener, struct loop *loop)
{
    event_assign(&listener->accept_event, loop_base(loop), listener->fd, EV_READ | EV_PERSIST,
                 grpc_listener_on_readable, listener);
    event_assign(&listener->pause_event, loop_base(loop), -1, 0, grpc_listener_on_pause_ended,
                 listener);
    event_add(&listener->accept_event, NULL);
    listener->is_accepting = true;
}

/* Takes what the system has accepted for us before it closes: none are lost. */
void grpc_listener_stop(struct grpc_listener *listener)
{
    if (!listener->is_accepting) {
        return;
    }
    tcp_listener_stop_arrivals(listener->fd);
    while (accept_one(listener)) {
    }
    event_del(&listener->accept_event);
    event_del(&listener->pause_event);
    listener->is_accepting = false;
    close(listener->fd);
    listener->fd = -1;
}

void grpc_listener_free(struct grpc_listener *listener)
{
    if (listener->fd >= 0) {
        close(listener->fd);
    }
    service_names_free(atomic_load(&listener->services));
    free(listener);
}
