/* The bounds of the gRPC server: peers that send too much, too slowly or nothing, or take nothing.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "server_fixture.h"

static void test_headers_over_the_limit_are_refused(void)
{
    static char big[5000];
    struct server_fixture fixture;
    server_start(&fixture, NULL);
    memset(big, 'h', sizeof big - 1);
    struct h2_stream *stream =
        server_ask(&fixture, ECHO, (const char *[]){"x-a", big, "x-b", big, NULL}, HELLO);
    CU_ASSERT_TRUE(has(stream->headers, "grpc-status: 8\n"));
    CU_ASSERT_TRUE(has(stream->headers, "grpc.header_limit"));
    server_check_echo_works(&fixture);
    server_stop(&fixture);
}

static void test_too_many_resets_end_the_connection(void)
{
    struct server_fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.reset_burst = 20;
    limits.resets = 1;
    server_start(&fixture, &limits);
    for (int i = 0; i < 40; i++) {
        struct h2_stream *stream = h2_peer_request(&fixture.peer, CHAT, NULL, HELLO);
        stream->stays_open = true;
        h2_peer_run(&fixture.peer, h2_peer_has_settings, NULL);
        nghttp2_submit_rst_stream(fixture.peer.session, 0, stream->id, NGHTTP2_CANCEL);
    }
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_has_goaway, NULL));
    CU_ASSERT_EQUAL(fixture.peer.goaway_error, NGHTTP2_INTERNAL_ERROR);
    server_stop(&fixture);
}

static void test_too_many_malformed_streams_end_the_connection(void)
{
    struct server_fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.reset_burst = 20;
    limits.resets = 1;
    server_start(&fixture, &limits);
    for (int i = 0; i < 40; i++) { /* a header of HTTP/1 makes the server reset the stream */
        h2_peer_request(&fixture.peer, ECHO, (const char *[]){"connection", "close", NULL}, HELLO);
    }
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_has_goaway, NULL));
    CU_ASSERT_EQUAL(fixture.peer.goaway_error, NGHTTP2_ENHANCE_YOUR_CALM);
    server_stop(&fixture);
}

static void test_too_many_pings_end_the_connection(void)
{
    struct server_fixture fixture;
    server_start(&fixture, NULL);
    for (int i = 0; i < 10; i++) {
        nghttp2_submit_ping(fixture.peer.session, 0, NULL);
    }
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_has_goaway, NULL));
    CU_ASSERT_EQUAL(fixture.peer.goaway_error, NGHTTP2_ENHANCE_YOUR_CALM);
    CU_ASSERT_STRING_EQUAL(fixture.peer.goaway_text, "too_many_pings");
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_is_eof, NULL));
    server_stop(&fixture);
}

static void test_silent_connection_is_closed(void)
{
    struct server_fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.handshake_timeout_ms = 100;
    server_start(&fixture, &limits);
    nghttp2_session_terminate_session(fixture.peer.session, 0); /* never sent: */
    nghttp2_session_del(fixture.peer.session);
    nghttp2_session_callbacks *callbacks;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_server_new(&fixture.peer.session, callbacks, &fixture.peer);
    nghttp2_session_callbacks_del(callbacks);
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_is_eof, NULL));
    server_stop(&fixture);
}

static void set_stream_window(struct server_fixture *fixture, uint32_t size)
{
    nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, size};
    nghttp2_submit_settings(fixture->peer.session, NGHTTP2_FLAG_NONE, &entry, 1);
}

/* The handler of EchoChat is kept from answering, so it leaves what was sent to it. */
static void test_unread_bytes_do_not_shrink_the_connection(void)
{
    /* Two answers that block the handler, then one message of 60000 bytes. */
    static char upload[24 + 60000];
    struct server_fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.connection_window = 65535;
    limits.stream_buffer = 1;
    server_start(&fixture, &limits);
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
    struct h2_stream *last = server_ask(&fixture, ECHO, NULL, upload + 24, 60000);
    CU_ASSERT_TRUE(has(last->trailers, "grpc-status: 0\n"));
    server_stop(&fixture);
}

static void test_a_request_that_does_not_arrive_is_ended(void)
{
    struct server_fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.body_timeout_ms = 100;
    server_start(&fixture, &limits);
    struct h2_stream *stream = h2_peer_request(&fixture.peer, ECHO, NULL, hello, 7);
    stream->stays_open = true;
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_stream_closed, stream));
    CU_ASSERT_TRUE(has(stream->headers, "grpc-status: 4\n"));
    CU_ASSERT_TRUE(has(stream->headers, "grpc.body_timeout"));
    server_check_echo_works(&fixture);
    server_stop(&fixture);
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
    struct server_fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.body_timeout_ms = 100;
    server_start(&fixture, &limits);
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_has_settings, NULL));
    CU_ASSERT_EQUAL(send(fixture.peer.fd, half, sizeof half, MSG_NOSIGNAL), sizeof half);
    CU_ASSERT_TRUE(has_reset_of_stream_1(fixture.peer.fd));
    server_stop(&fixture);
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
    struct server_fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.send_buffer = 65536;
    server_start(&fixture, &limits);
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
    server_stop(&fixture);
}

/* Asks for 30 MB in messages of 30000 bytes, and gives the server every window that there is. */
static struct h2_stream *ask_for_much(struct server_fixture *fixture)
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
    struct server_fixture fixture;
    server_start(&fixture, NULL);
    struct h2_stream *stream = ask_for_much(&fixture);
    nanosleep(&(struct timespec){0, 200 * 1000000}, NULL); /* the socket fills up */
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_stream_closed, stream));
    CU_ASSERT_EQUAL(stream->data_len, 1000 * 30009);
    CU_ASSERT_STRING_EQUAL(stream->trailers, "grpc-status: 0\n");
    server_stop(&fixture);
}

static void test_peer_that_never_reads_is_dropped(void)
{
    struct server_fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    limits.write_timeout_ms = 100;
    server_start(&fixture, &limits);
    ask_for_much(&fixture);
    CU_ASSERT_TRUE(server_has_no_connections(&fixture));
    server_stop(&fixture);
}

SERVER_MAIN("grpc server bounds", UNIT_TEST(test_headers_over_the_limit_are_refused),
            UNIT_TEST(test_too_many_resets_end_the_connection),
            UNIT_TEST(test_too_many_malformed_streams_end_the_connection),
            UNIT_TEST(test_too_many_pings_end_the_connection),
            UNIT_TEST(test_silent_connection_is_closed),
            UNIT_TEST(test_unread_bytes_do_not_shrink_the_connection),
            UNIT_TEST(test_a_request_that_does_not_arrive_is_ended),
            UNIT_TEST(test_headers_that_do_not_arrive_are_ended),
            UNIT_TEST(test_calls_wait_while_answers_are_not_taken),
            UNIT_TEST(test_blocked_socket_loses_nothing),
            UNIT_TEST(test_peer_that_never_reads_is_dropped))
