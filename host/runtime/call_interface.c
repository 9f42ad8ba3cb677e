/* "atlas.call/1", "atlas.log/1" and "atlas.clock/1": thin functions between the ABI and the call.
 */
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "runtime/call.h"
#include "runtime/generation.h"
#include "runtime/offload.h"
#include "runtime/router.h"
#include "runtime/task.h"
#include "runtime/trace.h"
#include "runtime/wait.h"

static void *alloc_from(struct call *call, struct arena *arena, size_t size)
{
    void *memory = arena_alloc(arena, size);
    if (memory == NULL) {
        call_no_memory(call);
    }
    return memory;
}

static void *alloc(struct atlas_call *public, size_t size)
{
    struct call *call = call_of(public);
    return alloc_from(call, &call->arena, size);
}

static void *message_alloc(struct atlas_call *public, size_t size)
{
    struct call *call = call_of(public);
    bool is_stream = call->route != NULL && !route_is_unary(call->route);
    return alloc_from(call, is_stream ? &call->messages : &call->arena, size);
}

static void set_message(struct atlas_call *public, struct atlas_bytes message)
{
    struct call *call = call_of(public);
    size_t len = message.len < CALL_MESSAGE_SIZE ? message.len : CALL_MESSAGE_SIZE - 1;
    if (len > 0) {
        memmove(call->message, message.data, len);
    }
    call->message[len] = '\0';
}

static struct atlas_bytes message(struct atlas_call *public)
{
    struct call *call = call_of(public);
    return (struct atlas_bytes){call->message, strlen(call->message)};
}

/* A stream of an ended call refuses without a wait. */
static void slow_down_if_ended(struct call *call, atlas_status_t status)
{
    if (status != ATLAS_OK && status != ATLAS_END_OF_STREAM && call_check(call) != ATLAS_OK) {
        call_slow_down(call);
    }
}

static atlas_status_t recv_message(struct atlas_call *public, struct atlas_bytes *ret_message)
{
    struct call *call = call_of(public);
    if (call->route == NULL) {
        return call_fail(call, ATLAS_FAILED_PRECONDITION, "recv: %s has no caller",
                         call->operation);
    }
    if (!route_is_unary(call->route)) {
        arena_finish(&call->messages);
        atlas_status_t status = call->operations->recv(call, ret_message);
        slow_down_if_ended(call, status);
        return status;
    }
    if (call->is_request_taken) {
        return ATLAS_END_OF_STREAM;
    }
    call->is_request_taken = true;
    *ret_message = call->request;
    return ATLAS_OK;
}

/* In place of the room of a stream's last message, which was too small: at least twice that, so
 * that messages that grow a little each time do not use up the arena. */
static size_t larger_room(const struct call *call, size_t size)
{
    size_t limit = call->worker->limits.message_limit;
    size_t twice = call->is_reply_room_free ? call->reply_room_size * 2 : 0;
    size_t room = twice < limit ? twice : limit;
    return room > size && room + CALL_FRAMING <= call->arena.limit - call->arena.used ? room : size;
}

static void *reply_buffer(struct atlas_call *public, size_t size)
{
    struct call *call = call_of(public);
    if (call_check_message(call, size) != ATLAS_OK) {
        return NULL;
    }
    if (call->is_reply_room_free && call->reply_room_size >= size) {
        call->is_reply_room_free = false;
        return call->reply_room;
    }
    size_t room = larger_room(call, size);
    char *memory = alloc(public, room + CALL_FRAMING);
    call->reply_room = memory != NULL ? memory + CALL_FRAMING : NULL;
    call->reply_room_size = memory != NULL ? room : 0;
    call->is_reply_room_free = false;
    return call->reply_room;
}

static atlas_status_t send_unary(struct call *call, struct atlas_bytes message)
{
    if (call->has_reply) {
        return call_fail(call, ATLAS_FAILED_PRECONDITION, "send: a unary method sends one reply");
    }
    if (message.data == NULL || message.data != call->reply_room) {
        void *copy = reply_buffer(&call->public, message.len);
        if (copy == NULL) {
            return ATLAS_RESOURCE_EXHAUSTED;
        }
        if (message.len > 0) {
            memcpy(copy, message.data, message.len);
        }
        message.data = copy;
    }
    call->reply = message;
    call->has_reply = true;
    return ATLAS_OK;
}

/* What was sent is copied, so that one room does for all messages of a stream: a long one would use
 * up the arena. */
static atlas_status_t send_streaming(struct call *call, struct atlas_bytes message)
{
    atlas_status_t status = call->operations->send(call, message);
    slow_down_if_ended(call, status);
    call->has_sent = call->has_sent || status == ATLAS_OK;
    call->is_reply_room_free = call->reply_room != NULL && message.data == call->reply_room;
    return status;
}

static atlas_status_t send_message(struct atlas_call *public, struct atlas_bytes message)
{
    struct call *call = call_of(public);
    if (call->route == NULL) {
        return call_fail(call, ATLAS_FAILED_PRECONDITION, "send: %s has no caller",
                         call->operation);
    }
    if (call_check_message(call, message.len) != ATLAS_OK) {
        return ATLAS_RESOURCE_EXHAUSTED;
    }
    return route_is_unary(call->route) ? send_unary(call, message) : send_streaming(call, message);
}

static bool metadata(struct atlas_call *public, size_t n, struct atlas_metadata *ret_entry)
{
    const struct metadata_list *list = &call_of(public)->metadata;
    if (n >= list->count) {
        return false;
    }
    *ret_entry = list->entries[n];
    return true;
}

static atlas_status_t set_metadata(struct atlas_call *public, bool trailing,
                                   const struct atlas_metadata *entry)
{
    struct call *call = call_of(public);
    atlas_status_t status = call_check_metadata(call, entry);
    if (status != ATLAS_OK) {
        return status;
    }
    bool is_trailing = trailing || call->has_sent;
    return call_add_metadata(call, is_trailing ? &call->trailing : &call->leading, entry->name,
                             entry->value);
}

static int64_t remaining_ns(struct atlas_call *public)
{
    return call_remaining_ns(call_of(public));
}

static atlas_status_t check(struct atlas_call *public)
{
    return call_check(call_of(public));
}

static void cleanup_begin(struct atlas_call *public, int64_t budget_ms)
{
    struct call *call = call_of(public);
    call_disarm_deadline(call);
    call->is_in_cleanup = true;
    int64_t limit_ms = call->worker->limits.cleanup_limit_ms;
    int64_t granted_ms = budget_ms < limit_ms ? budget_ms : limit_ms;
    call->cleanup_deadline_ns = clock_monotonic_ns() + granted_ms * NS_PER_MS;
}

static void cleanup_end(struct atlas_call *public)
{
    struct call *call = call_of(public);
    call_disarm_deadline(call);
    call->is_in_cleanup = false;
}

static atlas_status_t sleep_for(struct atlas_call *public, int64_t duration_ns)
{
    struct call *call = call_of(public);
    struct wait wait;
    char kept[CALL_MESSAGE_SIZE];
    memcpy(kept, call->message, strlen(call->message) + 1);
    wait_init(&wait, call);
    atlas_status_t status = wait_for_at_most(&wait, duration_ns);
    bool has_slept = status == ATLAS_DEADLINE_EXCEEDED && call_check(call) == ATLAS_OK;
    if (has_slept) { /* which is no failure: the message of an earlier one stays */
        memcpy(call->message, kept, strlen(kept) + 1);
    }
    return has_slept ? ATLAS_OK : status;
}

static atlas_status_t spawn(struct atlas_call *public, struct atlas_task *task)
{
    return task_spawn(call_of(public), task);
}

static atlas_status_t join(struct atlas_call *public)
{
    return task_join(call_of(public));
}

static atlas_status_t offload(struct atlas_call *public, void (*fn)(void *arg), void *arg)
{
    return offload_run(call_of(public), fn, arg);
}

static struct atlas_bytes traceparent(struct atlas_call *public)
{
    struct call *call = call_of(public);
    return call_traceparent(call);
}

static struct atlas_bytes identity(struct atlas_call *public)
{
    return call_of(public)->identity;
}

const struct atlas_call_interface call_interface = {
    .size = sizeof(struct atlas_call_interface),
    .alloc = alloc,
    .set_message = set_message,
    .message = message,
    .recv = recv_message,
    .message_alloc = message_alloc,
    .reply_buffer = reply_buffer,
    .send = send_message,
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

static void write_log(struct atlas_call *public, enum atlas_log_level level,
                      struct atlas_bytes text)
{
    struct call *call = call_of(public);
    if (!log_is_enabled(level)) {
        return;
    }
    const struct generation *generation = call->generation;
    char trace[TRACE_TEXT_SIZE];
    trace_write(&call->trace, trace);
    char line[1024];
    size_t len = text.len < sizeof line ? text.len : sizeof line - 1;
    memcpy(line, text.data, len);
    line[len] = '\0';
    log_write(level, line, LOG_TEXT("plugin", generation != NULL ? generation->id : "host"),
              LOG_INT("generation", generation != NULL ? generation->number : 0),
              LOG_TEXT("operation", call->operation), LOG_TEXT("trace", trace), LOG_END);
}

const struct atlas_log_interface call_log_interface = {
    .size = sizeof(struct atlas_log_interface),
    .write = write_log,
};

static int64_t wall_us(struct atlas_call *public)
{
    (void)public;
    return clock_wall_us();
}

static int64_t monotonic_ns(struct atlas_call *public)
{
    (void)public;
    return clock_monotonic_ns();
}

static void fill_random(struct atlas_call *public, void *buffer, size_t len)
{
    (void)public;
    char *next = buffer;
    while (len > 0) {
        ssize_t got = getrandom(next, len < 256 ? len : 256, 0);
        if (got > 0) {
            next += got;
            len -= (size_t)got;
        }
    }
}

const struct atlas_clock_interface call_clock_interface = {
    .size = sizeof(struct atlas_clock_interface),
    .wall_us = wall_us,
    .monotonic_ns = monotonic_ns,
    .random = fill_random,
};

const struct atlas_interfaces call_bare_interfaces = {
    .size = sizeof(struct atlas_interfaces),
    .abi_major = ATLAS_ABI_MAJOR,
    .abi_minor = ATLAS_ABI_MINOR,
    .host_version = "",
    .call = &call_interface,
    .log = &call_log_interface,
    .clock = &call_clock_interface,
};
