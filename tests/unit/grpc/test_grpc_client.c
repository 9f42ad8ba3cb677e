/* The gRPC client against a server that answers exactly what it is told to. */
#include "services/grpc/grpc_client.h"

#include "atlas/client.h"
#include "base/clock.h"
#include "base/config/config_bind.h"
#include "h2_peer.h"
#include "host.h"
#include "limits.h"
#include "runtime/call_run.h"
#include "support/names.h"
#include "support/unit.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ECHO "/atlas.test.v1.Echo/Echo"

static const char reply_bytes[] = "\0\0\0\0\5reply";
#define REPLY reply_bytes, sizeof reply_bytes - 1

static const char *const ok_headers[] = {":status", "200", "content-type", "application/grpc",
                                         NULL};
static const char *const ok_trailers[] = {"grpc-status", "0", NULL};

static struct test_host host;

/* A client, and the socket where its server is. */
struct fixture {
    struct grpc_client *client;
    struct config_address address;
    int listener;
    struct h2_peer peer;
};

static const struct config_address *find_address(void *context, const char *service)
{
    struct fixture *fixture = context;
    return strcmp(service, "atlas.test.v1.Echo") == 0 ? &fixture->address : NULL;
}

static void start(struct fixture *fixture, const struct grpc_limits *limits)
{
    struct error error;
    *fixture = (struct fixture){.address = {.host = "127.0.0.1"}, .peer = {.fd = -1}};
    fixture->listener = h2_peer_listen(&fixture->address.port);
    struct grpc_client_options options = {
        .find_address = find_address, .context = fixture, .limits = LIMITS_WIDE};
    if (limits != NULL) {
        options.limits = *limits;
    }
    if (grpc_client_create(host.runtime, &options, &fixture->client, &error) != ATLAS_OK) {
        fprintf(stderr, "%s\n", error.text);
        exit(EXIT_FAILURE);
    }
}

static void accept_client(struct fixture *fixture)
{
    h2_peer_accept(&fixture->peer, fixture->listener, NULL, 0);
}

static void stop(struct fixture *fixture)
{
    h2_peer_close(&fixture->peer);
    grpc_client_destroy(fixture->client);
    close(fixture->listener);
}

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

static void keep_reply(struct client_call *test, struct atlas_bytes reply)
{
    test->reply_len = reply.len;
    memcpy(test->reply, reply.data,
           reply.len < sizeof test->reply ? reply.len : sizeof test->reply);
}

static atlas_status_t run_unary(struct client_call *test, struct call *call)
{
    struct atlas_bytes reply = {0};
    atlas_status_t status = test->transport->unary(test->transport->self, call, test->path,
                                                   test->request, &test->options, &reply);
    if (status == ATLAS_OK) {
        keep_reply(test, reply);
    }
    return status;
}

static atlas_status_t run_call(struct call *call, void *arg)
{
    struct client_call *test = arg;
    return test->run(test, call);
}

static void call_on_finished(struct call *call)
{
    struct client_call *test = call->peer;
    test->status = call->status;
    memcpy(test->message, call->message, sizeof test->message);
    call_destroy(call);
    atomic_store(&test->has_ended, true);
}

static const struct call_operations operations = {.finished = call_on_finished};

static void start_on_loop(struct loop_task *task)
{
    struct client_call *test = CONTAINER_OF(task, struct client_call, task);
    struct call *call = call_create_internal(runtime_worker(host.runtime, 0), NULL, "test");
    call->operations = &operations;
    call->peer = test;
    if (test->timeout_ms > 0) {
        call->deadline_ns = clock_monotonic_ns() + test->timeout_ms * NS_PER_MS;
    }
    call_start_function(call, run_call, test);
}

static void begin(struct fixture *fixture, struct client_call *test)
{
    static const char hello[] = "hello";
    test->transport = grpc_client_transport(fixture->client);
    test->task.run = start_on_loop;
    test->options.size = sizeof test->options;
    test->run = test->run != NULL ? test->run : run_unary;
    test->path = test->path != NULL ? test->path : ECHO;
    if (test->request.data == NULL) {
        test->request = (struct atlas_bytes){hello, 5};
    }
    loop_post(runtime_worker(host.runtime, 0)->loop, &test->task);
}

static void finish(struct client_call *test)
{
    for (int i = 0; i < 5000 && !atomic_load(&test->has_ended); i++) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    CU_ASSERT_TRUE_FATAL(atomic_load(&test->has_ended));
}

/* The n-th request, when it is complete. */
static struct h2_stream *await_request(struct fixture *fixture, size_t n)
{
    CU_ASSERT_TRUE_FATAL(h2_peer_run(&fixture->peer, h2_peer_has_request, &n));
    return &fixture->peer.streams[n - 1];
}

/* Sends what is submitted, without waiting for anything. */
static bool at_once(struct h2_peer *peer, void *arg)
{
    (void)peer;
    (void)arg;
    return true;
}

static void push(struct fixture *fixture)
{
    h2_peer_run(&fixture->peer, at_once, NULL);
}

/* HEADERS and DATA, then trailers when those are out. */
static void answer(struct fixture *fixture, struct h2_stream *stream, const char *const *trailers,
                   const void *body, size_t len)
{
    stream->stays_open = true;
    h2_peer_respond(&fixture->peer, stream, ok_headers, body, len);
    push(fixture);
    stream->stays_open = false;
    h2_peer_trailers(&fixture->peer, stream, trailers);
    push(fixture);
}

static void test_unary_sends_a_whole_grpc_request(void)
{
    struct fixture fixture;
    struct client_call test = {.timeout_ms = 5000};
    struct atlas_metadata metadata[] = {{{"x-text", 6}, {"value", 5}}, {{"x-bin", 5}, {"\1\2", 2}}};
    test.options.metadata = metadata;
    test.options.metadata_count = 2;
    start(&fixture, NULL);
    begin(&fixture, &test);
    accept_client(&fixture);
    struct h2_stream *stream = await_request(&fixture, 1);
    static const char *const lines[] = {
        ":method: POST\n",        ":scheme: http\n", ":path: " ECHO "\n",
        ":authority: 127.0.0.1:", "te: trailers\n",  "content-type: application/grpc\n",
        "grpc-timeout: ",         "x-text: value\n", "x-bin: AQI\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        CU_ASSERT_PTR_NOT_NULL(strstr(stream->headers, lines[i]));
    }
    CU_ASSERT_EQUAL(stream->data_len, 10);
    CU_ASSERT_EQUAL(memcmp(stream->data, "\0\0\0\0\5hello", 10), 0);
    answer(&fixture, stream, ok_trailers, REPLY);
    finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_OK);
    CU_ASSERT_EQUAL(test.reply_len, 5);
    CU_ASSERT_EQUAL(memcmp(test.reply, "reply", 5), 0);
    stop(&fixture);
}

static void test_status_and_message_are_passed_on(void)
{
    static const char *const fields[] = {
        ":status",     "200", "content-type", "application/grpc",
        "grpc-status", "5",   "grpc-message", "no 100%25 m%C3%B6gl%",
        NULL};
    struct fixture fixture;
    struct client_call test = {0};
    start(&fixture, NULL);
    begin(&fixture, &test);
    accept_client(&fixture);
    h2_peer_respond(&fixture.peer, await_request(&fixture, 1), fields, NULL, 0);
    push(&fixture);
    finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_NOT_FOUND);
    CU_ASSERT_STRING_EQUAL(test.message, "no 100% m\xc3\xb6gl%");
    stop(&fixture);
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
    struct fixture fixture;
    start(&fixture, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_call test = {0};
        const char *fields[] = {":status", cases[i].http_status, cases[i].name, cases[i].value,
                                NULL};
        begin(&fixture, &test);
        if (i == 0) {
            accept_client(&fixture);
        }
        h2_peer_respond(&fixture.peer, await_request(&fixture, i + 1), fields, NULL, 0);
        push(&fixture);
        finish(&test);
        CU_ASSERT_EQUAL(test.status, cases[i].status);
    }
    stop(&fixture);
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
    struct fixture fixture;
    start(&fixture, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_call test = {0};
        begin(&fixture, &test);
        if (i == 0) {
            accept_client(&fixture);
        }
        nghttp2_submit_rst_stream(fixture.peer.session, 0, await_request(&fixture, i + 1)->id,
                                  cases[i].code);
        push(&fixture);
        finish(&test);
        CU_ASSERT_EQUAL(test.status, cases[i].status);
    }
    stop(&fixture);
}

static void test_a_status_before_the_end_is_none(void)
{
    static const char *const early[] = {
        ":status", "200", "content-type", "application/grpc", "grpc-status", "5", NULL};
    struct fixture fixture;
    struct client_call test = {0};
    start(&fixture, NULL);
    begin(&fixture, &test);
    accept_client(&fixture);
    struct h2_stream *stream = await_request(&fixture, 1);
    stream->stays_open = true;
    h2_peer_respond(&fixture.peer, stream, early, REPLY);
    push(&fixture);
    h2_peer_trailers(&fixture.peer, stream, ok_trailers);
    push(&fixture);
    finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_OK);
    stop(&fixture);
}

static void test_two_replies_to_a_unary_call_are_refused(void)
{
    static const char two[] = "\0\0\0\0\1a\0\0\0\0\1b";
    struct fixture fixture;
    struct client_call test = {0};
    start(&fixture, NULL);
    begin(&fixture, &test);
    accept_client(&fixture);
    answer(&fixture, await_request(&fixture, 1), ok_trailers, two, sizeof two - 1);
    finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_UNIMPLEMENTED);
    stop(&fixture);
}

static void test_refused_stream_is_repeated_once(void)
{
    for (int refusals = 1; refusals <= 2; refusals++) {
        struct fixture fixture;
        struct client_call test = {0};
        start(&fixture, NULL);
        begin(&fixture, &test);
        accept_client(&fixture);
        for (int i = 1; i <= refusals; i++) {
            struct h2_stream *stream = await_request(&fixture, (size_t)i);
            nghttp2_submit_rst_stream(fixture.peer.session, 0, stream->id, NGHTTP2_REFUSED_STREAM);
        }
        if (refusals == 1) {
            struct h2_stream *stream = await_request(&fixture, 2);
            CU_ASSERT_EQUAL(memcmp(stream->data, "\0\0\0\0\5hello", 10), 0);
            answer(&fixture, stream, ok_trailers, REPLY);
        }
        push(&fixture);
        finish(&test);
        CU_ASSERT_EQUAL(test.status, refusals == 1 ? ATLAS_OK : ATLAS_UNAVAILABLE);
        stop(&fixture);
    }
}

static void test_goaway_moves_unprocessed_calls_to_a_new_connection(void)
{
    struct fixture fixture;
    struct client_call first = {0};
    struct client_call second = {0};
    struct h2_peer replacement;
    start(&fixture, NULL);
    begin(&fixture, &first);
    accept_client(&fixture);
    struct h2_stream *processed = await_request(&fixture, 1);
    begin(&fixture, &second);
    await_request(&fixture, 2);
    nghttp2_submit_goaway(fixture.peer.session, 0, processed->id, NGHTTP2_NO_ERROR, NULL, 0);
    push(&fixture);

    h2_peer_accept(&replacement, fixture.listener, NULL, 0);
    size_t one = 1;
    CU_ASSERT_TRUE(h2_peer_run(&replacement, h2_peer_has_request, &one));
    replacement.streams[0].stays_open = true;
    h2_peer_respond(&replacement, &replacement.streams[0], ok_headers, REPLY);
    h2_peer_run(&replacement, at_once, NULL);
    h2_peer_trailers(&replacement, &replacement.streams[0], ok_trailers);
    h2_peer_run(&replacement, at_once, NULL);
    finish(&second);
    CU_ASSERT_EQUAL(second.status, ATLAS_OK);

    answer(&fixture, processed, ok_trailers, REPLY); /* the old connection finishes its own */
    finish(&first);
    CU_ASSERT_EQUAL(first.status, ATLAS_OK);
    h2_peer_close(&replacement);
    stop(&fixture);
}

static void test_lost_connection_is_not_repeated(void)
{
    struct fixture fixture;
    struct client_call test = {0};
    start(&fixture, NULL);
    begin(&fixture, &test);
    accept_client(&fixture);
    await_request(&fixture, 1);
    h2_peer_close(&fixture.peer);
    finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(test.message, "may have been processed"));
    stop(&fixture);
}

static void test_nobody_listens(void)
{
    struct fixture fixture;
    struct client_call first = {0};
    struct client_call unknown = {.path = "/no.Service/Method"};
    struct client_call malformed = {.path = "Echo"};
    start(&fixture, NULL);
    close(fixture.listener);
    fixture.listener = -1;
    begin(&fixture, &first);
    begin(&fixture, &unknown);
    begin(&fixture, &malformed);
    finish(&first);
    finish(&unknown);
    finish(&malformed);
    CU_ASSERT_EQUAL(first.status, ATLAS_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(first.message, "Connection refused"));
    CU_ASSERT_EQUAL(unknown.status, ATLAS_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(unknown.message, "placement"));
    CU_ASSERT_EQUAL(malformed.status, ATLAS_INVALID_ARGUMENT);
    stop(&fixture);
}

static void answer_once(struct fixture *fixture, struct client_call *test)
{
    begin(fixture, test);
    accept_client(fixture);
    answer(fixture, await_request(fixture, 1), ok_trailers, REPLY);
    finish(test);
    CU_ASSERT_EQUAL(test->status, ATLAS_OK);
}

static void test_all_addresses_of_a_name_are_tried(void)
{
    struct fixture fixture;
    struct client_call test = {.timeout_ms = 5000};
    start(&fixture, NULL);
    names_set("two.test", "::1,127.0.0.1"); /* the server listens on the second */
    fixture.address.host = "two.test";
    answer_once(&fixture, &test);
    stop(&fixture);
}

/* Accepts connections and says nothing. */
static int listen_silently(const char *numeric, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET, numeric, &address.sin_addr), 1);
    CU_ASSERT_EQUAL_FATAL(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    CU_ASSERT_EQUAL_FATAL(listen(fd, 8), 0);
    return fd;
}

static void test_an_address_that_is_silent_leaves_time_for_the_next(void)
{
    struct fixture fixture;
    struct client_call test = {.timeout_ms = 5000};
    struct grpc_limits limits = LIMITS_WIDE;
    limits.connect_timeout_ms = 400;
    start(&fixture, &limits);
    int silent = listen_silently("127.0.0.2", fixture.address.port);
    names_set("silent.test", "127.0.0.2,127.0.0.1");
    fixture.address.host = "silent.test";
    answer_once(&fixture, &test);
    CU_ASSERT_EQUAL(names_lookups("silent.test"), 1);
    close(silent);
    stop(&fixture);
}

static void test_a_name_that_moves_is_followed(void)
{
    struct fixture fixture;
    struct client_call tests[2] = {{.timeout_ms = 5000}, {.timeout_ms = 5000}};
    start(&fixture, NULL);
    names_set("moving.test", "127.0.0.1");
    fixture.address.host = "moving.test";
    answer_once(&fixture, &tests[0]);
    int former = fixture.listener;
    fixture.listener = listen_silently("127.0.0.2", fixture.address.port);
    names_set("moving.test", "127.0.0.2");
    close(former);
    h2_peer_close(&fixture.peer);
    answer_once(&fixture, &tests[1]);
    CU_ASSERT_TRUE(names_lookups("moving.test") >= 2);
    stop(&fixture);
}

/* Other calls of the loop go on while a name server is silent; those that wait for it end. */
static void test_a_silent_name_server_ends_the_attempt(void)
{
    struct fixture fixture;
    struct client_call test = {.timeout_ms = 5000};
    struct grpc_limits limits = LIMITS_WIDE;
    limits.connect_timeout_ms = 100;
    start(&fixture, &limits);
    names_set("held.test", "127.0.0.1");
    names_hold("held.test", true);
    fixture.address.host = "held.test";
    begin(&fixture, &test);
    finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(test.message, "not looked up in time"));
    names_hold("held.test", false);
    stop(&fixture);
}

static void test_a_name_without_addresses_is_told(void)
{
    struct fixture fixture;
    struct client_call test = {.timeout_ms = 5000};
    start(&fixture, NULL);
    names_set("none.test", "");
    fixture.address.host = "none.test";
    begin(&fixture, &test);
    finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(test.message, "none.test: "));
    stop(&fixture);
}

static void test_refresh_moves_to_the_new_address_and_back(void)
{
    struct fixture fixture;
    struct client_call tests[3] = {
        {.timeout_ms = 5000}, {.timeout_ms = 5000}, {.timeout_ms = 5000}};
    start(&fixture, NULL);
    struct config_address first = fixture.address;
    int first_listener = fixture.listener;
    answer_once(&fixture, &tests[0]);
    fixture.listener = h2_peer_listen(&fixture.address.port);
    grpc_client_refresh(fixture.client);
    h2_peer_close(&fixture.peer); /* the former server goes, and is not looked for again */
    answer_once(&fixture, &tests[1]);
    h2_peer_close(&fixture.peer);
    close(fixture.listener);
    fixture.address = first;
    fixture.listener = first_listener;
    grpc_client_refresh(fixture.client);
    answer_once(&fixture, &tests[2]);
    stop(&fixture);
}

static void test_deadline_resets_the_stream(void)
{
    struct fixture fixture;
    struct client_call test = {.options = {.timeout_ms = 100}};
    start(&fixture, NULL);
    begin(&fixture, &test);
    accept_client(&fixture);
    struct h2_stream *stream = await_request(&fixture, 1);
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_stream_closed, stream));
    CU_ASSERT_EQUAL(stream->error_code, NGHTTP2_CANCEL);
    finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_DEADLINE_EXCEEDED);
    stop(&fixture);
}

static void test_calls_queue_behind_the_servers_limit(void)
{
    static const nghttp2_settings_entry one[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1}};
    struct fixture fixture;
    struct client_call tests[5] = {0};
    start(&fixture, NULL);
    for (size_t i = 0; i < 5; i++) {
        begin(&fixture, &tests[i]);
    }
    h2_peer_accept(&fixture.peer, fixture.listener, one, 1);
    for (size_t i = 0; i < 5; i++) {
        struct h2_stream *stream = await_request(&fixture, i + 1);
        CU_ASSERT_EQUAL(fixture.peer.stream_count, i + 1);
        answer(&fixture, stream, ok_trailers, REPLY);
        CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_stream_closed, stream));
    }
    for (size_t i = 0; i < 5; i++) {
        finish(&tests[i]);
        CU_ASSERT_EQUAL(tests[i].status, ATLAS_OK);
    }
    stop(&fixture);
}

static void test_the_queue_is_bounded(void)
{
    struct fixture fixture;
    struct grpc_limits limits = LIMITS_WIDE;
    struct client_call tests[4] = {
        {.timeout_ms = 300}, {.timeout_ms = 300}, {.timeout_ms = 300}, {.timeout_ms = 300}};
    limits.pending_calls = 3; /* nobody accepts, so they wait for SETTINGS */
    start(&fixture, &limits);
    for (size_t i = 0; i < 4; i++) {
        begin(&fixture, &tests[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        finish(&tests[i]);
        CU_ASSERT_EQUAL(tests[i].status,
                        i < 3 ? ATLAS_DEADLINE_EXCEEDED : ATLAS_RESOURCE_EXHAUSTED);
    }
    stop(&fixture);
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
        keep_reply(test, reply);
    }
    transport->close(stream, call);
    return status == ATLAS_END_OF_STREAM ? ATLAS_OK : status;
}

static void test_stream_sends_and_receives(void)
{
    static const char two[] = "\0\0\0\0\1a\0\0\0\0\2bc";
    static const char *const failed[] = {"grpc-status", "10", "grpc-message", "again", NULL};
    for (int fails = 0; fails <= 1; fails++) {
        struct fixture fixture;
        struct client_call test = {.run = run_stream};
        start(&fixture, NULL);
        begin(&fixture, &test);
        accept_client(&fixture);
        struct h2_stream *stream = await_request(&fixture, 1);
        CU_ASSERT_EQUAL(stream->data_len, 30);
        answer(&fixture, stream, fails ? failed : ok_trailers, two, sizeof two - 1);
        finish(&test);
        CU_ASSERT_EQUAL(test.status, fails ? ATLAS_ABORTED : ATLAS_OK);
        CU_ASSERT_EQUAL(test.reply_len, 2);
        CU_ASSERT_EQUAL(memcmp(test.reply, "bc", 2), 0);
        stop(&fixture);
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
    struct fixture fixture;
    struct client_call test = {.run = run_abandoned_stream};
    start(&fixture, NULL);
    begin(&fixture, &test);
    accept_client(&fixture);
    CU_ASSERT_TRUE_FATAL(h2_peer_run(&fixture.peer, has_stream, NULL));
    struct h2_stream *stream = &fixture.peer.streams[0];
    stream->stays_open = true;
    h2_peer_respond(&fixture.peer, stream, ok_headers, REPLY);
    CU_ASSERT_TRUE(h2_peer_run(&fixture.peer, h2_peer_stream_closed, stream));
    CU_ASSERT_EQUAL(stream->error_code, NGHTTP2_CANCEL);
    finish(&test);
    CU_ASSERT_EQUAL(test.status, ATLAS_OK);
    stop(&fixture);
}

static const struct unit_test tests[] = {
    UNIT_TEST(test_unary_sends_a_whole_grpc_request),
    UNIT_TEST(test_status_and_message_are_passed_on),
    UNIT_TEST(test_answers_without_a_status_are_mapped),
    UNIT_TEST(test_resets_are_mapped),
    UNIT_TEST(test_a_status_before_the_end_is_none),
    UNIT_TEST(test_two_replies_to_a_unary_call_are_refused),
    UNIT_TEST(test_refused_stream_is_repeated_once),
    UNIT_TEST(test_goaway_moves_unprocessed_calls_to_a_new_connection),
    UNIT_TEST(test_lost_connection_is_not_repeated),
    UNIT_TEST(test_nobody_listens),
    UNIT_TEST(test_all_addresses_of_a_name_are_tried),
    UNIT_TEST(test_an_address_that_is_silent_leaves_time_for_the_next),
    UNIT_TEST(test_a_name_that_moves_is_followed),
    UNIT_TEST(test_a_silent_name_server_ends_the_attempt),
    UNIT_TEST(test_a_name_without_addresses_is_told),
    UNIT_TEST(test_refresh_moves_to_the_new_address_and_back),
    UNIT_TEST(test_deadline_resets_the_stream),
    UNIT_TEST(test_calls_queue_behind_the_servers_limit),
    UNIT_TEST(test_the_queue_is_bounded),
    UNIT_TEST(test_stream_sends_and_receives),
    UNIT_TEST(test_closing_a_stream_early_resets_it),
};

int main(void)
{
    test_host_start(&host);
    int code = unit_run("grpc_client", tests, sizeof tests / sizeof tests[0]);
    test_host_stop(&host);
    return code;
}
