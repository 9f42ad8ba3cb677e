/*
 * The REST server: any service with google.api.http options, over HTTP/1.1 on evhttp, transcoded by
 * the host. Every loop has an evhttp of its own for each listener; all accept from one socket. All
 * functions are for a thread that is no loop (main, control).
 *
 *   create -> runtime_start -> listen (each) -> accept -> stop_arrivals -> stop -> cancel ->
 * destroy
 */
#ifndef INBOUND_REST_REST_SERVER_H
#define INBOUND_REST_REST_SERVER_H

#include "base/error.h"

struct rest_limits;
struct rest_listener;
struct rest_server;
struct runtime;

struct rest_listener_options {
    const char *host; /* a numeric address */
    uint16_t port;    /* 0: the system chooses */
    int backlog;
    const char *const *services; /* that it serves; copied */
    size_t service_count;        /* at least 1 */
};

/* Makes a server without listeners. RESOURCE_EXHAUSTED. */
atlas_status_t rest_server_create(struct runtime *runtime, const struct rest_limits *limits,
                                  struct rest_server **ret_server, struct error *error);

/* Binds an address, which no other process may have; connections queue until accept. The error
 * names the address and the remedy. ret_listener belongs to the server, until unlisten; it and
 * ret_port may be NULL. */
atlas_status_t rest_server_listen(struct rest_server *server,
                                  const struct rest_listener_options *options,
                                  struct rest_listener **ret_listener, uint16_t *ret_port,
                                  struct error *error);

/* Closes a listener without losing a connection that is on its way; what is in flight is answered,
 * and each answer closes its connection. Does not wait for that: the listener is freed at a later
 * unlisten, when its clients have gone or were idle for too long. The runtime runs. */
void rest_server_unlisten(struct rest_server *server, struct rest_listener *listener);

/* Lets a listener serve others from the next request on; the names are copied. False without
 * memory. The runtime runs. */
bool rest_server_set_services(struct rest_listener *listener, const char *const *services,
                              size_t count);

/* Starts to accept on all listeners that do not yet. The runtime runs. RESOURCE_EXHAUSTED. */
atlas_status_t rest_server_accept(struct rest_server *server, struct error *error);

/* Lets no more connections begin, on any listener. Before stop, with tcp_listener_await_handshakes
 * in between: then none is lost that has begun. */
void rest_server_stop_arrivals(struct rest_server *server);

/* Stops accepting without losing a connection that is complete; every answer closes its
 * connection from here on. Does not wait for those in flight. */
void rest_server_stop(struct rest_server *server);

/* Requests that are not answered, or whose answer is not written. */
unsigned rest_server_in_flight(const struct rest_server *server);

/* Connections that are open and whose first request has not arrived: accepted, so not to be lost.
 */
size_t rest_server_unasked(struct rest_server *server);

/* Cancels the requests in flight. Does not wait for their end. */
void rest_server_cancel(struct rest_server *server);

/* Frees the server once nothing is in flight, while the loops still run. NULL is allowed. */
void rest_server_destroy(struct rest_server *server);

#endif
