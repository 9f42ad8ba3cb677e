/* The echo plugin in the test host: every kind of method, and the test host itself. */
#include "echo.atlas.h"

#include <math.h>

#include "atlas/testhost.h"
#include "support/unit.h"

#define PLUGIN ATLAS_BUILD_DIR "/plugins/echo.so"
#define ECHO   "/atlas.test.v1.Echo/"

static struct testhost *open_echo(void)
{
    struct testhost *host = testhost_open(PLUGIN);

    CU_ASSERT_PTR_NOT_NULL_FATAL(host);
    CU_ASSERT_EQUAL_FATAL(testhost_start(host), ATLAS_OK);
    return host;
}

static struct atlas_bytes text_message(struct testhost *host, const char *text)
{
    Atlas__Test__V1__EchoRequest req = ATLAS__TEST__V1__ECHO_REQUEST__INIT;
    struct atlas_bytes bytes;

    req.text = atlas_strdup(testhost_caller(host), text);
    CU_ASSERT_EQUAL_FATAL(
        atlas__test__v1__echo_request__encode(testhost_caller(host), &req, &bytes), ATLAS_OK);
    return bytes;
}

static const char *reply_text(struct testhost *host, struct atlas_bytes bytes)
{
    Atlas__Test__V1__EchoResponse *res = NULL;

    CU_ASSERT_EQUAL_FATAL(
        atlas__test__v1__echo_response__decode(testhost_caller(host), bytes, &res), ATLAS_OK);
    return res->text;
}

static void test_echo_answers(void)
{
    struct testhost *host = open_echo();
    Atlas__Test__V1__EchoRequest req = ATLAS__TEST__V1__ECHO_REQUEST__INIT;
    Atlas__Test__V1__EchoResponse *res = NULL;
    char text[] = "hello";

    req.text = text;
    CU_ASSERT_EQUAL_FATAL(atlas_test_v1_echo_echo(testhost_caller(host), &req, &res), ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(res->text, "hello");
    CU_ASSERT_EQUAL_FATAL(atlas_test_v1_echo_relay(testhost_caller(host), &req, &res), ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(res->text, "hello");
    testhost_close(host);
}

static void test_echo_reads_its_configuration(void)
{
    struct testhost *host = testhost_open(PLUGIN);
    struct atlas_bytes request;
    const struct atlas_bytes *replies;

    testhost_set(host, "greeting", "you said: ");
    CU_ASSERT_EQUAL_FATAL(testhost_start(host), ATLAS_OK);
    request = text_message(host, "x");
    CU_ASSERT_EQUAL_FATAL(testhost_call(host, ECHO "Echo", &request, 1, &replies, NULL), ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(reply_text(host, replies[0]), "you said: x");
    testhost_stop(host);
    testhost_set(host, "text_limit", "65MiB");
    CU_ASSERT_EQUAL(testhost_start(host), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(testhost_message(host), "text_limit: 65MiB is out of bounds");
    testhost_close(host);
}

static void test_echo_many_sends_each(void)
{
    struct testhost *host = open_echo();
    Atlas__Test__V1__EchoManyRequest req = ATLAS__TEST__V1__ECHO_MANY_REQUEST__INIT;
    struct atlas_bytes request;
    const struct atlas_bytes *replies;
    size_t count;
    char text[] = "again";

    req.text = text;
    req.count = 3;
    CU_ASSERT_EQUAL_FATAL(
        atlas__test__v1__echo_many_request__encode(testhost_caller(host), &req, &request),
        ATLAS_OK);
    CU_ASSERT_EQUAL(testhost_call(host, ECHO "EchoMany", &request, 1, &replies, &count), ATLAS_OK);
    CU_ASSERT_EQUAL_FATAL(count, 3);
    CU_ASSERT_STRING_EQUAL(reply_text(host, replies[2]), "again");
    testhost_close(host);
}

static void test_echo_joins_and_chats(void)
{
    struct testhost *host = open_echo();
    struct atlas_bytes requests[] = {text_message(host, "one "), text_message(host, "two "),
                                     text_message(host, "three")};
    const struct atlas_bytes *replies;
    size_t count;

    CU_ASSERT_EQUAL(testhost_call(host, ECHO "EchoJoin", requests, 3, &replies, &count), ATLAS_OK);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_STRING_EQUAL(reply_text(host, replies[0]), "one two three");
    CU_ASSERT_EQUAL(testhost_call(host, ECHO "EchoChat", requests, 3, &replies, &count), ATLAS_OK);
    CU_ASSERT_EQUAL_FATAL(count, 3);
    CU_ASSERT_STRING_EQUAL(reply_text(host, replies[1]), "two ");
    testhost_close(host);
}

/* What is sent may depend on what came: the handler runs in turns with the test. */
static void test_echo_chats_in_turns(void)
{
    struct testhost *host = open_echo();
    struct atlas_call *call = testhost_caller(host);
    Atlas__Test__V1__EchoRequest req = ATLAS__TEST__V1__ECHO_REQUEST__INIT;
    Atlas__Test__V1__EchoResponse *res = NULL;
    struct atlas_handle stream = {0};
    char text[8] = "a";

    CU_ASSERT_EQUAL_FATAL(atlas_test_v1_echo_echo_chat_open(call, NULL, &stream), ATLAS_OK);
    for (size_t len = 1; len <= 5; len++) {
        req.text = text;
        CU_ASSERT_EQUAL(atlas_test_v1_echo_echo_chat_send(call, stream, &req), ATLAS_OK);
        CU_ASSERT_EQUAL_FATAL(atlas_test_v1_echo_echo_chat_recv(call, stream, &res), ATLAS_OK);
        CU_ASSERT_EQUAL(strlen(res->text), len);
        snprintf(text, sizeof text, "%.6sa", res->text);
    }
    CU_ASSERT_EQUAL(atlas_client_half_close(call, stream), ATLAS_OK);
    CU_ASSERT_EQUAL(atlas_test_v1_echo_echo_chat_recv(call, stream, &res), ATLAS_END_OF_STREAM);
    atlas_client_close(call, stream);
    testhost_close(host);
}

static void test_echo_streams_end_with_their_status(void)
{
    struct testhost *host = testhost_open(PLUGIN);
    struct atlas_call *call;
    Atlas__Test__V1__EchoRequest req = ATLAS__TEST__V1__ECHO_REQUEST__INIT;
    Atlas__Test__V1__EchoManyRequest many = ATLAS__TEST__V1__ECHO_MANY_REQUEST__INIT;
    Atlas__Test__V1__EchoResponse *res = NULL;
    struct atlas_handle stream = {0};
    char text[] = "123456";

    testhost_set(host, "text_limit", "8");
    CU_ASSERT_EQUAL_FATAL(testhost_start(host), ATLAS_OK);
    call = testhost_caller(host);
    req.text = text;
    CU_ASSERT_EQUAL_FATAL(atlas_test_v1_echo_echo_join_open(call, NULL, &stream), ATLAS_OK);
    CU_ASSERT_EQUAL(atlas_test_v1_echo_echo_join_send(call, stream, &req), ATLAS_OK);
    CU_ASSERT_EQUAL(atlas_test_v1_echo_echo_join_send(call, stream, &req), ATLAS_OK);
    CU_ASSERT_EQUAL(atlas_test_v1_echo_echo_join_recv(call, stream, &res),
                    ATLAS_RESOURCE_EXHAUSTED);
    CU_ASSERT_STRING_EQUAL(testhost_message(host), "text: together over 8 bytes, text_limit");
    atlas_client_close(call, stream);

    many.text = text;
    many.count = 2;
    CU_ASSERT_EQUAL_FATAL(atlas_test_v1_echo_echo_many_open(call, &many, NULL, &stream), ATLAS_OK);
    CU_ASSERT_EQUAL(atlas_test_v1_echo_echo_many_recv(call, stream, &res), ATLAS_OK);
    CU_ASSERT_EQUAL(atlas_test_v1_echo_echo_many_recv(call, stream, &res), ATLAS_OK);
    CU_ASSERT_EQUAL(atlas_test_v1_echo_echo_many_recv(call, stream, &res), ATLAS_END_OF_STREAM);
    atlas_client_close(call, stream);
    testhost_close(host);
}

/* Closed in the middle, or left open: the handler's recv ends with CANCELLED, and nothing hangs. */
static void test_echo_chat_is_left_by_its_caller(void)
{
    struct testhost *host = open_echo();
    struct atlas_call *call = testhost_caller(host);
    Atlas__Test__V1__EchoRequest req = ATLAS__TEST__V1__ECHO_REQUEST__INIT;
    Atlas__Test__V1__EchoResponse *res = NULL;
    struct atlas_handle stream = {0};
    char text[] = "hello";

    req.text = text;
    CU_ASSERT_EQUAL_FATAL(atlas_test_v1_echo_echo_chat_open(call, NULL, &stream), ATLAS_OK);
    CU_ASSERT_EQUAL(atlas_test_v1_echo_echo_chat_send(call, stream, &req), ATLAS_OK);
    CU_ASSERT_EQUAL(atlas_test_v1_echo_echo_chat_recv(call, stream, &res), ATLAS_OK);
    atlas_client_close(call, stream);
    CU_ASSERT_STRING_EQUAL(testhost_message(host), "recv: the call was cancelled");
    CU_ASSERT_EQUAL_FATAL(atlas_test_v1_echo_echo_chat_open(call, NULL, &stream), ATLAS_OK);
    CU_ASSERT_EQUAL(atlas_test_v1_echo_echo_chat_send(call, stream, &req), ATLAS_OK);
    testhost_close(host);
}

#define ELSEWHERE "/atlas.test.v1.Elsewhere/Chat"

/* A service of others: its messages come from the script, what was sent can be looked at. */
static void test_stream_to_another_service_is_scripted(void)
{
    struct testhost *host = open_echo();
    struct atlas_call *call = testhost_caller(host);
    struct atlas_metadata metadata = {atlas_str("x-who"), atlas_str("ada")};
    struct atlas_call_options options = atlas_within_ms(250);
    const struct atlas_call_options *given;
    struct atlas_handle stream = {0};
    struct atlas_bytes message;

    options.metadata = &metadata;
    options.metadata_count = 1;
    testhost_client_reply(host, ELSEWHERE, atlas_str("first"));
    CU_ASSERT_EQUAL_FATAL(atlas_client_open(call, ELSEWHERE, &options, &stream), ATLAS_OK);
    given = testhost_client_options(host, ELSEWHERE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(given);
    CU_ASSERT_EQUAL(given->timeout_ms, 250);
    CU_ASSERT_EQUAL_FATAL(given->metadata_count, 1);
    CU_ASSERT_TRUE(atlas_bytes_equal(given->metadata[0].value, atlas_str("ada")));
    CU_ASSERT_EQUAL(atlas_client_send(call, stream, atlas_str("hello")), ATLAS_OK);
    CU_ASSERT_TRUE(atlas_bytes_equal(testhost_client_request(host, ELSEWHERE), atlas_str("hello")));
    CU_ASSERT_EQUAL_FATAL(atlas_client_recv(call, stream, &message), ATLAS_OK);
    CU_ASSERT_TRUE(atlas_bytes_equal(message, atlas_str("first")));
    CU_ASSERT_EQUAL(atlas_client_recv(call, stream, &message), ATLAS_END_OF_STREAM);
    atlas_client_close(call, stream);
    testhost_close(host);
}

static void test_metadata_and_identity_come_and_go(void)
{
    struct testhost *host = open_echo();
    struct atlas_bytes request = text_message(host, "x-who");
    const struct atlas_bytes *replies;
    size_t count;

    CU_ASSERT_EQUAL(testhost_call(host, ECHO "EchoMetadata", &request, 1, NULL, NULL),
                    ATLAS_NOT_FOUND);
    testhost_add_metadata(host, "x-other", atlas_str("bob"));
    testhost_add_metadata(host, "x-who", atlas_str("ada"));
    testhost_set_identity(host, "user:7");
    CU_ASSERT_EQUAL_FATAL(testhost_call(host, ECHO "EchoMetadata", &request, 1, &replies, &count),
                          ATLAS_OK);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_STRING_EQUAL(reply_text(host, replies[0]), "user:7");
    CU_ASSERT_TRUE(
        atlas_bytes_equal(testhost_reply_metadata(host, false, "echo-leading"), atlas_str("ada")));
    CU_ASSERT_TRUE(
        atlas_bytes_equal(testhost_reply_metadata(host, true, "echo-trailing"), atlas_str("ada")));
    CU_ASSERT_TRUE(
        atlas_bytes_equal(testhost_reply_metadata(host, true, "echo-late"), atlas_str("ada")));
    CU_ASSERT_PTR_NULL(testhost_reply_metadata(host, false, "echo-late").data);

    testhost_reset(host);
    request = text_message(host, "x-who");
    CU_ASSERT_EQUAL(testhost_call(host, ECHO "EchoMetadata", &request, 1, NULL, NULL),
                    ATLAS_NOT_FOUND);
    testhost_close(host);
}

/* A caller that leaves during the sleep. */
static void test_echo_sleep_is_cancelled(void)
{
    struct testhost *host = open_echo();
    Atlas__Test__V1__SleepRequest req = ATLAS__TEST__V1__SLEEP_REQUEST__INIT;
    Atlas__Test__V1__SleepResponse *res;

    req.ms = 500;
    testhost_cancel_at(host, 2); /* the first is recv */
    CU_ASSERT_EQUAL(atlas_test_v1_echo_sleep(testhost_caller(host), &req, &res), ATLAS_CANCELLED);
    CU_ASSERT_STRING_EQUAL(testhost_message(host), "sleep: the call was cancelled");
    testhost_cancel_at(host, 0);
    CU_ASSERT_EQUAL(atlas_test_v1_echo_sleep(testhost_caller(host), &req, &res), ATLAS_OK);
    testhost_close(host);
}

static void test_echo_join_is_bounded(void)
{
    struct testhost *host = testhost_open(PLUGIN);
    struct atlas_bytes requests[2];

    testhost_set(host, "text_limit", "8");
    CU_ASSERT_EQUAL_FATAL(testhost_start(host), ATLAS_OK);
    requests[0] = text_message(host, "12345");
    requests[1] = requests[0];
    CU_ASSERT_EQUAL(testhost_call(host, ECHO "EchoJoin", requests, 2, NULL, NULL),
                    ATLAS_RESOURCE_EXHAUSTED);
    testhost_close(host);
}

static void test_echo_sleeps_to_the_deadline(void)
{
    struct testhost *host = open_echo();
    Atlas__Test__V1__SleepRequest req = ATLAS__TEST__V1__SLEEP_REQUEST__INIT;
    Atlas__Test__V1__SleepResponse *res;

    req.ms = 500;
    testhost_set_timeout_ms(host, 400);
    CU_ASSERT_EQUAL(atlas_test_v1_echo_sleep(testhost_caller(host), &req, &res),
                    ATLAS_DEADLINE_EXCEEDED);
    testhost_set_timeout_ms(host, 600);
    CU_ASSERT_EQUAL(atlas_test_v1_echo_sleep(testhost_caller(host), &req, &res), ATLAS_OK);
    testhost_close(host);
}

static void test_echo_fails_as_asked(void)
{
    struct testhost *host = open_echo();
    Atlas__Test__V1__FailRequest req = ATLAS__TEST__V1__FAIL_REQUEST__INIT;
    Atlas__Test__V1__FailResponse *res;
    char words[] = "no such thing";

    req.status = ATLAS_NOT_FOUND;
    req.message = words;
    CU_ASSERT_EQUAL(atlas_test_v1_echo_fail(testhost_caller(host), &req, &res), ATLAS_NOT_FOUND);
    CU_ASSERT_STRING_EQUAL(testhost_message(host), "no such thing");
    testhost_close(host);
}

static void test_echo_position_must_be_on_earth(void)
{
    struct testhost *host = open_echo();
    Atlas__Test__V1__PostLocationRequest req = ATLAS__TEST__V1__POST_LOCATION_REQUEST__INIT;
    Atlas__Test__V1__PostLocationResponse *res = NULL;

    CU_ASSERT_EQUAL(atlas_test_v1_echo_post_location(testhost_caller(host), &req, &res),
                    ATLAS_INVALID_ARGUMENT);
    atlas__test__v1__post_location_request__set_latitude(&req, 48.0);
    atlas__test__v1__post_location_request__set_longitude(&req, (double)NAN);
    CU_ASSERT_EQUAL(atlas_test_v1_echo_post_location(testhost_caller(host), &req, &res),
                    ATLAS_INVALID_ARGUMENT);
    atlas__test__v1__post_location_request__set_longitude(&req, -16.5);
    CU_ASSERT_EQUAL_FATAL(atlas_test_v1_echo_post_location(testhost_caller(host), &req, &res),
                          ATLAS_OK);
    CU_ASSERT_TRUE(res->accepted);
    testhost_close(host);
}

static atlas_status_t run_relay(struct testhost *host, void *arg)
{
    struct atlas_bytes request = text_message(host, arg);

    return testhost_call(host, ECHO "Relay", &request, 1, NULL, NULL);
}

static void test_echo_survives_every_fault(void)
{
    struct testhost *host = open_echo();
    char text[] = "text";
    struct testhost_operation operation = {run_relay, testhost_verify_all_or_nothing, text};

    CU_ASSERT_EQUAL(testhost_enumerate_faults(host, &operation), 0);
    testhost_close(host);
}

UNIT_MAIN("echo", UNIT_TEST(test_echo_answers), UNIT_TEST(test_echo_reads_its_configuration),
          UNIT_TEST(test_echo_many_sends_each), UNIT_TEST(test_echo_joins_and_chats),
          UNIT_TEST(test_echo_chats_in_turns), UNIT_TEST(test_echo_streams_end_with_their_status),
          UNIT_TEST(test_echo_chat_is_left_by_its_caller),
          UNIT_TEST(test_stream_to_another_service_is_scripted),
          UNIT_TEST(test_metadata_and_identity_come_and_go),
          UNIT_TEST(test_echo_sleep_is_cancelled), UNIT_TEST(test_echo_join_is_bounded),
          UNIT_TEST(test_echo_sleeps_to_the_deadline), UNIT_TEST(test_echo_fails_as_asked),
          UNIT_TEST(test_echo_position_must_be_on_earth), UNIT_TEST(test_echo_survives_every_fault))
