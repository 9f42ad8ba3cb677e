/* The gRPC server, frame by frame: what a well-behaved client cannot show. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "server_fixture.h"

static void test_unary_answers_with_headers_data_and_trailers(void)
{
    struct server_fixture fixture;
    server_start(&fixture, NULL);
    struct h2_stream *stream = server_ask(&fixture, ECHO, NULL, HELLO);
    CU_ASSERT_TRUE(has(stream->headers, ":status: 200\n"));
    CU_ASSERT_TRUE(has(stream->headers, "content-type: application/grpc\n"));
    CU_ASSERT_FALSE(has(stream->headers, "grpc-status"));
    CU_ASSERT_EQUAL(stream->header_lists, 2);
    CU_ASSERT_STRING_EQUAL(stream->trailers, "grpc-status: 0\n");
    CU_ASSERT_EQUAL(stream->error_code, NGHTTP2_NO_ERROR);
    server_check_echo_works(&fixture);
    server_stop(&fixture);
}

static void test_first_settings_bound_the_streams(void)
{
    struct server_fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.streams = 77;
    server_start(&fixture, &limits);
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_has_settings, NULL));
    CU_ASSERT_EQUAL(nghttp2_session_get_remote_settings(fixture.peer.session,
                                                        NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS),
                    77);
    server_stop(&fixture);
}

static void test_what_is_no_grpc_gets_an_http_status(void)
{
    static const struct {
        const char *name;
        const char *value;
        const char *status;
    } cases[] = {
        {"content-type", "application/json", ":status: 415\n"},
        {"content-type", "application/grpc-web", ":status: 415\n"},
        {"content-type", "application/grpcx", ":status: 415\n"},
        {"content-type", "application/grpc+proto", ":status: 200\n"},
        {"content-type", "application/grpc;charset=utf-8", ":status: 200\n"},
        {":method", "PUT", ":status: 405\n"},
        {"grpc-timeout", "5", ":status: 400\n"},
        {"grpc-timeout", "123456789m", ":status: 400\n"},
        {"grpc-timeout", "", ":status: 400\n"},
        {"grpc-timeout", "5S", ":status: 200\n"},
    };
    struct server_fixture fixture;
    server_start(&fixture, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *fields[] = {cases[i].name, cases[i].value, NULL};
        struct h2_stream *stream = server_ask(&fixture, ECHO, fields, HELLO);
        CU_ASSERT_TRUE(has(stream->headers, cases[i].status));
    }
    server_stop(&fixture);
}

static void test_refusals_are_one_header_list(void)
{
    static const struct {
        const char *path;
        const char *name;
        const char *value;
        const char *status;
    } cases[] = {
        {"/atlas.test.v1.Echo/Nothing", NULL, NULL, "grpc-status: 12\n"},
        {"/no.Service/Echo", NULL, NULL, "grpc-status: 12\n"},
        {"/", NULL, NULL, "grpc-status: 12\n"},
        {ECHO, "grpc-encoding", "gzip", "grpc-status: 12\n"},
        {ECHO, "x-bin", "!!", "grpc-status: 13\n"},
        {ECHO, "grpc-timeout", "0n", "grpc-status: 4\n"},
    };
    struct server_fixture fixture;
    server_start(&fixture, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *fields[] = {cases[i].name, cases[i].value, NULL};
        struct h2_stream *stream = server_ask(&fixture, cases[i].path, fields, HELLO);
        CU_ASSERT_TRUE(has(stream->headers, cases[i].status));
        CU_ASSERT_EQUAL(stream->header_lists, 1);
        CU_ASSERT_EQUAL(stream->data_len, 0);
    }
    struct h2_stream *stream =
        server_ask(&fixture, ECHO, (const char *[]){"grpc-encoding", "br", NULL}, HELLO);
    CU_ASSERT_TRUE(has(stream->headers, "grpc-accept-encoding: identity\n"));
    server_check_echo_works(&fixture);
    server_stop(&fixture);
}

static void check_body(struct server_fixture *fixture, const char *path, const char *body,
                       size_t len, const char *status)
{
    struct h2_stream *stream = server_ask(fixture, path, NULL, body, len);
    CU_ASSERT_TRUE(has(stream->headers, status) || has(stream->trailers, status));
}

static void test_malformed_bodies_are_named(void)
{
    static const char *const paths[] = {ECHO, JOIN};
    struct server_fixture fixture;
    server_start(&fixture, NULL);
    for (size_t i = 0; i < 2; i++) {
        check_body(&fixture, paths[i], "\1\0\0\0\1x", 6, "grpc-status: 13\n");
        check_body(&fixture, paths[i], "\2\0\0\0\1x", 6, "grpc-status: 13\n");
        check_body(&fixture, paths[i], "\0\0\0", 3, "grpc-status: 13\n");
        check_body(&fixture, paths[i], "\0\0\0\0\7\n\5he", 9, "grpc-status: 13\n");
        check_body(&fixture, paths[i], "\0\xff\xff\xff\xff", 5, "grpc-status: 8\n");
    }
    check_body(&fixture, ECHO, "", 0, "grpc-status: 12\n");
    check_body(&fixture, ECHO, "\0\0\0\0\0\0\0\0\0\0", 10, "grpc-status: 12\n");
    server_check_echo_works(&fixture);
    server_stop(&fixture);
}

static void test_unfinished_upload_is_told_to_stop(void)
{
    struct server_fixture fixture;
    server_start(&fixture, NULL);
    struct h2_stream *stream = h2_peer_request(&fixture.peer, "/no.Service/Echo", NULL, HELLO);
    stream->stays_open = true;
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_stream_closed, stream));
    CU_ASSERT_TRUE(has(stream->headers, "grpc-status: 12\n"));
    CU_ASSERT_TRUE(stream->has_ended);
    CU_ASSERT_EQUAL(stream->error_code, NGHTTP2_NO_ERROR);
    server_check_echo_works(&fixture);
    server_stop(&fixture);
}

static void *drain(void *arg)
{
    struct server_fixture *fixture = arg;
    grpc_server_stop(fixture->server);
    return server_has_no_connections(fixture) ? arg : NULL;
}

static bool has_two_goaways(struct h2_peer *peer, void *arg)
{
    (void)arg;
    return peer->goaways >= 2;
}

static void test_drain_says_so_twice_and_serves_in_between(void)
{
    struct server_fixture fixture;
    pthread_t thread;
    void *was_clean;
    server_start(&fixture, NULL);
    server_check_echo_works(&fixture);
    struct h2_stream *open = h2_peer_request(&fixture.peer, CHAT, NULL, HELLO);
    open->stays_open = true;
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_has_settings, NULL));
    pthread_create(&thread, NULL, drain, &fixture);
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, has_two_goaways, NULL));
    CU_ASSERT_EQUAL(fixture.peer.goaway_last_id, open->id);
    CU_ASSERT_EQUAL(fixture.peer.goaway_error, NGHTTP2_NO_ERROR);
    CU_ASSERT_FALSE(open->is_closed);
    open->stays_open = false; /* the stream in flight ends as it would have */
    nghttp2_session_resume_data(fixture.peer.session, open->id);
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_stream_closed, open));
    CU_ASSERT_TRUE(has(open->trailers, "grpc-status: 0\n"));
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_is_eof, NULL));
    h2_peer_close(&fixture.peer);
    pthread_join(thread, &was_clean);
    CU_ASSERT_PTR_NOT_NULL(was_clean);
    grpc_server_destroy(fixture.server);
}

static void test_port_that_is_taken_is_refused(void)
{
    struct server_fixture fixture;
    struct error error;
    server_start(&fixture, NULL);
    struct grpc_listener_options options = {.host = "127.0.0.1", .port = fixture.port};
    CU_ASSERT_EQUAL(grpc_server_listen(fixture.server, &options, NULL, NULL, &error),
                    ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "another process listens there"));
    options.host = "localhost";
    CU_ASSERT_EQUAL(grpc_server_listen(fixture.server, &options, NULL, NULL, &error),
                    ATLAS_INVALID_ARGUMENT);
    server_stop(&fixture);
}

SERVER_MAIN("grpc server", UNIT_TEST(test_unary_answers_with_headers_data_and_trailers),
            UNIT_TEST(test_first_settings_bound_the_streams),
            UNIT_TEST(test_what_is_no_grpc_gets_an_http_status),
            UNIT_TEST(test_refusals_are_one_header_list),
            UNIT_TEST(test_malformed_bodies_are_named),
            UNIT_TEST(test_unfinished_upload_is_told_to_stop),
            UNIT_TEST(test_drain_says_so_twice_and_serves_in_between),
            UNIT_TEST(test_port_that_is_taken_is_refused))
