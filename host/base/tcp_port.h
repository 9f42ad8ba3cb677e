/* Why a port that nobody listens on cannot be bound. */
#ifndef BASE_TCP_PORT_H
#define BASE_TCP_PORT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * True if nobody listens on the port and it lies in the kernel's range for outgoing connections
 * (net.ipv4.ip_local_port_range): then one of those has it. Reads /proc; false where that cannot be
 * read. Any thread, does not wait.
 */
bool tcp_port_is_taken_by_connection(uint16_t port);

#endif
