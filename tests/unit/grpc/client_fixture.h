/* A gRPC client on a loop of the test's host, calls of it, and the peer that answers them. */
#ifndef TESTS_CLIENT_FIXTURE_H
#define TESTS_CLIENT_FIXTURE_H

#include <stdatomic.h>

#include "atlas/client.h"
#include "base/config/config.h"
#include "base/loop.h"
#include "h2_peer.h"
#include "host.h"
#include "limits.h"
#include "runtime/call.h"
#include "services/grpc/grpc_client.h"
#include "support/unit.h"

#define ECHO "/atlas.test.v1.Echo/Echo"

/* A framed reply, with its length. */
extern const char reply_bytes[10];
#define REPLY reply_bytes, sizeof reply_bytes

extern const char *const ok_headers[5];
extern const char *const ok_trailers[3];

/* A client, and the socket where its server is. */
struct client_fixture {
    struct grpc_client *client;
    struct config_address address;
    int listener;
    struct h2_peer peer;
};

/* limits may be NULL. */
void client_start(struct client_fixture *fixture, const struct grpc_limits *limits);
void client_stop(struct client_fixture *fixture);

/* The peer takes the client's connection. */
void client_accept(struct client_fixture *fixture);

/* A call of the client, on a fiber of the first loop. */
struct client_call {
    struct loop_task task;
    const struct remote_transport *transport;
    const char *path;
    struct atlas_bytes request;
    struct atlas_call_options options;
    int64_t timeout_ms; /* of the calling call */
    atlas_status_t (*run)(struct client_call *test, struct call *call);
    atlas_status_t status;
    char message[CALL_MESSAGE_SIZE];
    char reply[64];
    size_t reply_len;
    atomic_bool has_ended;
};

/* Starts the call; what it does not say is a unary Echo of "hello". */
void client_begin(struct client_fixture *fixture, struct client_call *test);
/* Waits until it has ended. */
void client_finish(struct client_call *test);
void client_keep_reply(struct client_call *test, struct atlas_bytes reply);

/* The n-th request, when it is complete. */
struct h2_stream *client_await_request(struct client_fixture *fixture, size_t n);

/* Sends what is submitted, without waiting for anything. */
void client_push(struct client_fixture *fixture);

/* HEADERS and DATA, then trailers when those are out. */
void client_answer(struct client_fixture *fixture, struct h2_stream *stream,
                   const char *const *trailers, const void *body, size_t len);

/* Starts the host and runs the tests. Returns an exit code. */
int client_main(const char *suite, const struct unit_test *tests, size_t count);

#define CLIENT_MAIN(suite, ...)                                                                    \
    int main(void)                                                                                 \
    {                                                                                              \
        static const struct unit_test unit_tests[] = {__VA_ARGS__};                                \
        return client_main(suite, unit_tests, sizeof unit_tests / sizeof unit_tests[0]);           \
    }

#endif
