#include "inbound/kafka/kafka_batch_run.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "inbound/kafka/kafka_dead_letter.h"
#include "runtime/call.h"
#include "runtime/call_run.h"
#include "runtime/task.h"
#include "runtime/trace.h"
#include "runtime/wait.h"

/* --- records --- */

/* The part of a batch's arena that the headers of its records may take: the handler needs the rest,
 * and dead letters take their headers once more. */
#define HEADERS_SHARE 8

static size_t count_headers(const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return 0;
    }
    return rd_kafka_header_cnt(headers);
}

/* Into the arena, of whose bytes room are left for headers; false if they are too many. */
static bool fill_headers(struct call *call, const rd_kafka_message_t *message, size_t *room,
                         struct atlas_kafka_record *record)
{
    rd_kafka_headers_t *source;
    size_t count = count_headers(message);
    size_t size = count * sizeof *record->headers;
    if (count == 0) {
        return true;
    }
    struct atlas_kafka_header *headers = size <= *room ? arena_alloc(&call->arena, size) : NULL;
    if (headers == NULL) {
        return false;
    }
    *room -= size;
    rd_kafka_message_headers(message, &source);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_header_get_all(source, i, &headers[i].name, &headers[i].value.data,
                                &headers[i].value.len);
    }
    record->headers = headers;
    record->header_count = count;
    return true;
}

static bool fill_record(struct call *call, const rd_kafka_message_t *message, size_t *room,
                        struct atlas_kafka_record *record)
{
    int64_t timestamp_ms = rd_kafka_message_timestamp(message, NULL);
    *record = (struct atlas_kafka_record){
        .size = sizeof *record,
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_us = timestamp_ms > 0 ? timestamp_ms * 1000 : 0,
        .key = {message->key, message->key_len},
        .value = {message->payload, message->len},
    };
    return fill_headers(call, message, room, record);
}

/* Returns how many records from the first fit; the others come in the next batch. */
static size_t fill_records(struct call *call, struct kafka_batch *batch)
{
    size_t room = call->worker->limits.arena_limit / HEADERS_SHARE;
    size_t wanted = batch->is_alone ? 1 : batch->count;
    size_t count = 0;
    for (; count < wanted; count++) {
        batch->statuses[count] = KAFKA_STATUS_UNSET;
        batch->reasons[count] = NULL;
        if (!fill_record(call, batch->messages[count], &room, &batch->records[count])) {
            break;
        }
    }
    return count;
}

/* --- on the worker --- */

static void keep_failure(struct kafka_batch *batch, atlas_status_t status, const char *text)
{
    batch->failure = status;
    snprintf(batch->failure_text, sizeof batch->failure_text, "%.*s",
             (int)sizeof batch->failure_text - 1, text != NULL ? text : "");
}

static bool is_status(atlas_status_t status)
{
    return status >= 0 && status <= ATLAS_STATUS_LAST;
}

/* What is no status is UNKNOWN, and says so where the record goes. */
static void judge_statuses(struct call *call, struct kafka_batch *batch, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_status(batch->statuses[i]) || batch->statuses[i] == KAFKA_STATUS_UNSET) {
            continue;
        }
        char text[64];
        int len = snprintf(text, sizeof text, "the handler set %d, which is no status",
                           batch->statuses[i]);
        batch->statuses[i] = ATLAS_UNKNOWN;
        if (batch->reasons[i] == NULL) {
            kafka_batch_reject(&call->public, i, (struct atlas_bytes){text, (size_t)len});
        }
    }
}

/* Decides over the first count records, which the handler has seen. */
static void settle(struct call *call, struct kafka_batch *batch, size_t count,
                   atlas_status_t handler_status)
{
    size_t settled = kafka_batch_settle(batch->statuses, count, handler_status);
    const char *text = call->message;
    if (settled < count) {
        const char *reason = batch->reasons[settled];
        keep_failure(batch, batch->statuses[settled], reason != NULL ? reason : text);
    }
    atlas_status_t status =
        kafka_dead_letter_publish(call, batch, settled, &batch->done_count, &batch->dead_count);
    if (status != ATLAS_OK && batch->done_count < settled) {
        keep_failure(batch, status, call->message);
    }
}

/* A record that alone needs more memory than a call has will never get it, so it must not stop the
 * partition. Its letter needs some more. */
static void refuse_greedy(struct call *call, struct kafka_batch *batch)
{
    call->arena.limit += call->worker->limits.arena_limit / HEADERS_SHARE * 2;
    batch->statuses[0] = KAFKA_STATUS_UNSET;
    batch->reasons[0] = NULL;
    batch->failure = ATLAS_OK;
    settle(call, batch, 1,
           call_fail(call, ATLAS_INVALID_ARGUMENT,
                     "the record needs more memory than a call has; see calls.arena_limit"));
}

/* The records of a batch share a call's memory, so the one that did not fit comes again alone. */
static void judge_memory(struct call *call, struct kafka_batch *batch, size_t count)
{
    bool is_short = batch->failure == ATLAS_RESOURCE_EXHAUSTED && call->arena.is_used_up;
    batch->is_alone = is_short && count > 1;
    if (is_short && count == 1) {
        refuse_greedy(call, batch);
    }
}

/* Of a cancelled batch only what went well counts: the handler may have taken the cancel for a
 * fault of a record. */
static atlas_status_t forgive(struct kafka_batch *batch, atlas_status_t cancelled,
                              atlas_status_t handler_status)
{
    if (cancelled != ATLAS_UNAVAILABLE) {
        return handler_status;
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->statuses[i] != ATLAS_OK && batch->statuses[i] != KAFKA_STATUS_UNSET) {
            batch->statuses[i] = cancelled;
        }
    }
    return handler_status == ATLAS_OK ? ATLAS_OK : cancelled;
}

/* The fiber of a batch. */
static atlas_status_t run_batch(struct call *call, void *arg)
{
    struct kafka_batch *batch = arg;
    size_t count = fill_records(call, batch);
    if (count == 0) { /* it never will, so it must not stop the partition */
        settle(call, batch, 1,
               call_fail(call, ATLAS_INVALID_ARGUMENT,
                         "the record has more headers than 1/%d of calls.arena_limit has room for",
                         HEADERS_SHARE));
        return ATLAS_OK;
    }
    atlas_status_t status =
        batch->route->handle(&call->public, batch->record_pointers, count, batch->statuses);
    task_leave(call);
    task_join(call); /* what it left behind may still set statuses */
    judge_statuses(call, batch, count);
    if (!is_status(status)) {
        status =
            call_fail(call, ATLAS_UNKNOWN, "the handler returned %d, which is no status", status);
    }
    status = forgive(batch, call->cancel_status, status);
    settle(call, batch, count, status);
    judge_memory(call, batch, count);
    return status;
}

/* on_done, when neither the batch nor its cancelling is on another loop any more. */
static void end_if_over(struct kafka_batch *batch)
{
    if (batch->is_over && !batch->is_cancelling) {
        batch->on_done(batch);
    }
}

static void run_done(struct loop_task *task)
{
    struct kafka_batch *batch = CONTAINER_OF(task, struct kafka_batch, task);
    batch->is_over = true;
    end_if_over(batch);
}

static void send_back(struct kafka_batch *batch)
{
    batch->task.run = run_done;
    loop_post(batch->poller, &batch->task);
}

static void batch_on_finished(struct call *call)
{
    struct kafka_batch *batch = call->batch;
    batch->call = NULL;
    if (batch->done_count < batch->count && batch->failure == ATLAS_OK) {
        keep_failure(batch, call->status, call->message); /* it never ran */
    }
    call_destroy(call);
    send_back(batch);
}

static const struct call_operations batch_operations = {
    .finished = batch_on_finished,
};

/* A batch has one call; its trace goes on from the first record that brings one. */
static void take_trace(struct call *call, const struct kafka_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        rd_kafka_headers_t *headers;
        const void *value;
        size_t len;
        if (rd_kafka_message_headers(batch->messages[i], &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
            rd_kafka_header_get_last(headers, "traceparent", &value, &len) ==
                RD_KAFKA_RESP_ERR_NO_ERROR &&
            trace_parse((struct atlas_bytes){value, len}, &call->trace)) {
            return;
        }
    }
}

static void run_on_worker(struct loop_task *task)
{
    struct kafka_batch *batch = CONTAINER_OF(task, struct kafka_batch, task);
    const struct kafka_batch_route *route = batch->route;
    struct call *call = call_create_internal(batch->worker, route->generation, route->operation);
    if (call == NULL) {
        keep_failure(batch, ATLAS_RESOURCE_EXHAUSTED, "no fiber left; see calls.fibers");
        send_back(batch);
        return;
    }
    batch->call = call;
    call->operations = &batch_operations;
    call->batch = batch;
    call->deadline_ns = clock_monotonic_ns() + route->settings->batch_ms * NS_PER_MS;
    take_trace(call, batch);
    call_start_function(call, run_batch, batch);
}

/* --- cancelling --- */

static void run_cancelled(struct loop_task *task)
{
    struct kafka_batch *batch = CONTAINER_OF(task, struct kafka_batch, cancel_task);
    batch->is_cancelling = false;
    end_if_over(batch);
}

static void run_cancel(struct loop_task *task)
{
    struct kafka_batch *batch = CONTAINER_OF(task, struct kafka_batch, cancel_task);
    if (batch->call != NULL) {
        call_cancel(batch->call, ATLAS_UNAVAILABLE);
    }
    batch->cancel_task.run = run_cancelled;
    loop_post(batch->poller, &batch->cancel_task);
}

/* --- on the poller's loop --- */

void kafka_batch_start(struct kafka_batch *batch, struct worker *worker,
                       const struct kafka_batch_route *route)
{
    batch->worker = worker;
    batch->route = route;
    batch->is_over = false;
    batch->done_count = 0;
    batch->dead_count = 0;
    batch->failure = ATLAS_OK;
    batch->failure_text[0] = '\0';
    batch->task.run = run_on_worker;
    loop_post(worker->loop, &batch->task);
}

void kafka_batch_cancel(struct kafka_batch *batch)
{
    if (!batch->is_over && !batch->is_cancelling) {
        batch->is_cancelling = true;
        batch->cancel_task.run = run_cancel;
        loop_post(batch->worker->loop, &batch->cancel_task);
    }
}
