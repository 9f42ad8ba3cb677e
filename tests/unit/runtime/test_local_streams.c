/* Streams between plugins of one process. */
#include <string.h>

#include "atlas/client.h"
#include "host.h"
#include "runtime/wait.h"
#include "support/unit.h"

static struct test_host host;

static const struct atlas_bytes echo_hi = {"\x0a\x02hi", 4}; /* EchoRequest{text: "hi"} */

static atlas_status_t stream_twice(struct call *call, void *arg)
{
    (void)arg;
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_handle stream;
    struct atlas_bytes reply;
    CU_ASSERT_EQUAL(client->open(&call->public, "/atlas.test.v1.Echo/EchoChat", NULL, &stream),
                    ATLAS_OK);
    for (int i = 0; i < 100; i++) { /* more than the queues hold */
        CU_ASSERT_EQUAL(client->send(&call->public, stream, echo_hi), ATLAS_OK);
        CU_ASSERT_EQUAL(client->recv(&call->public, stream, &reply), ATLAS_OK);
        CU_ASSERT_EQUAL(reply.len, 4);
    }
    CU_ASSERT_EQUAL(client->half_close(&call->public, stream), ATLAS_OK);
    CU_ASSERT_EQUAL(client->recv(&call->public, stream, &reply), ATLAS_END_OF_STREAM);
    client->close(&call->public, stream);
    CU_ASSERT_EQUAL(client->send(&call->public, stream, echo_hi), ATLAS_FAILED_PRECONDITION);
    return ATLAS_OK;
}

static void test_local_stream_goes_both_ways(void)
{
    test_host_run(&host, stream_twice, NULL, ATLAS_OK);
}

/* What send says of a stream that has ended is what it says of one over the wire. */
static atlas_status_t send_too_late(struct call *call, void *arg)
{
    (void)arg;
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_call *public = &call->public;
    struct atlas_handle stream;
    struct atlas_bytes reply;
    client->open(public, "/atlas.test.v1.Echo/EchoMetadata", NULL, &stream);
    CU_ASSERT_EQUAL(client->send(public, stream, echo_hi), ATLAS_OK);
    CU_ASSERT_EQUAL(client->recv(public, stream, &reply), ATLAS_NOT_FOUND);
    CU_ASSERT_EQUAL(client->send(public, stream, echo_hi), ATLAS_NOT_FOUND);
    CU_ASSERT_STRING_EQUAL(call->message, "metadata hi did not come");
    client->close(public, stream);
    client->open(public, "/atlas.test.v1.Echo/EchoMany", NULL, &stream);
    CU_ASSERT_EQUAL(client->send(public, stream, echo_hi), ATLAS_OK);
    CU_ASSERT_EQUAL(client->recv(public, stream, &reply), ATLAS_END_OF_STREAM);
    CU_ASSERT_EQUAL(client->send(public, stream, echo_hi), ATLAS_FAILED_PRECONDITION);
    client->close(public, stream);
    client->open(public, "/atlas.test.v1.Echo/EchoChat", NULL, &stream);
    CU_ASSERT_EQUAL(client->half_close(public, stream), ATLAS_OK);
    CU_ASSERT_EQUAL(client->send(public, stream, echo_hi), ATLAS_FAILED_PRECONDITION);
    client->close(public, stream);
    return ATLAS_OK;
}

static void test_send_on_an_ended_stream_says_how_it_ended(void)
{
    test_host_run(&host, send_too_late, NULL, ATLAS_OK);
}

/* Its handler would run at once, with a request that is empty. */
static atlas_status_t open_unary(struct call *call, void *arg)
{
    (void)arg;
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_handle stream;
    return client->open(&call->public, "/atlas.test.v1.Echo/Echo", NULL, &stream);
}

static void test_a_stream_to_a_unary_method_is_refused(void)
{
    test_host_run(&host, open_unary, NULL, ATLAS_UNIMPLEMENTED);
}

/* 100,000 messages of 4 bytes make more than the 1 MiB arena of this host holds. */
static atlas_status_t stream_long(struct call *call, void *arg)
{
    (void)arg;
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_handle stream;
    struct atlas_bytes reply;
    atlas_status_t status =
        client->open(&call->public, "/atlas.test.v1.Echo/EchoChat", NULL, &stream);
    for (int i = 0; status == ATLAS_OK && i < 100000; i++) {
        status = client->send(&call->public, stream, echo_hi);
        if (status == ATLAS_OK) {
            status = client->recv(&call->public, stream, &reply);
        }
        if (status == ATLAS_OK) {
            CU_ASSERT_PTR_NOT_NULL_FATAL(client->message_alloc(&call->public, stream, 64));
        }
    }
    return status;
}

/* EchoRequest{text} of 130 to 3000 bytes, each a byte longer than the one before. */
static atlas_status_t stream_growing(struct call *call, void *arg)
{
    static char message[3003] = {0x0a};
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_handle stream;
    struct atlas_bytes reply;
    (void)arg;
    memset(message + 3, 'x', sizeof message - 3);
    atlas_status_t status =
        client->open(&call->public, "/atlas.test.v1.Echo/EchoChat", NULL, &stream);
    for (size_t len = 130; status == ATLAS_OK && len <= 3000; len++) {
        message[1] = (char)(0x80 | (len & 0x7f));
        message[2] = (char)(len >> 7);
        status = client->send(&call->public, stream, (struct atlas_bytes){message, len + 3});
        if (status == ATLAS_OK) {
            status = client->recv(&call->public, stream, &reply);
            CU_ASSERT(status != ATLAS_OK || reply.len == len + 3);
        }
    }
    return status;
}

static void test_messages_that_grow_do_not_use_up_the_arena(void)
{
    test_host_run(&host, stream_growing, NULL, ATLAS_OK);
}

static void test_stream_may_be_longer_than_the_arena(void)
{
    test_host_run(&host, stream_long, NULL, ATLAS_OK);
}

static atlas_status_t abandon_stream(struct call *call, void *arg)
{
    (void)arg;
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_handle stream;
    struct atlas_bytes reply;
    client->open(&call->public, "/atlas.test.v1.Echo/EchoChat", NULL, &stream);
    client->send(&call->public, stream, echo_hi);
    client->recv(&call->public, stream, &reply);
    return ATLAS_OK; /* with the stream open: it ends with the call */
}

static void test_stream_ends_with_its_call(void)
{
    test_host_run(&host, abandon_stream, NULL, ATLAS_OK);
    CU_ASSERT_PTR_NULL(runtime_worker(host.runtime, 0)->calls);
}

static atlas_status_t use_foreign_stream(struct atlas_call *call, void *arg)
{
    const struct atlas_handle *stream = arg;
    return call->interfaces->client->send(call, *stream, echo_hi);
}

static atlas_status_t lend_stream(struct call *call, void *arg)
{
    (void)arg;
    const struct atlas_client_interface *client = call->public.interfaces->client;
    struct atlas_handle stream;
    client->open(&call->public, "/atlas.test.v1.Echo/EchoChat", NULL, &stream);
    struct atlas_task task = {.run = use_foreign_stream, .arg = &stream};
    call->public.interfaces->call->spawn(&call->public, &task);
    return call->public.interfaces->call->join(&call->public);
}

static void test_stream_belongs_to_the_call_that_opened_it(void)
{
    test_host_run(&host, lend_stream, NULL, ATLAS_FAILED_PRECONDITION);
}

static void test_host_starts(void)
{
    test_host_start(&host);
}

static void test_host_ends_clean(void)
{
    test_host_stop(&host);
}

UNIT_MAIN("local streams", UNIT_TEST(test_host_starts), UNIT_TEST(test_local_stream_goes_both_ways),
          UNIT_TEST(test_stream_ends_with_its_call),
          UNIT_TEST(test_send_on_an_ended_stream_says_how_it_ended),
          UNIT_TEST(test_a_stream_to_a_unary_method_is_refused),
          UNIT_TEST(test_stream_may_be_longer_than_the_arena),
          UNIT_TEST(test_messages_that_grow_do_not_use_up_the_arena),
          UNIT_TEST(test_stream_belongs_to_the_call_that_opened_it),
          UNIT_TEST(test_host_ends_clean))
