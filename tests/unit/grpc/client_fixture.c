#include "client_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "runtime/call_run.h"

const char reply_bytes[10] = "\0\0\0\0\5reply";
const char *const ok_headers[5] = {":status", "200", "content-type", "application/grpc", NULL};
const char *const ok_trailers[3] = {"grpc-status", "0", NULL};

static struct test_host host;

static const struct config_address *find_address(void *context, const char *service)
{
    struct client_fixture *fixture = context;
    return strcmp(service, "atlas.test.v1.Echo") == 0 ? &fixture->address : NULL;
}

void client_start(struct client_fixture *fixture, const struct grpc_limits *limits)
{
    struct error error;
    *fixture = (struct client_fixture){.address = {.host = "127.0.0.1"}, .peer = {.fd = -1}};
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

void client_accept(struct client_fixture *fixture)
{
    h2_peer_accept(&fixture->peer, fixture->listener, NULL, 0);
}

void client_stop(struct client_fixture *fixture)
{
    h2_peer_close(&fixture->peer);
    grpc_client_destroy(fixture->client);
    close(fixture->listener);
}

void client_keep_reply(struct client_call *test, struct atlas_bytes reply)
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
        client_keep_reply(test, reply);
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

void client_begin(struct client_fixture *fixture, struct client_call *test)
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

void client_finish(struct client_call *test)
{
    for (int i = 0; i < 5000 && !atomic_load(&test->has_ended); i++) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    CU_ASSERT_TRUE_FATAL(atomic_load(&test->has_ended));
}

struct h2_stream *client_await_request(struct client_fixture *fixture, size_t n)
{
    CU_ASSERT_TRUE_FATAL(h2_peer_run(&fixture->peer, h2_peer_has_request, &n));
    return &fixture->peer.streams[n - 1];
}

void client_push(struct client_fixture *fixture)
{
    h2_peer_run(&fixture->peer, h2_peer_at_once, NULL);
}

void client_answer(struct client_fixture *fixture, struct h2_stream *stream,
                   const char *const *trailers, const void *body, size_t len)
{
    stream->stays_open = true;
    h2_peer_respond(&fixture->peer, stream, ok_headers, body, len);
    client_push(fixture);
    stream->stays_open = false;
    h2_peer_trailers(&fixture->peer, stream, trailers);
    client_push(fixture);
}

int client_main(const char *suite, const struct unit_test *tests, size_t count)
{
    test_host_start(&host);
    int result = unit_run(suite, tests, count);
    test_host_stop(&host);
    return result;
}
