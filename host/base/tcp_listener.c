#include "base/tcp_listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/tcp_port.h"

/* Where the flags stand in a TCP header. */
#define TCP_FLAGS_AT 13

/* Longer than a packet takes from a client and back. */
#define HANDSHAKE_MS 200

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* The length of the address, 0 if the text is none. */
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

bool tcp_listener_is_address(const char *host)
{
    union address address;

    return parse_address(host, 0, &address) > 0;
}

static int open_socket(const union address *address, socklen_t len, int backlog)
{
    static const int on = 1;
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* inherited by what is accepted */
    if (bind(fd, &address->any, len) != 0 || listen(fd, backlog) != 0) {
        int failure = errno;

        close(fd);
        errno = failure;
        return -1;
    }
    return fd;
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

static const char *why_taken(uint16_t port)
{
    return tcp_port_is_taken_by_connection(port)
               ? "an outgoing connection has this port, since it lies in "
                 "net.ipv4.ip_local_port_range; start again when that has ended, and keep the "
                 "ports of listeners out of it: sysctl -w "
                 "net.ipv4.ip_local_reserved_ports=50051-50054"
               : "another process listens there; stop it or give this listener another port";
}

static const char *why_refused(int failure, uint16_t port)
{
    switch (failure) {
    case EADDRINUSE:
        return why_taken(port);
    case EADDRNOTAVAIL:
        return "no address of this machine; give one that it has, or \"0.0.0.0\" for all";
    case EACCES:
        return "ports below 1024 need the capability CAP_NET_BIND_SERVICE; choose another or give "
               "it to the program";
    default:
        return strerror(failure);
    }
}

atlas_status_t tcp_listener_open(const char *what, const char *host, uint16_t port, int backlog,
                                 int *ret_fd, uint16_t *ret_port, struct error *error)
{
    union address address;
    socklen_t len = parse_address(host, port, &address);

    if (len == 0) {
        return error_set(error, ATLAS_INVALID_ARGUMENT,
                         "%s %s: no numeric address; write it like \"0.0.0.0\" or \"::1\"", what,
                         host);
    }
    int fd = open_socket(&address, len, backlog);
    if (fd < 0) {
        return error_set(error, ATLAS_FAILED_PRECONDITION, "%s %s:%u: %s", what, host, port,
                         why_refused(errno, port));
    }
    if (ret_port != NULL) {
        *ret_port = bound_port(fd);
    }
    *ret_fd = fd;
    return ATLAS_OK;
}

void tcp_listener_stop_arrivals(int fd)
{
    /* Drops what has SYN without ACK. To drop everything would take the last packet of a handshake
     * too, whose client has our answer and takes itself for connected. */
    struct sock_filter drop_first_packets[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TCP_FLAGS_AT),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_SYN | TH_ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TH_SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog program = {
        .len = sizeof drop_first_packets / sizeof drop_first_packets[0],
        .filter = drop_first_packets,
    };

    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

void tcp_listener_await_handshakes(void)
{
    nanosleep(&(struct timespec){0, HANDSHAKE_MS * NS_PER_MS}, NULL);
}

bool tcp_listener_has_waiting(int fd)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};

    return poll(&waiting, 1, 0) > 0;
}
