/*
 * The end of a connection whose client may still be sending. Closing a socket with unread bytes
 * resets the connection, and the client may lose the answer that it was just sent. So the socket is
 * kept a while beyond evhttp's own close: no more is sent, and what comes is thrown away.
 */
#ifndef INBOUND_REST_REST_LINGER_H
#define INBOUND_REST_REST_LINGER_H

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct lingerer;

struct rest_linger {
    struct event_base *base;
    struct lingerer *sockets;
    size_t count;
    size_t limit;
    int64_t timeout_ms;
};

/* For at most limit sockets, each kept for timeout_ms at most. On the loop, as all that follows. */
void rest_linger_init(struct rest_linger *linger, struct event_base *base, size_t limit,
                      int64_t timeout_ms);

/* Keeps the socket, which the caller goes on to close, until its client has closed it or the time
 * is over. Beyond the limit, or without memory, it is closed at once. */
void rest_linger_begin(struct rest_linger *linger, int fd);

/* Closes what is still kept. */
void rest_linger_finish(struct rest_linger *linger);

#endif
