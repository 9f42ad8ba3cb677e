/* A listening socket of the gRPC server. */
#ifndef INBOUND_GRPC_LISTENER_H
#define INBOUND_GRPC_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct grpc_listener;
struct loop;

struct grpc_listener_options {
    const char *host; /* a numeric address: "0.0.0.0", "127.0.0.1", "::" */
    uint16_t port;    /* 0: the system chooses */
    int backlog;
    const char *const *services; /* that it serves; copied */
    size_t service_count;        /* 0: all */
    bool trusts_identity;        /* takes over the identity that the caller sends */
};

/* Binds the address; on_accepted gets each socket, on the loop that accepts. Any thread. */
atlas_status_t grpc_listener_open(const struct grpc_listener_options *options,
                                  void (*on_accepted)(struct grpc_listener *listener, int fd),
                                  struct grpc_listener **ret_listener, uint16_t *ret_port,
                                  struct error *error);

/* Begins to accept, on this loop, which is the calling one. */
void grpc_listener_start(struct grpc_listener *listener, struct loop *loop);

/* Takes what the system has accepted already, then closes. On the loop that accepts. */
void grpc_listener_stop(struct grpc_listener *listener);

/* Frees a listener that does not accept. Any thread. */
void grpc_listener_free(struct grpc_listener *listener);

#endif
