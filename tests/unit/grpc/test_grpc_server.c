/* The gRPC server, frame by frame: what a well-behaved client cannot show. */
#include "inbound/grpc/grpc_server.h"

#include "h2_peer.h"
#include "host.h"
#include "limits.h"
#include "support/free_port.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define ECHO "/atlas.test.v1.Echo/Echo"
#define JOIN "/atlas.test.v1.Echo/EchoJoin"
#define MANY "/atlas.test.v1.Echo/EchoMany"
#define CHAT "/atlas.test.v1.Echo/EchoChat"

/* EchoRequest{text: "hello"} as a gRPC message. */
static const char hello[] = "\0\0\0\0\7\n\5hello";
#define HELLO hello, sizeof hello - 1

static struct test_host host;

struct fixture {
    struct grpc_server *server;
    struct h2_peer peer;
    uint16_t port;
};

static void start(struct fixture *fixture, const struct grpc_limits *limits)
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

/* True once the server has no connection, false after 5 s. */
static bool has_no_connections(const struct fixture *fixture)
{
    for (int i = 0; i < 1000 && grpc_server_connections(fixture->server) > 0; i++) {
        nanosleep(&(struct timespec){0, 5 * 1000000}, NULL);
    }
    return grpc_server_connections(fixture->server) == 0;
}

static void stop(struct fixture *fixture)
{
    h2_peer_close(&fixture->peer);
    grpc_server_stop(fixture->server);
    CU_ASSERT_TRUE(has_no_connections(fixture));
    grpc_server_destroy(fixture->server);
}

/* One request from beginning to end. */
static struct h2_stream *ask(struct fixture *fixture, const char *path, const char *const *fields,
                             const void *body, size_t len)
{
    struct h2_stream *stream = h2_peer_request(&fixture->peer, path, fields, body, len);
    CU_ASSERT_TRUE(h2_peer_run(&fixture->peer, h2_peer_stream_closed, stream));
    return stream;
}

static bool has(const char *list, const char *line)
{
    return strstr(list, line) != NULL;
}

static void check_echo_works(struct fixture *fixture)
{
    struct h2_stream *stream = ask(fixture, ECHO, NULL, HELLO);
    CU_ASSERT_TRUE(has(stream->trailers, "grpc-status: 0\n"));
    CU_ASSERT_EQUAL(stream->data_len, sizeof hello - 1);
    CU_ASSERT_EQUAL(memcmp(stream->data, HELLO), 0);
}

static void test_unary_answers_with_headers_data_and_trailers(void)
{
    struct fixture fixture;
    start(&fixture, NULL);
    struct h2_stream *stream = ask(&fixture, ECHO, NULL, HELLO);
    CU_ASSERT_TRUE(has(stream->headers, ":status: 200\n"));
    CU_ASSERT_TRUE(has(stream->headers, "content-type: application/grpc\n"));
    CU_ASSERT_FALSE(has(stream->headers, "grpc-status"));
    CU_ASSERT_EQUAL(stream->header_lists, 2);
    CU_ASSERT_STRING_EQUAL(stream->trailers, "grpc-status: 0\n");
    CU_ASSERT_EQUAL(stream->error_code, NGHTTP2_NO_ERROR);
    check_echo_works(&fixture);
    stop(&fixture);
}

static void test_first_settings_bound_the_streams(void)
{
    struct fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.max_concurrent_streams = 77;
    start(&fixture, &limits);
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_has_settings, NULL));
    CU_ASSERT_EQUAL(nghttp2_session_get_remote_settings(fixture.peer.session,
                                                        NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS),
                    77);
    stop(&fixture);
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
    struct fixture fixture;
    start(&fixture, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *fields[] = {cases[i].name, cases[i].value, NULL};
        struct h2_stream *stream = ask(&fixture, ECHO, fields, HELLO);
        CU_ASSERT_TRUE(has(stream->headers, cases[i].status));
    }
    stop(&fixture);
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
    struct fixture fixture;
    start(&fixture, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *fields[] = {cases[i].name, cases[i].value, NULL};
        struct h2_stream *stream = ask(&fixture, cases[i].path, fields, HELLO);
        CU_ASSERT_TRUE(has(stream->headers, cases[i].status));
        CU_ASSERT_EQUAL(stream->header_lists, 1);
        CU_ASSERT_EQUAL(stream->data_len, 0);
    }
    struct h2_stream *stream =
        ask(&fixture, ECHO, (const char *[]){"grpc-encoding", "br", NULL}, HELLO);
    CU_ASSERT_TRUE(has(stream->headers, "grpc-accept-encoding: identity\n"));
    check_echo_works(&fixture);
    stop(&fixture);
}

static void check_body(struct fixture *fixture, const char *path, const char *body, size_t len,
                       const char *status)
{
    struct h2_stream *stream = ask(fixture, path, NULL, body, len);
    CU_ASSERT_TRUE(has(stream->headers, status) || has(stream->trailers, status));
}

static void test_malformed_bodies_are_named(void)
{
    static const char *const paths[] = {ECHO, JOIN};
    struct fixture fixture;
    start(&fixture, NULL);
    for (size_t i = 0; i < 2; i++) {
        check_body(&fixture, paths[i], "\1\0\0\0\1x", 6, "grpc-status: 13\n");
        check_body(&fixture, paths[i], "\2\0\0\0\1x", 6, "grpc-status: 13\n");
        check_body(&fixture, paths[i], "\0\0\0", 3, "grpc-status: 13\n");
        check_body(&fixture, paths[i], "\0\0\0\0\7\n\5he", 9, "grpc-status: 13\n");
        check_body(&fixture, paths[i], "\0\xff\xff\xff\xff", 5, "grpc-status: 8\n");
    }
    check_body(&fixture, ECHO, "", 0, "grpc-status: 12\n");
    check_body(&fixture, ECHO, "\0\0\0\0\0\0\0\0\0\0", 10, "grpc-status: 12\n");
    check_echo_works(&fixture);
    stop(&fixture);
}

static void test_unfinished_upload_is_told_to_stop(void)
{
    struct fixture fixture;
    start(&fixture, NULL);
    struct h2_stream *stream = h2_peer_request(&fixture.peer, "/no.Service/Echo", NULL, HELLO);
    stream->stays_open = true;
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_stream_closed, stream));
    CU_ASSERT_TRUE(has(stream->headers, "grpc-status: 12\n"));
    CU_ASSERT_TRUE(stream->has_ended);
    CU_ASSERT_EQUAL(stream->error_code, NGHTTP2_NO_ERROR);
    check_echo_works(&fixture);
    stop(&fixture);
}

static void test_headers_over_the_limit_are_refused(void)
{
    static char big[5000];
    struct fixture fixture;
    start(&fixture, NULL);
    memset(big, 'h', sizeof big - 1);
    struct h2_stream *stream =
        ask(&fixture, ECHO, (const char *[]){"x-a", big, "x-b", big, NULL}, HELLO);
    CU_ASSERT_TRUE(has(stream->headers, "grpc-status: 8\n"));
    CU_ASSERT_TRUE(has(stream->headers, "grpc.header_limit"));
    check_echo_works(&fixture);
    stop(&fixture);
}

static void test_too_many_resets_end_the_connection(void)
{
    struct fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.reset_burst = 20;
    limits.reset_rate = 1;
    start(&fixture, &limits);
    for (int i = 0; i < 40; i++) {
        struct h2_stream *stream = h2_peer_request(&fixture.peer, CHAT, NULL, HELLO);
        stream->stays_open = true;
        h2_peer_run(&fixture.peer, h2_peer_has_settings, NULL);
        nghttp2_submit_rst_stream(fixture.peer.session, 0, stream->id, NGHTTP2_CANCEL);
    }
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_has_goaway, NULL));
    CU_ASSERT_EQUAL(fixture.peer.goaway_error, NGHTTP2_INTERNAL_ERROR);
    stop(&fixture);
}

static void test_too_many_malformed_streams_end_the_connection(void)
{
    struct fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.reset_burst = 20;
    limits.reset_rate = 1;
    start(&fixture, &limits);
    for (int i = 0; i < 40; i++) { /* a header of HTTP/1 makes the server reset the stream */
        h2_peer_request(&fixture.peer, ECHO, (const char *[]){"connection", "close", NULL}, HELLO);
    }
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_has_goaway, NULL));
    CU_ASSERT_EQUAL(fixture.peer.goaway_error, NGHTTP2_ENHANCE_YOUR_CALM);
    stop(&fixture);
}

static void test_too_many_pings_end_the_connection(void)
{
    struct fixture fixture;
    start(&fixture, NULL);
    for (int i = 0; i < 10; i++) {
        nghttp2_submit_ping(fixture.peer.session, 0, NULL);
    }
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_has_goaway, NULL));
    CU_ASSERT_EQUAL(fixture.peer.goaway_error, NGHTTP2_ENHANCE_YOUR_CALM);
    CU_ASSERT_STRING_EQUAL(fixture.peer.goaway_text, "too_many_pings");
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_is_eof, NULL));
    stop(&fixture);
}

static void test_silent_connection_is_closed(void)
{
    struct fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.handshake_timeout_ms = 100;
    start(&fixture, &limits);
    nghttp2_session_terminate_session(fixture.peer.session, 0); /* never sent: */
    nghttp2_session_del(fixture.peer.session);
    nghttp2_session_callbacks *callbacks;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_server_new(&fixture.peer.session, callbacks, &fixture.peer);
    nghttp2_session_callbacks_del(callbacks);
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_is_eof, NULL));
    stop(&fixture);
}

static void set_stream_window(struct fixture *fixture, uint32_t size)
{
    nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, size};
    nghttp2_submit_settings(fixture->peer.session, NGHTTP2_FLAG_NONE, &entry, 1);
}

/* The handler of EchoChat is kept from answering, so it leaves what was sent to it. */
static void test_unread_bytes_do_not_shrink_the_connection(void)
{
    /* Two answers that block the handler, then one message of 60000 bytes. */
    static char upload[24 + 60000];
    struct fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.connection_window = 65535;
    limits.stream_buffer = 1;
    start(&fixture, &limits);
    memcpy(upload, HELLO);
    memcpy(upload + 12, HELLO);
    memcpy(upload + 24, "\0\0\0\xea\x5b\n\xd7\xd4\3", 9);
    memset(upload + 24 + 9, 'u', sizeof upload - 24 - 9);
    set_stream_window(&fixture, 0);
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_has_settings, NULL));
    for (int i = 0; i < 8; i++) {
        struct h2_stream *stream = h2_peer_request(&fixture.peer, CHAT, NULL, upload, 40000);
        struct h2_stream *fence = h2_peer_request(&fixture.peer, "/no.Service/X", NULL, "", 0);
        stream->stays_open = true;
        CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_stream_closed, fence));
        nghttp2_submit_rst_stream(fixture.peer.session, 0, stream->id, NGHTTP2_CANCEL);
    }
    set_stream_window(&fixture, 65535);
    struct h2_stream *last = ask(&fixture, ECHO, NULL, upload + 24, 60000);
    CU_ASSERT_TRUE(has(last->trailers, "grpc-status: 0\n"));
    stop(&fixture);
}

static void test_a_request_that_does_not_arrive_is_ended(void)
{
    struct fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.body_timeout_ms = 100;
    start(&fixture, &limits);
    struct h2_stream *stream = h2_peer_request(&fixture.peer, ECHO, NULL, hello, 7);
    stream->stays_open = true;
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_stream_closed, stream));
    CU_ASSERT_TRUE(has(stream->headers, "grpc-status: 4\n"));
    CU_ASSERT_TRUE(has(stream->headers, "grpc.body_timeout"));
    check_echo_works(&fixture);
    stop(&fixture);
}

/* Reads, beside the peer's session, until RST_STREAM comes, at most five seconds. */
static bool has_reset_of_stream_1(int fd)
{
    static const uint8_t reset[] = {0, 0, 4, 3, 0, 0, 0, 0, 1};
    uint8_t received[4096];
    size_t len = 0;
    struct timeval limit = {5, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    while (len < sizeof received && memmem(received, len, reset, sizeof reset) == NULL) {
        ssize_t part = recv(fd, received + len, sizeof received - len, 0);
        if (part <= 0) {
            return false;
        }
        len += (size_t)part;
    }
    return len < sizeof received;
}

/* HEADERS whose CONTINUATION does not come: there is no request yet that could be answered. */
static void test_headers_that_do_not_arrive_are_ended(void)
{
    static const uint8_t half[] = {0, 0, 1, 1, 0, 0, 0, 0, 1, 0x83}; /* ":method: POST" */
    struct fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.body_timeout_ms = 100;
    start(&fixture, &limits);
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_has_settings, NULL));
    CU_ASSERT_EQUAL(send(fixture.peer.fd, half, sizeof half, MSG_NOSIGNAL), sizeof half);
    CU_ASSERT_TRUE(has_reset_of_stream_1(fixture.peer.fd));
    stop(&fixture);
}

static bool has_headers(struct h2_peer *peer, void *stream)
{
    (void)peer;
    return ((const struct h2_stream *)stream)->header_lists > 0;
}

static bool all_sent(struct h2_peer *peer, void *arg)
{
    (void)arg;
    size_t left = 0;
    for (size_t i = 0; i < peer->stream_count; i++) {
        left += peer->streams[i].body_len;
    }
    return left == 0;
}

static bool all_closed(struct h2_peer *peer, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < peer->stream_count; i++) {
        if (!peer->streams[i].is_closed) {
            return false;
        }
    }
    return true;
}

/* The peer takes no DATA: answers pile up to the bound, and no further call is started. */
static void test_calls_wait_while_answers_are_not_taken(void)
{
    static char request[5 + 30000];
    struct fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.send_buffer = 65536;
    start(&fixture, &limits);
    memcpy(request, "\0\0\0\x75\x30\n\xac\xea\1", 9); /* 30000 bytes: text of 29996 */
    memset(request + 9, 'q', sizeof request - 9);
    set_stream_window(&fixture, 0);
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_has_settings, NULL));
    for (int i = 0; i < 10; i++) {
        h2_peer_request(&fixture.peer, ECHO, NULL, request, sizeof request);
    }
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, all_sent, NULL));
    struct h2_stream *fence = h2_peer_request(&fixture.peer, "/no.Service/X", NULL, "", 0);
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_stream_closed, fence));
    size_t answered = 0;
    for (size_t i = 0; i < 10; i++) {
        answered += fixture.peer.streams[i].header_lists;
    }
    CU_ASSERT_EQUAL(answered, 3);
    set_stream_window(&fixture, 65535);
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, all_closed, NULL));
    for (size_t i = 0; i < 10; i++) {
        CU_ASSERT_STRING_EQUAL(fixture.peer.streams[i].trailers, "grpc-status: 0\n");
    }
    stop(&fixture);
}

/* Asks for 30 MB in messages of 30000 bytes, and gives the server every window that there is. */
static struct h2_stream *ask_for_much(struct fixture *fixture)
{
    static char request[5 + 30007];
    memcpy(request, "\0\0\0\x75\x37\n\xb0\xea\1", 9);
    memset(request + 9, 'm', 30000);
    memcpy(request + 9 + 30000, "\x10\xe8\7", 3);
    set_stream_window(fixture, INT32_MAX);
    nghttp2_session_set_local_window_size(fixture->peer.session, 0, 0, INT32_MAX);
    struct h2_stream *stream = h2_peer_request(&fixture->peer, MANY, NULL, request, sizeof request);
    /* Its HEADERS show that the handler runs; after that nothing is read. */
    CU_ASSERT_TRUE_FATAL(h2_peer_run(&fixture->peer, has_headers, stream));
    return stream;
}

static void test_blocked_socket_loses_nothing(void)
{
    struct fixture fixture;
    start(&fixture, NULL);
    struct h2_stream *stream = ask_for_much(&fixture);
    nanosleep(&(struct timespec){0, 200 * 1000000}, NULL); /* the socket fills up */
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_stream_closed, stream));
    CU_ASSERT_EQUAL(stream->data_len, 1000 * 30009);
    CU_ASSERT_STRING_EQUAL(stream->trailers, "grpc-status: 0\n");
    stop(&fixture);
}

static void test_peer_that_never_reads_is_dropped(void)
{
    struct fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.write_timeout_ms = 100;
    start(&fixture, &limits);
    ask_for_much(&fixture);
    CU_ASSERT_TRUE(has_no_connections(&fixture));
    stop(&fixture);
}

static void *drain(void *arg)
{
    struct fixture *fixture = arg;
    grpc_server_stop(fixture->server);
    return has_no_connections(fixture) ? arg : NULL;
}

static bool has_two_goaways(struct h2_peer *peer, void *arg)
{
    (void)arg;
    return peer->goaways >= 2;
}

static void test_drain_says_so_twice_and_serves_in_between(void)
{
    struct fixture fixture;
    pthread_t thread;
    void *was_clean;
    start(&fixture, NULL);
    check_echo_works(&fixture);
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
    struct fixture fixture;
    struct error error;
    start(&fixture, NULL);
    struct grpc_listener_options options = {.host = "127.0.0.1", .port = fixture.port};
    CU_ASSERT_EQUAL(grpc_server_listen(fixture.server, &options, NULL, NULL, &error),
                    ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "another process listens there"));
    options.host = "localhost";
    CU_ASSERT_EQUAL(grpc_server_listen(fixture.server, &options, NULL, NULL, &error),
                    ATLAS_INVALID_ARGUMENT);
    stop(&fixture);
}

static const struct unit_test tests[] = {
    UNIT_TEST(test_unary_answers_with_headers_data_and_trailers),
    UNIT_TEST(test_first_settings_bound_the_streams),
    UNIT_TEST(test_what_is_no_grpc_gets_an_http_status),
    UNIT_TEST(test_refusals_are_one_header_list),
    UNIT_TEST(test_malformed_bodies_are_named),
    UNIT_TEST(test_unfinished_upload_is_told_to_stop),
    UNIT_TEST(test_headers_over_the_limit_are_refused),
    UNIT_TEST(test_too_many_resets_end_the_connection),
    UNIT_TEST(test_too_many_malformed_streams_end_the_connection),
    UNIT_TEST(test_too_many_pings_end_the_connection),
    UNIT_TEST(test_silent_connection_is_closed),
    UNIT_TEST(test_unread_bytes_do_not_shrink_the_connection),
    UNIT_TEST(test_a_request_that_does_not_arrive_is_ended),
    UNIT_TEST(test_headers_that_do_not_arrive_are_ended),
    UNIT_TEST(test_calls_wait_while_answers_are_not_taken),
    UNIT_TEST(test_blocked_socket_loses_nothing),
    UNIT_TEST(test_peer_that_never_reads_is_dropped),
    UNIT_TEST(test_drain_says_so_twice_and_serves_in_between),
    UNIT_TEST(test_port_that_is_taken_is_refused),
};

int main(void)
{
    test_host_start(&host);
    int code = unit_run("grpc_server", tests, sizeof tests / sizeof tests[0]);
    test_host_stop(&host);
    return code;
}
