/* A plugin of every kind of method: what tests and benchmarks of the host load. */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "echo.atlas.h"

ATLAS_PLUGIN_MANIFEST(
    "echo", "0.1.0",
    "optional atlas.client/1\n" ATLAS_TEST_V1_ECHO_SERVICE ATLAS_TEST_V1_ECHO_CALLS
    "config greeting string default=\n"
    "config text_limit bytes default=1MiB min=1B max=64MiB\n"
    "config create_delay duration default=0s\n"
    "config join_delay duration default=0s\n");

struct echo {
    size_t text_limit;     /* what EchoJoin collects at most, bytes */
    int64_t join_delay_ms; /* before it looks at what comes */
    char *greeting;
};

atlas_status_t echo_echo(struct atlas_call *call, const Atlas__Test__V1__EchoRequest *req,
                         Atlas__Test__V1__EchoResponse *ret_res)
{
    const struct echo *echo = call->instance;

    ret_res->text = req->text;
    if (echo->greeting[0] != '\0') {
        ret_res->text = atlas_printf(call, "%s%s", echo->greeting, req->text);
    }
    return ret_res->text != NULL ? ATLAS_OK : atlas_no_memory(call);
}

atlas_status_t echo_relay(struct atlas_call *call, const Atlas__Test__V1__EchoRequest *req,
                          Atlas__Test__V1__EchoResponse *ret_res)
{
    Atlas__Test__V1__EchoResponse *res;

    atlas_status_t status = atlas_test_v1_echo_echo(call, req, &res);
    if (status != ATLAS_OK) {
        return status;
    }
    ret_res->text = res->text;
    return ATLAS_OK;
}

/* Metadata as a text that ends. */
static char *text_of(struct atlas_call *call, struct atlas_bytes bytes)
{
    return atlas_printf(call, "%.*s", (int)bytes.len, (const char *)bytes.data);
}

atlas_status_t echo_caller(struct atlas_call *call, const Atlas__Test__V1__CallerRequest *req,
                           Atlas__Test__V1__CallerResponse *ret_res)
{
    (void)req;
    ret_res->identity = text_of(call, atlas_identity(call));
    ret_res->traceparent = text_of(call, atlas_traceparent(call));
    return ret_res->identity != NULL && ret_res->traceparent != NULL ? ATLAS_OK
                                                                     : atlas_no_memory(call);
}

atlas_status_t echo_relay_caller(struct atlas_call *call, const Atlas__Test__V1__CallerRequest *req,
                                 Atlas__Test__V1__CallerResponse *ret_res)
{
    Atlas__Test__V1__CallerResponse *res;

    atlas_status_t status = atlas_test_v1_echo_caller(call, req, &res);
    if (status != ATLAS_OK) {
        return status;
    }
    ret_res->identity = res->identity;
    ret_res->traceparent = res->traceparent;
    return ATLAS_OK;
}

atlas_status_t echo_post_location(struct atlas_call *call,
                                  const Atlas__Test__V1__PostLocationRequest *req,
                                  Atlas__Test__V1__PostLocationResponse *ret_res)
{
    if (!ATLAS_HAS_FIELD(req, latitude) || !(fabs(req->latitude) <= 90.0)) {
        return atlas_fail(call, ATLAS_INVALID_ARGUMENT, "latitude: must be from -90 to 90");
    }
    if (!ATLAS_HAS_FIELD(req, longitude) || !(fabs(req->longitude) <= 180.0)) {
        return atlas_fail(call, ATLAS_INVALID_ARGUMENT, "longitude: must be from -180 to 180");
    }
    ret_res->accepted = true;
    return ATLAS_OK;
}

atlas_status_t echo_echo_many(struct atlas_call *call, const Atlas__Test__V1__EchoManyRequest *req)
{
    Atlas__Test__V1__EchoResponse res = ATLAS__TEST__V1__ECHO_RESPONSE__INIT;
    atlas_status_t status = ATLAS_OK;

    res.text = req->text;
    for (int32_t i = 0; i < req->count && status == ATLAS_OK; i++) {
        status = echo_echo_many_send(call, &res);
    }
    return status;
}

/* Puts text behind joined, which grows by doubling. */
static atlas_status_t append(struct atlas_call *call, struct atlas_bytes *joined, size_t *capacity,
                             const char *text)
{
    const struct echo *echo = call->instance;
    size_t len = strlen(text);
    size_t needed = joined->len + len + 1;
    char *data = (char *)(uintptr_t)joined->data;

    if (needed > echo->text_limit) {
        return atlas_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                          "text: together over %zu bytes, text_limit", echo->text_limit);
    }
    if (needed > *capacity) {
        *capacity = needed * 2;
        data = atlas_alloc(call, *capacity);
        if (data == NULL) {
            return atlas_no_memory(call);
        }
        memcpy(data, joined->data, joined->len);
    }
    memcpy(data + joined->len, text, len + 1);
    *joined = atlas_bytes_of(data, joined->len + len);
    return ATLAS_OK;
}

atlas_status_t echo_echo_join(struct atlas_call *call, Atlas__Test__V1__EchoResponse *ret_res)
{
    struct atlas_bytes joined = atlas_str("");
    size_t capacity = 0;
    const struct echo *echo = call->instance;
    Atlas__Test__V1__EchoRequest *req;

    atlas_status_t status =
        echo->join_delay_ms > 0 ? atlas_sleep_ms(call, echo->join_delay_ms) : ATLAS_OK;
    if (status != ATLAS_OK) {
        return status;
    }
    while ((status = echo_echo_join_recv(call, &req)) == ATLAS_OK) {
        status = append(call, &joined, &capacity, req->text);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    if (status != ATLAS_END_OF_STREAM) {
        return status;
    }
    ret_res->text = (char *)(uintptr_t)joined.data;
    return ATLAS_OK;
}

atlas_status_t echo_echo_chat(struct atlas_call *call)
{
    Atlas__Test__V1__EchoResponse res = ATLAS__TEST__V1__ECHO_RESPONSE__INIT;
    Atlas__Test__V1__EchoRequest *req;
    atlas_status_t status;

    while ((status = echo_echo_chat_recv(call, &req)) == ATLAS_OK) {
        res.text = req->text;
        status = echo_echo_chat_send(call, &res);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    return status == ATLAS_END_OF_STREAM ? ATLAS_OK : status;
}

/* Binary metadata is answered as such. */
static atlas_status_t echo_value(struct atlas_call *call, bool trailing, const char *name,
                                 struct atlas_bytes value, bool is_binary)
{
    const char *full_name = atlas_printf(call, "%s%s", name, is_binary ? "-bin" : "");

    return full_name != NULL ? atlas_set_metadata(call, trailing, full_name, value)
                             : atlas_no_memory(call);
}

atlas_status_t echo_echo_metadata(struct atlas_call *call, const Atlas__Test__V1__EchoRequest *req)
{
    Atlas__Test__V1__EchoResponse res = ATLAS__TEST__V1__ECHO_RESPONSE__INIT;
    struct atlas_bytes identity = atlas_identity(call);
    struct atlas_bytes value = {0};

    if (!atlas_metadata_find(call, req->text, &value)) {
        return atlas_fail(call, ATLAS_NOT_FOUND, "metadata %s did not come", req->text);
    }
    res.text = atlas_printf(call, "%.*s", ATLAS_BYTES_ARG(identity));
    if (res.text == NULL) {
        return atlas_no_memory(call);
    }
    size_t len = strlen(req->text);
    bool is_binary = len > 4 && strcmp(req->text + len - 4, "-bin") == 0;
    atlas_status_t status = echo_value(call, false, "echo-leading", value, is_binary);
    if (status == ATLAS_OK) {
        status = echo_echo_metadata_send(call, &res);
    }
    if (status == ATLAS_OK) {
        status = echo_value(call, false, "echo-late", value, is_binary);
    }
    return status == ATLAS_OK ? echo_value(call, true, "echo-trailing", value, is_binary) : status;
}

atlas_status_t echo_sleep(struct atlas_call *call, const Atlas__Test__V1__SleepRequest *req,
                          Atlas__Test__V1__SleepResponse *ret_res)
{
    (void)ret_res;
    return atlas_sleep_ms(call, req->ms);
}

static void sleep_on_thread(void *arg)
{
    const int64_t *ms = arg;

    nanosleep(&(struct timespec){*ms / 1000, *ms % 1000 * 1000000}, NULL);
}

atlas_status_t echo_hold(struct atlas_call *call, const Atlas__Test__V1__SleepRequest *req,
                         Atlas__Test__V1__SleepResponse *ret_res)
{
    int64_t ms = req->ms;

    (void)ret_res;
    return atlas_offload(call, sleep_on_thread, &ms);
}

atlas_status_t echo_spin(struct atlas_call *call, const Atlas__Test__V1__SleepRequest *req,
                         Atlas__Test__V1__SleepResponse *ret_res)
{
    int64_t end_ns = atlas_monotonic_ns(call) + req->ms * 1000000;

    (void)ret_res;
    while (atlas_monotonic_ns(call) < end_ns) {
        /* on purpose */
    }
    return ATLAS_OK;
}

/* Frames that no compiler may merge; depth is never reached. */
__attribute__((noinline)) static int narrow_frame(volatile int *depth)
{
    volatile int deeper = *depth + 1;

    return deeper < 0 ? deeper : narrow_frame(&deeper) + *depth;
}

__attribute__((noinline)) static int wide_frame(volatile int *depth)
{
    volatile char frame[200 * 1024];
    volatile int deeper = *depth + 1;

    frame[0] = (char)deeper;
    return deeper < 0 ? frame[0] : wide_frame(&deeper) + frame[0];
}

atlas_status_t echo_overflow(struct atlas_call *call, const Atlas__Test__V1__OverflowRequest *req,
                             Atlas__Test__V1__SleepResponse *ret_res)
{
    volatile int depth = 0;

    (void)ret_res;
    return atlas_fail(call, ATLAS_INTERNAL, "came back from frame %d",
                      req->is_wide ? wide_frame(&depth) : narrow_frame(&depth));
}

atlas_status_t echo_fail(struct atlas_call *call, const Atlas__Test__V1__FailRequest *req,
                         Atlas__Test__V1__FailResponse *ret_res)
{
    (void)ret_res;
    if (req->status == ATLAS_OK) {
        return ATLAS_OK;
    }
    return atlas_fail(call, req->status, "%s", req->message);
}

static atlas_status_t create(struct atlas_call *call, const struct atlas_config *config,
                             void **ret_instance)
{
    struct echo *echo = calloc(1, sizeof *echo);
    char *greeting = strdup(config->string(config, "greeting"));

    if (echo == NULL || greeting == NULL) {
        free(echo);
        free(greeting);
        return atlas_no_memory(call);
    }
    atlas_status_t status = atlas_sleep_ms(call, config->duration_ms(config, "create_delay"));
    if (status != ATLAS_OK) {
        free(echo);
        free(greeting);
        return status;
    }
    echo->greeting = greeting;
    echo->text_limit = (size_t)config->bytes(config, "text_limit");
    echo->join_delay_ms = config->duration_ms(config, "join_delay");
    *ret_instance = echo;
    return ATLAS_OK;
}

static void destroy(struct atlas_call *call, void *instance)
{
    struct echo *echo = instance;

    (void)call;
    if (echo != NULL) {
        free(echo->greeting);
        free(echo);
    }
}

static const struct atlas_service *const services[] = {&echo_service};

static const struct atlas_plugin plugin = {
    .size = sizeof plugin,
    .services = services,
    .service_count = ATLAS_COUNT(services),
    .create = create,
    .destroy = destroy,
};
ATLAS_PLUGIN_DEFINE(plugin);
