/* The call itself: failing, messages, metadata, time limits, tasks, logs and metrics. */
#ifndef ATLAS_SDK_CALL_H
#define ATLAS_SDK_CALL_H

#include "atlas/sdk_memory.h"

/* Longest message of a failure or a log line that the helpers below write; the rest is cut. */
#define ATLAS_MESSAGE_LIMIT 512

/* --- Failing ------------------------------------------------------------------------------------
 */

/* Sets the message that the caller sees beside a status that is not OK. Copied. */
static inline void atlas_set_message(struct atlas_call *call, const char *message)
{
    call->interfaces->call->set_message(call, atlas_str(message));
}

/* The message of the last failure on this call; borrowed until the next host function. */
static inline struct atlas_bytes atlas_message(struct atlas_call *call)
{
    return call->interfaces->call->message(call);
}

/* Sets the message that the caller sees and returns status:
 *     return atlas_fail(call, ATLAS_NOT_FOUND, "order %s does not exist", id); */
ATLAS_PRINTF(3, 4)
static inline atlas_status_t atlas_fail(struct atlas_call *call, atlas_status_t status,
                                        const char *format, ...)
{
    char text[ATLAS_MESSAGE_LIMIT];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    atlas_set_message(call, text);
    return status;
}

/* The same, and keeps the message of the failure that it follows behind it: "<text>: <cause>". */
ATLAS_PRINTF(3, 4)
static inline atlas_status_t atlas_fail_because(struct atlas_call *call, atlas_status_t status,
                                                const char *format, ...)
{
    char cause[ATLAS_MESSAGE_LIMIT / 2];
    char text[ATLAS_MESSAGE_LIMIT / 2];
    struct atlas_bytes message = atlas_message(call);
    va_list args;

    snprintf(cause, sizeof cause, "%.*s", ATLAS_BYTES_ARG(message));
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return atlas_fail(call, status, "%s: %s", text, cause);
}

/* For a NULL of the arena. */
static inline atlas_status_t atlas_no_memory(struct atlas_call *call)
{
    return atlas_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                      "the call used up its memory: ask for less, or raise calls.arena_limit");
}

/* For an interface that was not granted. */
static inline atlas_status_t atlas_not_granted(struct atlas_call *call, const char *interface_id)
{
    return atlas_fail(
        call, ATLAS_UNIMPLEMENTED,
        "interface %s was not granted to this plugin: add \"requires %s\" to its manifest",
        interface_id, interface_id);
}

/* --- Messages and metadata ----------------------------------------------------------------------
 */

/* The next message of the caller: ATLAS_OK, ATLAS_END_OF_STREAM or a failure. Borrowed until the
 * next recv. [waits] */
static inline atlas_status_t atlas_recv(struct atlas_call *call, struct atlas_bytes *ret_message)
{
    return call->interfaces->call->recv(call, ret_message);
}

/* Sends one message to the caller: a pointer from atlas_reply_buffer, or any bytes (copied).
 * [waits] */
static inline atlas_status_t atlas_send(struct atlas_call *call, struct atlas_bytes message)
{
    return call->interfaces->call->send(call, message);
}

/* Room for one message, in the arena; NULL: too large, or the budget is used up, as the message
 * then says. */
static inline void *atlas_reply_buffer(struct atlas_call *call, size_t size)
{
    return call->interfaces->call->reply_buffer(call, size);
}

/* The first value of a metadata name (lower case) that the caller sent; false: none. */
static inline bool atlas_metadata_find(struct atlas_call *call, const char *name,
                                       struct atlas_bytes *ret_value)
{
    struct atlas_bytes wanted = atlas_str(name);
    struct atlas_metadata entry;
    size_t n;

    for (n = 0; call->interfaces->call->metadata(call, n, &entry); n++) {
        if (atlas_bytes_equal(entry.name, wanted)) {
            *ret_value = entry.value;
            return true;
        }
    }
    return false;
}

/* Adds metadata to the reply, before (leading) or behind (trailing) its messages. */
static inline atlas_status_t atlas_set_metadata(struct atlas_call *call, bool trailing,
                                                const char *name, struct atlas_bytes value)
{
    struct atlas_metadata entry;

    entry.name = atlas_str(name);
    entry.value = value;
    return call->interfaces->call->set_metadata(call, trailing, &entry);
}

/* The W3C traceparent of the call. Borrowed until the call ends. */
static inline struct atlas_bytes atlas_traceparent(struct atlas_call *call)
{
    return call->interfaces->call->traceparent(call);
}

/* Whom the edge found the caller to be; empty: nobody. Borrowed until the call ends. */
static inline struct atlas_bytes atlas_identity(struct atlas_call *call)
{
    return call->interfaces->call->identity(call);
}

/* --- Time limits --------------------------------------------------------------------------------
 */

/* Nanoseconds until the deadline, INT64_MAX without one, 0 when it has passed. */
static inline int64_t atlas_remaining_ns(struct atlas_call *call)
{
    return call->interfaces->call->remaining_ns(call);
}

/* OK, or CANCELLED or DEADLINE_EXCEEDED once nobody waits for the result: ask in long loops. */
static inline atlas_status_t atlas_check(struct atlas_call *call)
{
    return call->interfaces->call->check(call);
}

/* A section in which waits have a budget of their own, calls.cleanup_limit at most, whatever
 * became of the call: for cleaning up. Sections do not nest. */
static inline void atlas_cleanup_begin(struct atlas_call *call, int64_t budget_ms)
{
    call->interfaces->call->cleanup_begin(call, budget_ms);
}

static inline void atlas_cleanup_end(struct atlas_call *call)
{
    call->interfaces->call->cleanup_end(call);
}

/* Waits for a time, INT64_MAX for ever; a status that is not OK if the call ended first. [waits] */
static inline atlas_status_t atlas_sleep_ms(struct atlas_call *call, int64_t duration_ms)
{
    int64_t ms = duration_ms > 0 ? duration_ms : 0;

    return call->interfaces->call->sleep(call, ms < INT64_MAX / 1000000 ? ms * 1000000 : INT64_MAX);
}

/* --- Tasks --------------------------------------------------------------------------------------
 */

/* A task ready for atlas_spawn; it must stay where it is until atlas_join returned. */
static inline struct atlas_task
atlas_task_of(atlas_status_t (*run)(struct atlas_call *call, void *arg), void *arg)
{
    struct atlas_task task;

    memset(&task, 0, sizeof task);
    task.run = run;
    task.arg = arg;
    return task;
}

/* Starts task on a fiber of its own. After a failure the task does not run and its status says so
 * too, so that a fan-out may look at the tasks alone. */
static inline atlas_status_t atlas_spawn(struct atlas_call *call, struct atlas_task *task)
{
    atlas_status_t status = call->interfaces->call->spawn(call, task);

    if (status != ATLAS_OK) {
        struct atlas_bytes message = atlas_message(call);

        task->status = status;
        snprintf(task->message, sizeof task->message, "%.*s", ATLAS_BYTES_ARG(message));
    }
    return status;
}

/* Waits for all tasks of this call; the status of the first that failed. [waits] */
static inline atlas_status_t atlas_join(struct atlas_call *call)
{
    return call->interfaces->call->join(call);
}

/* Runs fn(arg) on another thread and waits until it returned; fn may not use a call. [waits] */
static inline atlas_status_t atlas_offload(struct atlas_call *call, void (*fn)(void *arg),
                                           void *arg)
{
    return call->interfaces->call->offload(call, fn, arg);
}

/* --- Logs and metrics ---------------------------------------------------------------------------
 */

/* Writes one line of a level, cut at ATLAS_MESSAGE_LIMIT; atlas_log_error, _warn, _info and _debug
 * take the arguments of printf behind the call. */
ATLAS_PRINTF(3, 0)
static inline void atlas_log_write(struct atlas_call *call, enum atlas_log_level level,
                                   const char *format, va_list args)
{
    char text[ATLAS_MESSAGE_LIMIT];

    vsnprintf(text, sizeof text, format, args);
    call->interfaces->log->write(call, level, atlas_str(text));
}

#define ATLAS_SDK_DEFINE_LOG(name, level)                                                          \
    ATLAS_PRINTF(2, 3)                                                                             \
    static inline void name(struct atlas_call *call, const char *format, ...)                      \
    {                                                                                              \
        va_list args;                                                                              \
                                                                                                   \
        va_start(args, format);                                                                    \
        atlas_log_write(call, level, format, args);                                                \
        va_end(args);                                                                              \
    }
ATLAS_SDK_DEFINE_LOG(atlas_log_error, ATLAS_LOG_ERROR)
ATLAS_SDK_DEFINE_LOG(atlas_log_warn, ATLAS_LOG_WARN)
ATLAS_SDK_DEFINE_LOG(atlas_log_info, ATLAS_LOG_INFO)
ATLAS_SDK_DEFINE_LOG(atlas_log_debug, ATLAS_LOG_DEBUG)
#undef ATLAS_SDK_DEFINE_LOG

/* Adds to a metric that the plugin declared, by its index; nothing without "atlas.metrics/1". */
static inline void atlas_metric_add(struct atlas_call *call, uint32_t metric, int64_t value)
{
    if (call->interfaces->metrics != NULL) {
        call->interfaces->metrics->add(call, metric, value);
    }
}

#endif
