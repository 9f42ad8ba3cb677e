#include "server_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/free_port.h"

const char hello[13] = "\0\0\0\0\7\n\5hello";
struct test_host host;

void server_start(struct server_fixture *fixture, const struct grpc_limits *limits)
{
    struct grpc_limits standard = LIMITS_WIDE;
    struct grpc_listener_options options = {.host = "127.0.0.1", .port = free_port()};
    struct error error;
    if (grpc_server_create(host.runtime, limits != NULL ? limits : &standard, &fixture->server,
                           &error) != ATLAS_OK ||
        grpc_server_listen(fixture->server, &options, NULL, &fixture->port, &error) != ATLAS_OK) {
        fprintf(stderr, "%s\n", error.text);
        exit(EXIT_FAILURE);
    }
    grpc_server_accept(fixture->server);
    h2_peer_connect(&fixture->peer, fixture->port);
}

bool server_has_no_connections(const struct server_fixture *fixture)
{
    for (int i = 0; i < 1000 && grpc_server_connections(fixture->server) > 0; i++) {
        nanosleep(&(struct timespec){0, 5 * 1000000}, NULL);
    }
    return grpc_server_connections(fixture->server) == 0;
}

void server_stop(struct server_fixture *fixture)
{
    h2_peer_close(&fixture->peer);
    grpc_server_stop(fixture->server);
    CU_ASSERT_TRUE(server_has_no_connections(fixture));
    grpc_server_destroy(fixture->server);
}

struct h2_stream *server_ask(struct server_fixture *fixture, const char *path,
                             const char *const *fields, const void *body, size_t len)
{
    struct h2_stream *stream = h2_peer_request(&fixture->peer, path, fields, body, len);
    CU_ASSERT_TRUE(h2_peer_run(&fixture->peer, h2_peer_stream_closed, stream));
    return stream;
}

bool has(const char *list, const char *line)
{
    return strstr(list, line) != NULL;
}

void server_check_echo_works(struct server_fixture *fixture)
{
    struct h2_stream *stream = server_ask(fixture, ECHO, NULL, HELLO);
    CU_ASSERT_TRUE(has(stream->trailers, "grpc-status: 0\n"));
    CU_ASSERT_EQUAL(stream->data_len, sizeof hello - 1);
    CU_ASSERT_EQUAL(memcmp(stream->data, HELLO), 0);
}

int server_main(const char *suite, const struct unit_test *tests, size_t count)
{
    test_host_start(&host);
    int result = unit_run(suite, tests, count);
    test_host_stop(&host);
    return result;
}
