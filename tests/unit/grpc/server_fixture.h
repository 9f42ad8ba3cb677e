/* A gRPC server on the loops of the test's host, and the peer that is its client. */
#ifndef TESTS_SERVER_FIXTURE_H
#define TESTS_SERVER_FIXTURE_H

#include "h2_peer.h"
#include "host.h"
#include "inbound/grpc/grpc_server.h"
#include "limits.h"
#include "support/unit.h"

#define ECHO "/atlas.test.v1.Echo/Echo"
#define JOIN "/atlas.test.v1.Echo/EchoJoin"
#define MANY "/atlas.test.v1.Echo/EchoMany"
#define CHAT "/atlas.test.v1.Echo/EchoChat"

/* EchoRequest{text: "hello"} as a gRPC message, with its length. */
extern const char hello[13];
#define HELLO hello, sizeof hello - 1

extern struct test_host host;

struct server_fixture {
    struct grpc_server *server;
    struct h2_peer peer;
    uint16_t port;
};

/* Starts the server and connects the peer. limits may be NULL. */
void server_start(struct server_fixture *fixture, const struct grpc_limits *limits);
void server_stop(struct server_fixture *fixture);

/* True once the server has no connection, false after 5 s. */
bool server_has_no_connections(const struct server_fixture *fixture);

/* One request from beginning to end. */
struct h2_stream *server_ask(struct server_fixture *fixture, const char *path,
                             const char *const *fields, const void *body, size_t len);

/* A list of headers or trailers has that line. */
bool has(const char *list, const char *line);

/* An Echo on the connection is answered. */
void server_check_echo_works(struct server_fixture *fixture);

/* Starts the host and runs the tests. Returns an exit code. */
int server_main(const char *suite, const struct unit_test *tests, size_t count);

#define SERVER_MAIN(suite, ...)                                                                    \
    int main(void)                                                                                 \
    {                                                                                              \
        static const struct unit_test unit_tests[] = {__VA_ARGS__};                                \
        return server_main(suite, unit_tests, sizeof unit_tests / sizeof unit_tests[0]);           \
    }

#endif
