/* The gRPC client against a server that answers exactly what it is told to: unary calls. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client_fixture.h"

static void test_unary_sends_a_whole_grpc_request(void)
{
    struct client_fixture fixture;
    struct client_call test = {.timeout_ms = 5000};
    struct atlas_metadata metadata[] = {{{"x-text", 6}, {"value", 5}}, {{"x-bin", 5}, {"\1\2", 2}}};
    test.options.metadata = metadata;
    test.options.metadata_count = 2;
    client_start(&fixture, NULL);
    client_begin(&fixture, &test);
    client_accept(&fixture);
    struct h2_stream *stream = client_await_request(&fixture, 1);
    static const char *const lines[] = {
        ":method: POST\n",        ":scheme: http\n", ":path: " ECHO "\n",
        ":authority: 127.0.0.1:", "te: trailers\n",  "content-type: application/grpc\n",
        "grpc-timeout: ",         "x-text: value\n", "x-bin: AQI\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        CU_ASSERT_PTR_NOT_NULL(strstr(stream->headers, lines[i]));
    }
    CU_ASSERT_EQUAL(stream->data_len, 10);
    CU_ASSERT_EQUAL(memcmp(stream->data, "\0\0\0\0\5hello", 10), 0);
    client_answer(&fixture, stream, ok_trailers, REPLY);
    client_finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_OK);
    CU_ASSERT_EQUAL(test.reply_len, 5);
    CU_ASSERT_EQUAL(memcmp(test.reply, "reply", 5), 0);
    client_stop(&fixture);
}

static void test_status_and_message_are_passed_on(void)
{
    static const char *const fields[] = {
        ":status",     "200", "content-type", "application/grpc",
        "grpc-status", "5",   "grpc-message", "no 100%25 m%C3%B6gl%",
        NULL};
    struct client_fixture fixture;
    struct client_call test = {0};
    client_start(&fixture, NULL);
    client_begin(&fixture, &test);
    client_accept(&fixture);
    h2_peer_respond(&fixture.peer, client_await_request(&fixture, 1), fields, NULL, 0);
    client_push(&fixture);
    client_finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_NOT_FOUND);
    CU_ASSERT_STRING_EQUAL(test.message, "no 100% m\xc3\xb6gl%");
    client_stop(&fixture);
}

/* What comes back when the server answers one header list with END_STREAM. */
static void test_answers_without_a_status_are_mapped(void)
{
    static const struct {
        const char *http_status;
        const char *name;
        const char *value;
        atlas_status_t status;
    } cases[] = {
        {"503", "content-type", "text/html", ATLAS_UNAVAILABLE},
        {"404", "content-type", "text/html", ATLAS_UNIMPLEMENTED},
        {"401", "content-type", "text/html", ATLAS_UNAUTHENTICATED},
        {"200", "content-type", "application/grpc", ATLAS_UNKNOWN},
        {"502", "grpc-status", "7", ATLAS_PERMISSION_DENIED},
        {"200", "grpc-status", "xx", ATLAS_UNKNOWN},
        {"200", "grpc-status", "0", ATLAS_UNIMPLEMENTED}, /* no message */
    };
    struct client_fixture fixture;
    client_start(&fixture, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_call test = {0};
        const char *fields[] = {":status", cases[i].http_status, cases[i].name, cases[i].value,
                                NULL};
        client_begin(&fixture, &test);
        if (i == 0) {
            client_accept(&fixture);
        }
        h2_peer_respond(&fixture.peer, client_await_request(&fixture, i + 1), fields, NULL, 0);
        client_push(&fixture);
        client_finish(&test);
        CU_ASSERT_EQUAL(test.status, cases[i].status);
    }
    client_stop(&fixture);
}

static void test_resets_are_mapped(void)
{
    static const struct {
        uint32_t code;
        atlas_status_t status;
    } cases[] = {
        {NGHTTP2_CANCEL, ATLAS_CANCELLED},
        {NGHTTP2_ENHANCE_YOUR_CALM, ATLAS_RESOURCE_EXHAUSTED},
        {NGHTTP2_INADEQUATE_SECURITY, ATLAS_PERMISSION_DENIED},
        {NGHTTP2_INTERNAL_ERROR, ATLAS_INTERNAL},
        {NGHTTP2_NO_ERROR, ATLAS_INTERNAL},
    };
    struct client_fixture fixture;
    client_start(&fixture, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_call test = {0};
        client_begin(&fixture, &test);
        if (i == 0) {
            client_accept(&fixture);
        }
        nghttp2_submit_rst_stream(fixture.peer.session, 0,
                                  client_await_request(&fixture, i + 1)->id, cases[i].code);
        client_push(&fixture);
        client_finish(&test);
        CU_ASSERT_EQUAL(test.status, cases[i].status);
    }
    client_stop(&fixture);
}

static void test_a_status_before_the_end_is_none(void)
{
    static const char *const early[] = {
        ":status", "200", "content-type", "application/grpc", "grpc-status", "5", NULL};
    struct client_fixture fixture;
    struct client_call test = {0};
    client_start(&fixture, NULL);
    client_begin(&fixture, &test);
    client_accept(&fixture);
    struct h2_stream *stream = client_await_request(&fixture, 1);
    stream->stays_open = true;
    h2_peer_respond(&fixture.peer, stream, early, REPLY);
    client_push(&fixture);
    h2_peer_trailers(&fixture.peer, stream, ok_trailers);
    client_push(&fixture);
    client_finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_OK);
    client_stop(&fixture);
}

static void test_two_replies_to_a_unary_call_are_refused(void)
{
    static const char two[] = "\0\0\0\0\1a\0\0\0\0\1b";
    struct client_fixture fixture;
    struct client_call test = {0};
    client_start(&fixture, NULL);
    client_begin(&fixture, &test);
    client_accept(&fixture);
    client_answer(&fixture, client_await_request(&fixture, 1), ok_trailers, two, sizeof two - 1);
    client_finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_UNIMPLEMENTED);
    client_stop(&fixture);
}

static void test_refused_stream_is_repeated_once(void)
{
    for (int refusals = 1; refusals <= 2; refusals++) {
        struct client_fixture fixture;
        struct client_call test = {0};
        client_start(&fixture, NULL);
        client_begin(&fixture, &test);
        client_accept(&fixture);
        for (int i = 1; i <= refusals; i++) {
            struct h2_stream *stream = client_await_request(&fixture, (size_t)i);
            nghttp2_submit_rst_stream(fixture.peer.session, 0, stream->id, NGHTTP2_REFUSED_STREAM);
        }
        if (refusals == 1) {
            struct h2_stream *stream = client_await_request(&fixture, 2);
            CU_ASSERT_EQUAL(memcmp(stream->data, "\0\0\0\0\5hello", 10), 0);
            client_answer(&fixture, stream, ok_trailers, REPLY);
        }
        client_push(&fixture);
        client_finish(&test);
        CU_ASSERT_EQUAL(test.status, refusals == 1 ? ATLAS_OK : ATLAS_UNAVAILABLE);
        client_stop(&fixture);
    }
}

static void test_goaway_moves_unprocessed_calls_to_a_new_connection(void)
{
    struct client_fixture fixture;
    struct client_call first = {0};
    struct client_call second = {0};
    struct h2_peer replacement;
    client_start(&fixture, NULL);
    client_begin(&fixture, &first);
    client_accept(&fixture);
    struct h2_stream *processed = client_await_request(&fixture, 1);
    client_begin(&fixture, &second);
    client_await_request(&fixture, 2);
    nghttp2_submit_goaway(fixture.peer.session, 0, processed->id, NGHTTP2_NO_ERROR, NULL, 0);
    client_push(&fixture);

    h2_peer_accept(&replacement, fixture.listener, NULL, 0);
    size_t one = 1;
    CU_ASSERT_TRUE(h2_peer_run(&replacement, h2_peer_has_request, &one));
    replacement.streams[0].stays_open = true;
    h2_peer_respond(&replacement, &replacement.streams[0], ok_headers, REPLY);
    h2_peer_run(&replacement, h2_peer_at_once, NULL);
    h2_peer_trailers(&replacement, &replacement.streams[0], ok_trailers);
    h2_peer_run(&replacement, h2_peer_at_once, NULL);
    client_finish(&second);
    CU_ASSERT_EQUAL(second.status, ATLAS_OK);

    client_answer(&fixture, processed, ok_trailers,
                  REPLY); /* the old connection finishes its own */
    client_finish(&first);
    CU_ASSERT_EQUAL(first.status, ATLAS_OK);
    h2_peer_close(&replacement);
    client_stop(&fixture);
}

static void test_lost_connection_is_not_repeated(void)
{
    struct client_fixture fixture;
    struct client_call test = {0};
    client_start(&fixture, NULL);
    client_begin(&fixture, &test);
    client_accept(&fixture);
    client_await_request(&fixture, 1);
    h2_peer_close(&fixture.peer);
    client_finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(test.message, "may have been processed"));
    client_stop(&fixture);
}

/* As a co-located call would be. */
static void test_metadata_over_the_limit_is_refused(void)
{
    static char value[9000];
    struct client_fixture fixture;
    struct client_call test = {0};
    struct atlas_metadata metadata = {{"x-text", 6}, {value, sizeof value}};
    memset(value, 'v', sizeof value);
    test.options.metadata = &metadata;
    test.options.metadata_count = 1;
    client_start(&fixture, NULL);
    client_begin(&fixture, &test);
    client_finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_RESOURCE_EXHAUSTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(test.message, "calls.metadata_limit"));
    client_stop(&fixture);
}

/* What never leaves because it is too large is not tried again. */
static void test_request_that_cannot_be_sent_is_refused(void)
{
    static char path[300000] = ECHO;
    struct client_fixture fixture;
    struct client_call test = {.path = path};
    memset(path + strlen(path), 'x', sizeof path - strlen(path) - 1);
    client_start(&fixture, NULL);
    client_begin(&fixture, &test);
    client_accept(&fixture);
    h2_peer_run(&fixture.peer, h2_peer_has_settings, NULL);
    client_finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_RESOURCE_EXHAUSTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(test.message, "headers"));
    client_stop(&fixture);
}

CLIENT_MAIN("grpc client", UNIT_TEST(test_unary_sends_a_whole_grpc_request),
            UNIT_TEST(test_status_and_message_are_passed_on),
            UNIT_TEST(test_answers_without_a_status_are_mapped), UNIT_TEST(test_resets_are_mapped),
            UNIT_TEST(test_a_status_before_the_end_is_none),
            UNIT_TEST(test_two_replies_to_a_unary_call_are_refused),
            UNIT_TEST(test_refused_stream_is_repeated_once),
            UNIT_TEST(test_goaway_moves_unprocessed_calls_to_a_new_connection),
            UNIT_TEST(test_lost_connection_is_not_repeated),
            UNIT_TEST(test_metadata_over_the_limit_is_refused),
            UNIT_TEST(test_request_that_cannot_be_sent_is_refused))
