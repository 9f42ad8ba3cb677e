/* The gRPC client: deadlines, calls that queue, streams. */
#include <string.h>

#include "client_fixture.h"
#include "services/grpc/grpc_client_state.h"

static void test_deadline_resets_the_stream(void)
{
    struct client_fixture fixture;
    struct client_call test = {.options = {.timeout_ms = 100}};
    client_start(&fixture, NULL);
    client_begin(&fixture, &test);
    client_accept(&fixture);
    struct h2_stream *stream = client_await_request(&fixture, 1);
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_stream_closed, stream));
    CU_ASSERT_EQUAL(stream->error_code, NGHTTP2_CANCEL);
    client_finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_DEADLINE_EXCEEDED);
    client_stop(&fixture);
}

static void test_calls_queue_behind_the_servers_limit(void)
{
    static const nghttp2_settings_entry one[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1}};
    struct client_fixture fixture;
    struct client_call tests[5] = {0};
    client_start(&fixture, NULL);
    for (size_t i = 0; i < 5; i++) {
        client_begin(&fixture, &tests[i]);
    }
    h2_peer_accept(&fixture.peer, fixture.listener, one, 1);
    for (size_t i = 0; i < 5; i++) {
        struct h2_stream *stream = client_await_request(&fixture, i + 1);
        CU_ASSERT_EQUAL(fixture.peer.stream_count, i + 1);
        client_answer(&fixture, stream, ok_trailers, REPLY);
        CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_stream_closed, stream));
    }
    for (size_t i = 0; i < 5; i++) {
        client_finish(&tests[i]);
        CU_ASSERT_EQUAL(tests[i].status, ATLAS_OK);
    }
    client_stop(&fixture);
}

static void test_the_queue_is_bounded(void)
{
    struct client_fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    struct client_call tests[4] = {
        {.timeout_ms = 300}, {.timeout_ms = 300}, {.timeout_ms = 300}, {.timeout_ms = 300}};
    limits.client_queue = 3; /* nobody accepts, so they wait for SETTINGS */
    client_start(&fixture, &limits);
    for (size_t i = 0; i < 4; i++) {
        client_begin(&fixture, &tests[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        client_finish(&tests[i]);
        CU_ASSERT_EQUAL(tests[i].status,
                        i < 3 ? ATLAS_DEADLINE_EXCEEDED : ATLAS_RESOURCE_EXHAUSTED);
    }
    client_stop(&fixture);
}

static atlas_status_t run_stream(struct client_call *test, struct call *call)
{
    const struct remote_transport *transport = test->transport;
    struct atlas_bytes reply;
    void *stream;
    atlas_status_t status = transport->open(transport->self, call, test->path, NULL, &stream);
    if (status != ATLAS_OK) {
        return status;
    }
    for (int i = 0; i < 3 && status == ATLAS_OK; i++) {
        status = transport->send(stream, call, test->request);
    }
    transport->half_close(stream, call);
    while (status == ATLAS_OK && (status = transport->recv(stream, call, &reply)) == ATLAS_OK) {
        client_keep_reply(test, reply);
    }
    transport->close(stream, call);
    return status == ATLAS_END_OF_STREAM ? ATLAS_OK : status;
}

static void test_stream_sends_and_receives(void)
{
    static const char two[] = "\0\0\0\0\1a\0\0\0\0\2bc";
    static const char *const failed[] = {"grpc-status", "10", "grpc-message", "again", NULL};
    for (int fails = 0; fails <= 1; fails++) {
        struct client_fixture fixture;
        struct client_call test = {.run = run_stream};
        client_start(&fixture, NULL);
        client_begin(&fixture, &test);
        client_accept(&fixture);
        struct h2_stream *stream = client_await_request(&fixture, 1);
        CU_ASSERT_EQUAL(stream->data_len, 30);
        client_answer(&fixture, stream, fails ? failed : ok_trailers, two, sizeof two - 1);
        client_finish(&test);
        CU_ASSERT_EQUAL(test.status, fails ? ATLAS_ABORTED : ATLAS_OK);
        CU_ASSERT_EQUAL(test.reply_len, 2);
        CU_ASSERT_EQUAL(memcmp(test.reply, "bc", 2), 0);
        client_stop(&fixture);
    }
}

static atlas_status_t run_abandoned_stream(struct client_call *test, struct call *call)
{
    const struct remote_transport *transport = test->transport;
    struct atlas_bytes reply;
    void *stream;
    atlas_status_t status = transport->open(transport->self, call, test->path, NULL, &stream);
    if (status == ATLAS_OK) {
        status = transport->recv(stream, call, &reply);
        transport->close(stream, call);
    }
    return status;
}

static bool has_stream(struct h2_peer *peer, void *arg)
{
    (void)arg;
    return peer->stream_count > 0;
}

static void test_closing_a_stream_early_resets_it(void)
{
    struct client_fixture fixture;
    struct client_call test = {.run = run_abandoned_stream};
    client_start(&fixture, NULL);
    client_begin(&fixture, &test);
    client_accept(&fixture);
    CU_ASSERT_TRUE_FATAL(h2_peer_run(&fixture.peer, has_stream, NULL));
    struct h2_stream *stream = &fixture.peer.streams[0];
    stream->stays_open = true;
    h2_peer_respond(&fixture.peer, stream, ok_headers, REPLY);
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_stream_closed, stream));
    CU_ASSERT_EQUAL(stream->error_code, NGHTTP2_CANCEL);
    client_finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_OK);
    client_stop(&fixture);
}

static void use_up_stream_ids(struct worker *worker, void *arg)
{
    struct client_fixture *fixture = arg;
    nghttp2_session *session = fixture->client->loops[worker->index].connections->http2.session;
    CU_ASSERT_EQUAL(nghttp2_session_set_next_stream_id(session, INT32_MAX), 0);
}

/* As after a thousand million calls. */
static void test_a_connection_without_stream_ids_is_replaced(void)
{
    struct client_fixture fixture;
    struct client_call first = {.timeout_ms = 5000};
    struct client_call last = {.timeout_ms = 5000};
    struct client_call next = {.timeout_ms = 5000};
    struct h2_peer used_up;
    client_start(&fixture, NULL);
    client_begin(&fixture, &first);
    client_accept(&fixture);
    client_answer(&fixture, client_await_request(&fixture, 1), ok_trailers, REPLY);
    client_finish(&first);
    runtime_run_on(runtime_worker(fixture.client->runtime, 0), use_up_stream_ids, &fixture);
    client_begin(&fixture, &last);
    struct h2_stream *stream = client_await_request(&fixture, 2);
    CU_ASSERT_EQUAL(stream->id, INT32_MAX);
    client_answer(&fixture, stream, ok_trailers, REPLY);
    client_finish(&last);
    CU_ASSERT_EQUAL(last.status, ATLAS_OK);
    CU_ASSERT_TRUE_FATAL(h2_peer_run(&fixture.peer, h2_peer_is_eof, NULL));
    used_up = fixture.peer;
    client_begin(&fixture, &next);
    client_accept(&fixture);
    client_answer(&fixture, client_await_request(&fixture, 1), ok_trailers, REPLY);
    client_finish(&next);
    CU_ASSERT_EQUAL(next.status, ATLAS_OK);
    h2_peer_close(&used_up);
    client_stop(&fixture);
}

CLIENT_MAIN("grpc client streams", UNIT_TEST(test_deadline_resets_the_stream),
            UNIT_TEST(test_calls_queue_behind_the_servers_limit),
            UNIT_TEST(test_the_queue_is_bounded), UNIT_TEST(test_stream_sends_and_receives),
            UNIT_TEST(test_closing_a_stream_early_resets_it),
            UNIT_TEST(test_a_connection_without_stream_ids_is_replaced))
