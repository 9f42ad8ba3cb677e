/* Calls of the test host: memory, messages, time, tasks that run at their join, steps that may
 * fail. */
#include "testhost_private.h"

#include <stdlib.h>

void call_init(struct testhost *host, struct test_call *call)
{
    memset(call, 0, sizeof *call);
    call->base.interfaces = &host->interfaces;
    call->base.instance = host->instance;
    call->base.loop_state = host->loop_state;
    call->host = host;
    call->identity = atlas_str("");
    if (host->timeout_ms > 0) {
        call->deadline_us = host->wall_us + host->timeout_ms * 1000;
    }
}

void call_finish(struct test_call *call, atlas_status_t status)
{
    if (status != ATLAS_OK) {
        snprintf(call->host->message, sizeof call->host->message, "%s", call->message);
    }
    client_close_streams(call->host, call);
    if (call->parent == NULL) {
        arena_free(&call->arena);
    }
    arena_free(&call->messages);
}

static atlas_status_t join(struct atlas_call *call);

atlas_status_t call_run(struct test_call *call, const struct atlas_method *method)
{
    call->method = method;
    atlas_status_t status = method->handle(&call->base);
    if (call->task_count > 0) {
        join(&call->base);
    }
    call->host->leading = call->leading;
    call->host->trailing = call->trailing;
    return status;
}

/* What ends the caller ends the callee, except in a cleanup section, which has a time of its own.
 */
static void inherit_end(struct test_call *callee, struct test_call *caller)
{
    if (caller->is_in_cleanup) {
        callee->deadline_us = caller->cleanup_deadline_us;
    } else {
        callee->caller = caller;
        callee->deadline_us = caller->deadline_us;
    }
}

static void add_options(struct test_call *callee, const struct atlas_call_options *options)
{
    struct testhost *host = callee->host;

    if (ATLAS_HAS(options, timeout_ms) && options->timeout_ms > 0) {
        int64_t deadline_us = host->wall_us + options->timeout_ms * 1000;

        if (callee->deadline_us == 0 || deadline_us < callee->deadline_us) {
            callee->deadline_us = deadline_us;
        }
    }
    for (size_t i = 0; ATLAS_HAS(options, metadata_count) && i < options->metadata_count; i++) {
        metadata_add(&host->script, &callee->metadata, &options->metadata[i]);
    }
}

void call_inherit(struct test_call *callee, struct test_call *caller,
                  const struct atlas_call_options *options)
{
    struct testhost *host = callee->host;

    if (caller->is_caller) {
        callee->identity = host->identity;
        metadata_add_all(&host->script, &callee->metadata, &host->metadata);
    } else {
        callee->identity = caller->identity;
        inherit_end(callee, caller);
    }
    add_options(callee, options);
}

bool call_step_fails(struct atlas_call *call)
{
    struct testhost *host = host_of(call);

    return !test_call_of(call)->is_caller && ++host->step == host->fail_step;
}

static bool has_passed(const struct test_call *call, int64_t deadline_us)
{
    return deadline_us != 0 && call->host->wall_us >= deadline_us;
}

static atlas_status_t check(struct atlas_call *call)
{
    const struct test_call *self = test_call_of(call);

    for (const struct test_call *one = self; one != NULL; one = one->caller) {
        if (one->is_cancelled) {
            return ATLAS_CANCELLED;
        }
    }
    return has_passed(self, self->deadline_us) ? ATLAS_DEADLINE_EXCEEDED : ATLAS_OK;
}

/* What ends a wait: the call's end, or that of its cleanup section. */
static atlas_status_t check_wait(struct atlas_call *call)
{
    const struct test_call *self = test_call_of(call);

    if (self->is_in_cleanup) {
        return has_passed(self, self->cleanup_deadline_us) ? ATLAS_DEADLINE_EXCEEDED : ATLAS_OK;
    }
    return check(call);
}

/* At the wait that the test chose the caller of it all leaves. */
static void count_wait(struct test_call *call)
{
    if (call->host->waits_left > 0 && --call->host->waits_left == 0) {
        while (call->caller != NULL) {
            call = call->caller;
        }
        call->is_cancelled = true;
    }
}

atlas_status_t call_wait(struct atlas_call *call, const char *what)
{
    atlas_status_t status;

    if (test_call_of(call)->is_caller) {
        return ATLAS_OK;
    }
    count_wait(test_call_of(call));
    status = check_wait(call);
    if (status != ATLAS_OK) {
        return atlas_fail(call, status, "%s: %s", what,
                          status == ATLAS_CANCELLED ? "the call was cancelled"
                                                    : "the deadline has passed");
    }
    return call_step_fails(call)
               ? atlas_fail(call, ATLAS_UNAVAILABLE, "%s: fault of the test host", what)
               : ATLAS_OK;
}

static void *alloc(struct atlas_call *call, size_t size)
{
    return call_step_fails(call) ? NULL : arena_alloc(call_arena(call), size);
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

static bool streams_in(const struct test_call *call)
{
    return call->method != NULL && (call->method->flags & ATLAS_METHOD_CLIENT_STREAMING) != 0;
}

/* What a streaming handler keeps of a message beyond its time is an error that sanitizers see. */
static void *message_alloc(struct atlas_call *call, size_t size)
{
    struct test_call *self = test_call_of(call);

    if (!streams_in(self)) {
        return alloc(call, size);
    }
    return call_step_fails(call) ? NULL : arena_alloc(&self->messages, size);
}

struct atlas_bytes call_receive(struct test_call *call, struct atlas_bytes message)
{
    return arena_bytes(streams_in(call) ? &call->messages : &call->arena, message);
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
        return local_stream_take(self, ret_message);
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
        local_stream_put(self, bytes);
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
                          "metadata \"%.*s\": names are [0-9a-z_.-]+ without the prefix grpc-, "
                          "values printable ASCII unless the name ends in -bin",
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
    return check_wait(call) == ATLAS_OK
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

static void run_task(struct test_call *parent, struct atlas_task *task)
{
    struct test_call call;

    call_init(parent->host, &call);
    call.parent = parent;
    call.identity = parent->identity;
    inherit_end(&call, parent);
    task->status = task->run(&call.base, task->arg);
    if (task->status != ATLAS_OK) {
        snprintf(task->message, sizeof task->message, "%.*s", (int)sizeof task->message - 1,
                 call.message);
    }
}

static atlas_status_t join(struct atlas_call *call)
{
    struct test_call *self = test_call_of(call);
    atlas_status_t status = ATLAS_OK;

    for (size_t i = 0; i < self->task_count; i++) {
        run_task(self, self->tasks[i]);
        if (status == ATLAS_OK && self->tasks[i]->status != ATLAS_OK) {
            status = self->tasks[i]->status;
            set_message(call, atlas_str(self->tasks[i]->message));
        }
    }
    self->task_count = 0;
    return status;
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

static void log_write(struct atlas_call *call, enum atlas_log_level level, struct atlas_bytes text)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    journal_add(host_of(call), "log %s ", names[level]);
    journal_add_bytes(host_of(call), text);
    journal_add(host_of(call), "\n");
}

static int64_t wall_us(struct atlas_call *call)
{
    return host_of(call)->wall_us;
}

static int64_t monotonic_ns(struct atlas_call *call)
{
    return (host_of(call)->wall_us - host_of(call)->start_us) * 1000;
}

/* splitmix64 */
static void random_bytes(struct atlas_call *call, void *buffer, size_t len)
{
    uint64_t *state = &host_of(call)->random_state;
    unsigned char *bytes = buffer;

    for (size_t i = 0; i < len; i++) {
        uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        bytes[i] = (unsigned char)((z ^ (z >> 31)) & 0xff);
    }
}

static void metric_add(struct atlas_call *call, uint32_t metric, int64_t value)
{
    if (metric >= host_of(call)->table.metric_count) {
        testhost_misuse("the plugin added to metric %u, which it did not declare", metric);
    }
    host_of(call)->metrics[metric] += value;
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
        .check = check,
        .cleanup_begin = cleanup_begin,
        .cleanup_end = cleanup_end,
        .sleep = sleep_for,
        .spawn = spawn,
        .join = join,
        .offload = offload,
        .traceparent = traceparent,
        .identity = identity,
    };
    return &table;
}

struct atlas_log_interface const *log_interface(void)
{
    static const struct atlas_log_interface table = {sizeof table, log_write};

    return &table;
}

struct atlas_clock_interface const *clock_interface(void)
{
    static const struct atlas_clock_interface table = {sizeof table, wall_us, monotonic_ns,
                                                       random_bytes};

    return &table;
}

struct atlas_metrics_interface const *metrics_interface(void)
{
    static const struct atlas_metrics_interface table = {sizeof table, metric_add};

    return &table;
}
