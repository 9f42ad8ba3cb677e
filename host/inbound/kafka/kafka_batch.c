#include "inbound/kafka/kafka_batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "inbound/kafka/kafka_dead_letter.h"
#include "runtime/call.h"
#include "runtime/call_run.h"
#include "runtime/trace.h"

#define REASON_LIMIT 512

size_t kafka_batch_settle(atlas_status_t *statuses, size_t count, atlas_status_t handler_status)
{
    size_t settled = count;
    for (size_t i = 0; i < count; i++) {
        if (statuses[i] == KAFKA_STATUS_UNSET) {
            statuses[i] = handler_status;
        }
        if (settled == count && atlas_status_is_transient(statuses[i])) {
            settled = i;
        }
    }
    return settled;
}

void kafka_batch_reject(struct atlas_call *public, size_t index, struct atlas_bytes reason)
{
    struct call *call = call_of(public);
    struct kafka_batch *batch = call->batch;
    if (batch != NULL && index < batch->count) {
        size_t len = reason.len < REASON_LIMIT ? reason.len : REASON_LIMIT;
        batch->reasons[index] = arena_copy(&call->arena, reason.data, len);
    }
}

/* --- records --- */

static size_t count_headers(const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return 0;
    }
    return rd_kafka_header_cnt(headers);
}

/* Into the arena; a record without room for its headers fails the batch. */
static bool fill_headers(struct call *call, const rd_kafka_message_t *message,
                         struct atlas_kafka_record *record)
{
    rd_kafka_headers_t *source;
    size_t count = count_headers(message);
    if (count == 0) {
        return true;
    }
    struct atlas_kafka_header *headers = arena_alloc(&call->arena, count * sizeof *headers);
    if (headers == NULL) {
        return false;
    }
    rd_kafka_message_headers(message, &source);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_header_get_all(source, i, &headers[i].name, &headers[i].value.data,
                                &headers[i].value.len);
    }
    record->headers = headers;
    record->header_count = count;
    return true;
}

static bool fill_record(struct call *call, const rd_kafka_message_t *message,
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
    return fill_headers(call, message, record);
}

static atlas_status_t fill_records(struct call *call, struct kafka_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        batch->statuses[i] = KAFKA_STATUS_UNSET;
        batch->reasons[i] = NULL;
        if (!fill_record(call, batch->messages[i], &batch->records[i])) {
            return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                             "the headers of the batch do not fit into calls.arena_limit");
        }
    }
    return ATLAS_OK;
}

/* --- on the worker --- */

static void keep_failure(struct kafka_batch *batch, atlas_status_t status, const char *text)
{
    batch->failure = status;
    snprintf(batch->failure_text, sizeof batch->failure_text, "%.*s",
             (int)sizeof batch->failure_text - 1, text != NULL ? text : "");
}

static void settle(struct call *call, struct kafka_batch *batch, atlas_status_t handler_status)
{
    size_t settled = kafka_batch_settle(batch->statuses, batch->count, handler_status);
    const char *text = call->message;
    if (settled < batch->count) {
        const char *reason = batch->reasons[settled];
        keep_failure(batch, batch->statuses[settled], reason != NULL ? reason : text);
    }
    atlas_status_t status =
        kafka_dead_letter_publish(call, batch, settled, &batch->done_count, &batch->dead_count);
    if (status != ATLAS_OK && batch->done_count < settled) {
        keep_failure(batch, status, call->message);
    }
}

/* The fiber of a batch. */
static atlas_status_t run_batch(struct call *call, void *arg)
{
    struct kafka_batch *batch = arg;
    atlas_status_t status = fill_records(call, batch);
    if (status != ATLAS_OK) {
        keep_failure(batch, status, call->message);
        return status;
    }
    status = batch->route->handle(&call->public, batch->records, batch->count, batch->statuses);
    call_interface.join(&call->public); /* tasks that it left behind may still set statuses */
    settle(call, batch, status);
    return status;
}

static void run_done(struct loop_task *task)
{
    struct kafka_batch *batch = CONTAINER_OF(task, struct kafka_batch, task);
    batch->on_done(batch);
}

static void send_back(struct kafka_batch *batch)
{
    batch->task.run = run_done;
    loop_post(batch->poller, &batch->task);
}

static void batch_finished(struct call *call)
{
    struct kafka_batch *batch = call->batch;
    if (batch->done_count < batch->count && batch->failure == ATLAS_OK) {
        keep_failure(batch, call->status, call->message); /* it never ran */
    }
    call_destroy(call);
    send_back(batch);
}

static const struct call_operations batch_operations = {
    .finished = batch_finished,
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
    call->operations = &batch_operations;
    call->batch = batch;
    call->deadline_ns = clock_monotonic_ns() + route->settings->batch_ms * NS_PER_MS;
    take_trace(call, batch);
    call_start_function(call, run_batch, batch);
}

/* --- on the poller's loop --- */

void kafka_batch_start(struct kafka_batch *batch, struct worker *worker,
                       const struct kafka_batch_route *route)
{
    batch->worker = worker;
    batch->route = route;
    batch->done_count = 0;
    batch->dead_count = 0;
    batch->failure = ATLAS_OK;
    batch->failure_text[0] = '\0';
    batch->task.run = run_on_worker;
    loop_post(worker->loop, &batch->task);
}

void kafka_batch_drop(struct kafka_batch *batch, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rd_kafka_message_destroy(batch->messages[i]);
    }
    batch->count -= count;
    memmove(batch->messages, batch->messages + count, batch->count * sizeof *batch->messages);
}

atlas_status_t kafka_batch_init(struct kafka_batch *batch, size_t limit, struct loop *poller,
                                void (*on_done)(struct kafka_batch *batch))
{
    *batch = (struct kafka_batch){.limit = limit, .poller = poller, .on_done = on_done};
    batch->messages = calloc(limit, sizeof *batch->messages);
    batch->records = calloc(limit, sizeof *batch->records);
    batch->statuses = calloc(limit, sizeof *batch->statuses);
    batch->reasons = calloc(limit, sizeof *batch->reasons);
    if (batch->messages == NULL || batch->records == NULL || batch->statuses == NULL ||
        batch->reasons == NULL) {
        kafka_batch_finish(batch);
        return ATLAS_RESOURCE_EXHAUSTED;
    }
    return ATLAS_OK;
}

void kafka_batch_finish(struct kafka_batch *batch)
{
    kafka_batch_drop(batch, batch->count);
    free(batch->messages);
    free(batch->records);
    free(batch->statuses);
    free(batch->reasons);
    *batch = (struct kafka_batch){.limit = 0};
}
