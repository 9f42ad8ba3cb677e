/* Listening sockets. One socket accepts for all loops, so that no connection is lost between
 * sockets and a second process on the same port is refused by the system. */
#ifndef BASE_TCP_LISTENER_H
#define BASE_TCP_LISTENER_H

#include "base/error.h"

/* True if host is an address to listen at: "0.0.0.0", "::1"; names are none. Any thread. */
bool tcp_listener_is_address(const char *host);

/*
 * Binds host (a numeric address: "0.0.0.0", "::1") and port (0: the system chooses) and listens,
 * not blocking. what names it in failures: "REST listener". The descriptor is the caller's.
 * ret_port may be NULL. FAILED_PRECONDITION if another process has the port. Any thread.
 */
atlas_status_t tcp_listener_open(const char *what, const char *host, uint16_t port, int backlog,
                                 int *ret_fd, uint16_t *ret_port, struct error *error);

/* Lets no more connections begin; those that have begun or are complete can still be accepted. A
 * plain close would reset them: stop, await handshakes, accept until nothing is left, then close
 * (tried: none lost). Any thread. */
void tcp_listener_stop_arrivals(int fd);

/* Waits until connections that had begun before tcp_listener_stop_arrivals are complete, as far as
 * one can know: a fraction of a second. Accept meanwhile. No loop. */
void tcp_listener_await_handshakes(void);

/* True if a connection waits to be accepted. */
bool tcp_listener_has_waiting(int fd);

#endif
