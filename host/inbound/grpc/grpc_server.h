/*
 * The gRPC server: listeners whose connections are spread over the loops; each connection becomes
 * calls. All functions are for a thread that is no loop (main, control).
 *
 *   create -> runtime_start -> listen (each) -> accept -> stop_arrivals -> stop -> close -> destroy
 */
#ifndef INBOUND_GRPC_SERVER_H
#define INBOUND_GRPC_SERVER_H

#include "base/error.h"
#include "base/http2/limits.h"
#include "inbound/grpc/grpc_listener.h"

struct grpc_server;
struct runtime;

/* Makes a server without listeners. RESOURCE_EXHAUSTED. */
atlas_status_t grpc_server_create(struct runtime *runtime, const struct grpc_limits *limits,
                                  struct grpc_server **ret_server, struct error *error);

/* Binds an address, which no other process may have; connections queue until accept. The error
 * names the address and the remedy. ret_listener belongs to the server, until unlisten; it and
 * ret_port may be NULL. */
atlas_status_t grpc_server_listen(struct grpc_server *server,
                                  const struct grpc_listener_options *options,
                                  struct grpc_listener **ret_listener, uint16_t *ret_port,
                                  struct error *error);

/* Closes a listener without losing a connection that is on its way, and tells its peers to go;
 * their calls end as they would. Does not wait for that. The runtime runs. */
void grpc_server_unlisten(struct grpc_server *server, struct grpc_listener *listener);

/* Lets a listener serve what the options say from the next request on; its address stays. False
 * without memory. The runtime runs. */
bool grpc_server_change(struct grpc_server *server, struct grpc_listener *listener,
                        const struct grpc_listener_options *options);

/* Starts to accept on all listeners that do not yet. The runtime runs. */
void grpc_server_accept(struct grpc_server *server);

/* Lets no more connections begin, on any listener. Before stop, with tcp_listener_await_handshakes
 * in between: then none is lost that has begun. */
void grpc_server_stop_arrivals(struct grpc_server *server);

/* Stops accepting without losing a connection that is complete, and tells the peers to go: each
 * connection closes when its calls have ended. Does not wait for that. */
void grpc_server_stop(struct grpc_server *server);

/* Closes the connections that are left, whose calls are cancelled. Does not wait for their end. */
void grpc_server_close(struct grpc_server *server);

/* Connections that are open. Any thread. */
unsigned grpc_server_connections(const struct grpc_server *server);

/* Frees the server once it has no connections, while the loops still run. NULL is allowed. */
void grpc_server_destroy(struct grpc_server *server);

#endif
