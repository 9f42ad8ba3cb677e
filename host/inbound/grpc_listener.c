/* Listening sockets of the gRPC server. One socket accepts for all loops, so that no connection is
 * lost between sockets and a second process on the same port is refused by the system. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "inbound/grpc_connection.h"

/* Connections that one event accepts before others get their turn. */
#define ACCEPTS_PER_EVENT 64
#define PAUSE_MS          100

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t parse_address(const char *host, uint16_t port, union address *ret_address)
{
    memset(ret_address, 0, sizeof *ret_address);
    if (inet_pton(AF_INET, host, &ret_address->v4.sin_addr) == 1) {
        ret_address->v4.sin_family = AF_INET;
        ret_address->v4.sin_port = htons(port);
        return sizeof ret_address->v4;
    }
    if (inet_pton(AF_INET6, host, &ret_address->v6.sin6_addr) == 1) {
        ret_address->v6.sin6_family = AF_INET6;
        ret_address->v6.sin6_port = htons(port);
        return sizeof ret_address->v6;
    }
    return 0;
}

static uint16_t bound_port(int fd)
{
    union address address;
    socklen_t len = sizeof address;
    if (getsockname(fd, &address.any, &len) != 0) {
        return 0;
    }
    return ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
}

static int open_socket(const union address *address, socklen_t len, int backlog)
{
    static const int on = 1;
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, &address->any, len) != 0 || listen(fd, backlog) != 0) {
        int failure = errno;
        close(fd);
        errno = failure;
        return -1;
    }
    return fd;
}

static atlas_status_t refuse_address(const struct grpc_listener_options *options, int failure,
                                     struct error *error)
{
    if (failure == EADDRINUSE) {
        return error_set(error, ATLAS_FAILED_PRECONDITION,
                         "gRPC listener %s:%u: another process listens there; stop it or give "
                         "this listener another port",
                         options->host, options->port);
    }
    return error_set(error, ATLAS_FAILED_PRECONDITION, "gRPC listener %s:%u: %s", options->host,
                     options->port, strerror(failure));
}

atlas_status_t grpc_listener_open(struct grpc_server *server,
                                  const struct grpc_listener_options *options,
                                  struct grpc_listener **ret_listener, uint16_t *ret_port,
                                  struct error *error)
{
    union address address;
    socklen_t len = parse_address(options->host, options->port, &address);
    if (len == 0) {
        return error_set(error, ATLAS_INVALID_ARGUMENT,
                         "gRPC listener %s: no numeric address; write it like \"0.0.0.0\" or "
                         "\"::1\"",
                         options->host);
    }
    struct grpc_listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "gRPC listener: out of memory");
    }
    listener->fd = open_socket(&address, len, options->backlog > 0 ? options->backlog : 1024);
    if (listener->fd < 0) {
        int failure = errno;
        free(listener);
        return refuse_address(options, failure, error);
    }
    uint16_t port = bound_port(listener->fd);
    listener->server = server;
    listener->services = options->services;
    listener->service_count = options->service_count;
    listener->trusts_identity = options->trusts_identity;
    snprintf(listener->name, sizeof listener->name, "%s:%u", options->host, port);
    if (ret_port != NULL) {
        *ret_port = port;
    }
    *ret_listener = listener;
    return ATLAS_OK;
}

/* False when there is nothing to accept any more, or nothing can be. */
static bool accept_one(struct grpc_listener *listener)
{
    static const int on = 1;
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        grpc_server_dispatch(listener, fd);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        log_warn("grpc listener pauses: out of descriptors or memory, continuing",
                 LOG_TEXT("listener", listener->name), LOG_TEXT("error", strerror(errno)));
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

/* A plain close resets connections that the system has accepted for us. So: let no more packets in,
 * take what is complete, then close (tried: none lost). */
void grpc_listener_stop(struct grpc_listener *listener)
{
    struct sock_filter drop_all[] = {{BPF_RET | BPF_K, 0, 0, 0}};
    struct sock_fprog program = {.len = 1, .filter = drop_all};
    if (!listener->is_accepting) {
        return;
    }
    setsockopt(listener->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    while (accept_one(listener)) {
    }
    event_del(&listener->accept_event);
    event_del(&listener->pause_event);
    listener->is_accepting = false;
    close(listener->fd);
    listener->fd = -1;
}
