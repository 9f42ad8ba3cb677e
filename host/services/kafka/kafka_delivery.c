#include "services/kafka/kafka_delivery.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "runtime/trace.h"
#include "runtime/wait.h"
#include "services/kafka/kafka_client.h"

/* librdkafka reports a record that timed out up to this much later. */
#define REPORT_SLACK_MS 1000
/* What is left of the call's time to say what happened. */
#define ANSWER_MS 250
/* Of Kafka itself. */
#define TOPIC_NAME_MAX 249

enum record_state {
    RECORD_REFUSED, /* librdkafka did not take it */
    RECORD_UNDER_WAY,
    RECORD_REPORTED,
};

struct record_slot {
    struct delivery *delivery;
    atomic_int state; /* enum record_state; REPORTED makes failure and persistence visible */
    rd_kafka_resp_err_t failure;
    rd_kafka_msg_status_t persistence;
};

/* Shared by the fiber and the producer's thread until the last report. The loop frees it: the fiber
 * if it waited to the end, else the task that the last report posts. */
struct delivery {
    struct loop_task task;
    struct loop *loop;
    struct wait *wait;     /* NULL once the fiber has gone; on the loop only */
    atomic_size_t pending; /* reports to come, and one while the fiber hands records over */
    size_t count;
    struct record_slot slots[];
};

static void run_delivered(struct loop_task *task)
{
    struct delivery *delivery = CONTAINER_OF(task, struct delivery, task);
    if (delivery->wait != NULL) {
        wait_complete(delivery->wait);
    } else {
        free(delivery);
    }
}

void kafka_delivery_report(const rd_kafka_message_t *message)
{
    struct record_slot *slot = message->_private;
    struct delivery *delivery = slot->delivery;
    slot->failure = message->err;
    slot->persistence = rd_kafka_message_status(message);
    atomic_store_explicit(&slot->state, RECORD_REPORTED, memory_order_release);
    if (atomic_fetch_sub(&delivery->pending, 1) == 1) {
        loop_post(delivery->loop, &delivery->task);
    }
}

/* --- handing over --- */

static bool has_header(const struct kafka_publication *record, const char *name)
{
    for (size_t i = 0; i < record->header_count; i++) {
        if (strcmp(record->headers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Brokers refuse other names, but not always before the record has timed out. */
static bool is_topic_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(name);
    return len > 0 && len <= TOPIC_NAME_MAX && strspn(name, allowed) == len &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* The record's headers, and the trace of the call unless the record brings one. */
static rd_kafka_headers_t *make_headers(struct call *call, const struct kafka_publication *record)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count + 1);
    for (size_t i = 0; i < record->header_count; i++) {
        const struct atlas_kafka_header *header = &record->headers[i];
        rd_kafka_header_add(headers, header->name, -1, header->value.data,
                            (ssize_t)header->value.len);
    }
    if (!has_header(record, "traceparent")) {
        struct atlas_bytes trace = call_traceparent(call);
        if (trace.len > 0) {
            rd_kafka_header_add(headers, "traceparent", -1, trace.data, (ssize_t)trace.len);
        }
    }
    return headers;
}

static rd_kafka_resp_err_t hand_over(rd_kafka_t *rk, struct call *call,
                                     const struct kafka_publication *record,
                                     struct record_slot *slot)
{
    if (!is_topic_name(record->topic)) {
        return RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
    }
    rd_kafka_headers_t *headers = make_headers(call, record);
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = record->topic},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {(void *)(uintptr_t)record->key.data, record->key.len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {(void *)(uintptr_t)record->value.data, record->value.len}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = slot},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(rk, parts, sizeof parts / sizeof parts[0]);
    if (error == NULL) {
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    rd_kafka_resp_err_t failure = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    rd_kafka_headers_destroy(headers);
    return failure;
}

/* Hands over until one is refused: those behind it would overtake it. */
static void hand_over_all(rd_kafka_t *rk, struct call *call,
                          const struct kafka_publication *records, struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->count; i++) {
        struct record_slot *slot = &delivery->slots[i];
        slot->delivery = delivery;
        atomic_fetch_add(&delivery->pending, 1);
        atomic_store_explicit(&slot->state, RECORD_UNDER_WAY, memory_order_relaxed);
        rd_kafka_resp_err_t failure = hand_over(rk, call, &records[i], slot);
        if (failure != RD_KAFKA_RESP_ERR_NO_ERROR) {
            slot->failure = failure;
            atomic_store_explicit(&slot->state, RECORD_REFUSED, memory_order_relaxed);
            atomic_fetch_sub(&delivery->pending, 1);
            break;
        }
    }
}

/* --- what became of it --- */

static enum atlas_outcome outcome_of(const struct record_slot *slot, enum record_state state)
{
    if (state == RECORD_REFUSED) {
        return ATLAS_OUTCOME_NOT_DONE;
    }
    if (state == RECORD_UNDER_WAY) {
        return ATLAS_OUTCOME_UNKNOWN;
    }
    switch (slot->persistence) {
    case RD_KAFKA_MSG_STATUS_PERSISTED:
        return ATLAS_OUTCOME_DONE;
    case RD_KAFKA_MSG_STATUS_NOT_PERSISTED:
        return ATLAS_OUTCOME_NOT_DONE;
    default:
        return ATLAS_OUTCOME_UNKNOWN;
    }
}

static atlas_status_t explain_failure(struct call *call, const struct config_kafka *settings,
                                      const char *topic, rd_kafka_resp_err_t failure)
{
    atlas_status_t status = kafka_client_status(failure);
    switch (failure) {
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        return call_fail(call, status,
                         "kafka topic %s: the queue to the brokers is full (kafka.queue_messages "
                         "%lld, kafka.queue_bytes %lld)",
                         topic, (long long)settings->queue_messages,
                         (long long)settings->queue_bytes);
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
        return call_fail(call, status,
                         "kafka topic \"%s\" cannot be: a name has 1 to %d letters, digits, '.', "
                         "'_' and '-'",
                         topic, TOPIC_NAME_MAX);
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        return call_fail(call, status,
                         "kafka topic %s: the record is larger than kafka.message_limit (%lld "
                         "bytes) or than the broker takes",
                         topic, (long long)settings->message_bytes);
    default:
        return call_fail(call, status, "kafka %s topic %s: %s", settings->brokers, topic,
                         rd_kafka_err2str(failure));
    }
}

/* Fills the outcomes and returns the status of the first record that is not done. The fiber may
 * have stopped waiting, so reports may still come: each state is read once. */
static atlas_status_t conclude(struct call *call, const struct config_kafka *settings,
                               const struct kafka_publication *records,
                               const struct delivery *delivery, atlas_status_t wait_status,
                               enum atlas_outcome *ret_outcomes)
{
    atlas_status_t status = ATLAS_OK;
    for (size_t i = 0; i < delivery->count; i++) {
        const struct record_slot *slot = &delivery->slots[i];
        enum record_state state =
            (enum record_state)atomic_load_explicit(&slot->state, memory_order_acquire);
        enum atlas_outcome outcome = outcome_of(slot, state);
        if (ret_outcomes != NULL) {
            ret_outcomes[i] = outcome;
        }
        if (outcome != ATLAS_OUTCOME_DONE && status == ATLAS_OK) {
            status = state == RECORD_UNDER_WAY
                         ? wait_status
                         : explain_failure(call, settings, records[i].topic, slot->failure);
        }
    }
    return status;
}

/* --- waiting --- */

/* Ends before the call's deadline does, so that the caller hears the reason and not only the end.
 */
static int64_t patience_ns(const struct call *call, const struct config_kafka *settings)
{
    int64_t patience = (settings->publish_ms + REPORT_SLACK_MS) * NS_PER_MS;
    int64_t left = call_remaining_ns(call);
    if (left == INT64_MAX) {
        return patience;
    }
    int64_t margin = left / 10 < ANSWER_MS * NS_PER_MS ? left / 10 : ANSWER_MS * NS_PER_MS;
    return left - margin < patience ? left - margin : patience;
}

static atlas_status_t explain_end(struct call *call, const struct config_kafka *settings,
                                  const char *topic, atlas_status_t status)
{
    if (status != ATLAS_DEADLINE_EXCEEDED) {
        return status;
    }
    return call_fail(call, ATLAS_UNAVAILABLE,
                     "kafka %s did not confirm a record for topic %s in time; it may still arrive",
                     settings->brokers, topic);
}

atlas_status_t kafka_delivery_run(rd_kafka_t *rk, const struct config_kafka *settings,
                                  struct call *call, const struct kafka_publication *records,
                                  size_t count, enum atlas_outcome *ret_outcomes)
{
    atlas_status_t status = call_check(call);
    if (status != ATLAS_OK || count == 0) {
        return status == ATLAS_OK
                   ? status
                   : call_fail(call, status, "kafka: the call ended before anything was sent");
    }
    struct delivery *delivery = calloc(1, sizeof *delivery + count * sizeof delivery->slots[0]);
    if (delivery == NULL) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED, "kafka: out of memory");
    }
    struct wait wait;
    wait_init(&wait, call);
    delivery->task.run = run_delivered;
    delivery->loop = call->worker->loop;
    delivery->wait = &wait;
    delivery->count = count;
    atomic_init(&delivery->pending, 1);
    hand_over_all(rk, call, records, delivery);
    bool is_over = atomic_fetch_sub(&delivery->pending, 1) == 1;
    if (!is_over) {
        status = wait_for_at_most(&wait, patience_ns(call, settings));
        is_over = status == ATLAS_OK;
        status = explain_end(call, settings, records[0].topic, status);
    }
    status = conclude(call, settings, records, delivery, status, ret_outcomes);
    if (is_over) {
        free(delivery);
    } else {
        delivery->wait = NULL;
    }
    return status;
}
