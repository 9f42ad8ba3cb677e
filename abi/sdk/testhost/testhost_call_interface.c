#include "testhost_call_interface.h"

#include "testhost_call.h"
#include "testhost_misuse.h"

static void *alloc(struct atlas_call *call, size_t size)
{
    if (call_step_fails(call)) {
        atlas_set_message(call, "alloc: fault of the test host");
        return NULL;
    }
    return arena_alloc(call_arena(call), size);
}

static void set_message(struct atlas_call *call, struct atlas_bytes message)
{
    struct test_call *self = test_call_of(call);
    size_t len = message.len < sizeof self->message - 1 ? message.len : sizeof self->message - 1;

    if (len > 0) {
        memmove(self->message, message.data, len);
    }
    self->message[len] = '\0';
}

static struct atlas_bytes message(struct atlas_call *call)
{
    return atlas_str(test_call_of(call)->message);
}

/* What a streaming handler keeps of a message beyond its time is an error that sanitizers see. */
static void *message_alloc(struct atlas_call *call, size_t size)
{
    struct test_call *self = test_call_of(call);

    if (!call_streams_in(self)) {
        return alloc(call, size);
    }
    return call_step_fails(call) ? NULL : arena_alloc(&self->messages, size);
}

static atlas_status_t recv(struct atlas_call *call, struct atlas_bytes *ret_message)
{
    struct test_call *self = test_call_of(call);

    atlas_status_t status = call_wait(call, "recv");
    if (status != ATLAS_OK) {
        return status;
    }
    arena_free(&self->messages);
    if (self->stream != NULL) {
        return self->side->take(self, ret_message);
    }
    if (self->next_request >= self->request_count) {
        return ATLAS_END_OF_STREAM;
    }
    *ret_message = call_receive(self, self->requests[self->next_request++]);
    return ATLAS_OK;
}

static atlas_status_t send(struct atlas_call *call, struct atlas_bytes bytes)
{
    struct test_call *self = test_call_of(call);
    struct atlas_bytes *grown;

    atlas_status_t status = call_wait(call, "send");
    if (status != ATLAS_OK) {
        return status;
    }
    if (self->method != NULL && self->reply_count > 0 &&
        (self->method->flags & ATLAS_METHOD_SERVER_STREAMING) == 0) {
        return atlas_fail(call, ATLAS_FAILED_PRECONDITION, "send: %s sends one reply",
                          self->method->name);
    }
    grown = arena_alloc(&self->host->script, (self->reply_count + 1) * sizeof *grown);
    if (self->reply_count > 0) {
        memcpy(grown, self->replies, self->reply_count * sizeof *grown);
    }
    grown[self->reply_count++] = arena_bytes(&self->host->script, bytes);
    self->replies = grown;
    if (self->stream != NULL) {
        self->side->put(self, bytes);
    }
    return ATLAS_OK;
}

static bool metadata(struct atlas_call *call, size_t n, struct atlas_metadata *ret_entry)
{
    return metadata_get(&test_call_of(call)->metadata, n, ret_entry);
}

static atlas_status_t set_metadata(struct atlas_call *call, bool trailing,
                                   const struct atlas_metadata *entry)
{
    struct test_call *self = test_call_of(call);
    bool is_late = self->reply_count > 0;

    if (!metadata_is_valid(entry)) {
        return atlas_fail(call, ATLAS_INVALID_ARGUMENT,
                          "metadata \"%.*s\": names are [0-9a-z_.-]+ that the transport has no "
                          "field for, values printable ASCII unless the name ends in -bin",
                          ATLAS_BYTES_ARG(entry->name));
    }
    metadata_add(&self->host->script, trailing || is_late ? &self->trailing : &self->leading,
                 entry);
    return ATLAS_OK;
}

static int64_t remaining_ns(struct atlas_call *call)
{
    const struct test_call *self = test_call_of(call);

    if (self->deadline_us == 0) {
        return INT64_MAX;
    }
    return self->deadline_us > self->host->wall_us
               ? (self->deadline_us - self->host->wall_us) * 1000
               : 0;
}

static void cleanup_begin(struct atlas_call *call, int64_t budget_ms)
{
    struct test_call *self = test_call_of(call);

    if (self->is_in_cleanup) {
        testhost_misuse("cleanup sections do not nest");
    }
    self->is_in_cleanup = true;
    self->cleanup_deadline_us = self->host->wall_us + budget_ms * 1000;
}

static void cleanup_end(struct atlas_call *call)
{
    test_call_of(call)->is_in_cleanup = false;
}

static atlas_status_t sleep_for(struct atlas_call *call, int64_t duration_ns)
{
    atlas_status_t status = call_wait(call, "sleep");
    if (status != ATLAS_OK) {
        return status;
    }
    host_of(call)->wall_us += duration_ns / 1000;
    return call_check_wait(call) == ATLAS_OK
               ? ATLAS_OK
               : atlas_fail(call, ATLAS_DEADLINE_EXCEEDED, "sleep: the deadline has passed");
}

static atlas_status_t spawn(struct atlas_call *call, struct atlas_task *task)
{
    struct test_call *self = test_call_of(call);

    if (call_step_fails(call)) {
        return atlas_fail(call, ATLAS_RESOURCE_EXHAUSTED, "spawn: fault of the test host");
    }
    if (self->task_count == ATLAS_COUNT(self->tasks)) {
        testhost_misuse("a call spawned more than %zu tasks", ATLAS_COUNT(self->tasks));
    }
    self->tasks[self->task_count++] = task;
    return ATLAS_OK;
}

static atlas_status_t offload(struct atlas_call *call, void (*fn)(void *arg), void *arg)
{
    atlas_status_t status = call_wait(call, "offload");
    if (status == ATLAS_OK) {
        fn(arg);
    }
    return status;
}

static struct atlas_bytes traceparent(struct atlas_call *call)
{
    (void)call;
    return atlas_str("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
}

static struct atlas_bytes identity(struct atlas_call *call)
{
    return test_call_of(call)->identity;
}

struct atlas_call_interface const *call_interface(void)
{
    static const struct atlas_call_interface table = {
        .size = sizeof table,
        .alloc = alloc,
        .set_message = set_message,
        .message = message,
        .message_alloc = message_alloc,
        .recv = recv,
        .reply_buffer = alloc,
        .send = send,
        .metadata = metadata,
        .set_metadata = set_metadata,
        .remaining_ns = remaining_ns,
        .check = call_check,
        .cleanup_begin = cleanup_begin,
        .cleanup_end = cleanup_end,
        .sleep = sleep_for,
        .spawn = spawn,
        .join = call_join,
        .offload = offload,
        .traceparent = traceparent,
        .identity = identity,
    };
    return &table;
}
