#include "inbound/kafka/kafka_partition.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/config/config.h"
#include "base/log.h"
#include "inbound/kafka/kafka_batch_run.h"
#include "services/backoff.h"

static const uint64_t wake_payload = 1;

/* --- filling --- */

/* True if the record counts; errors of a partition pass by themselves and are only said. */
static bool is_record(const struct kafka_partition *partition, rd_kafka_message_t *message)
{
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return true;
    }
    if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        log_warn("kafka partition cannot be read, continuing",
                 LOG_TEXT("topic", partition->owner->topic), LOG_INT("partition", partition->id),
                 LOG_TEXT("reason", rd_kafka_message_errstr(message)));
    }
    rd_kafka_message_destroy(message);
    return false;
}

static void fill(struct kafka_partition *partition)
{
    struct kafka_batch *batch = &partition->batch;
    rd_kafka_message_t *message;
    while (batch->count < batch->limit &&
           (message = rd_kafka_consume_queue(partition->queue, 0)) != NULL) {
        if (is_record(partition, message)) {
            batch->messages[batch->count++] = message;
        }
    }
}

void kafka_partition_serve(struct kafka_partition *partition)
{
    const struct kafka_partition_owner *owner = partition->owner;
    const struct kafka_batch_route *route = owner->route(owner->self);
    if (partition->state != KAFKA_PARTITION_IDLE || partition->is_revoked || route == NULL) {
        return;
    }
    fill(partition);
    if (partition->batch.count > 0) {
        partition->state = KAFKA_PARTITION_RUNNING;
        kafka_batch_start(&partition->batch, owner->worker(owner->self, partition->id), route);
    }
}

/* --- settling --- */

/* Once stored, the offset is committed within a second, and on revocation. */
static void store_offset(struct kafka_partition *partition)
{
    const struct kafka_partition_owner *owner = partition->owner;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, owner->topic, partition->id)->offset =
        partition->next_offset;
    rd_kafka_resp_err_t failure = rd_kafka_offsets_store(owner->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR) {
        log_warn("kafka offset not stored, its records will come again",
                 LOG_TEXT("topic", owner->topic), LOG_INT("partition", partition->id),
                 LOG_INT("offset", partition->next_offset),
                 LOG_TEXT("reason", rd_kafka_err2str(failure)));
    }
}

/* Said at the first failure, and whenever their number has doubled after the tenth or so. */
static void log_retry(const struct kafka_partition *partition)
{
    const struct kafka_batch *batch = &partition->batch;
    bool is_doubled = (partition->failures & (partition->failures - 1)) == 0;
    if (partition->failures == 1 || (partition->failures >= 16 && is_doubled)) {
        log_warn("records of a batch come again", LOG_TEXT("operation", batch->route->operation),
                 LOG_INT("partition", partition->id), LOG_INT("offset", batch->messages[0]->offset),
                 LOG_INT("count", batch->count), LOG_INT("failures", partition->failures),
                 LOG_TEXT("status", atlas_status_name(batch->failure)),
                 LOG_TEXT("reason", batch->failure_text));
    }
}

static void back_off(struct kafka_partition *partition)
{
    const struct config_kafka *settings = partition->owner->settings;
    partition->failures++;
    log_retry(partition);
    int64_t pause_ms =
        backoff_ms(partition->failures, settings->retry_min_ms, settings->retry_max_ms);
    struct timeval pause = {pause_ms / 1000, (pause_ms % 1000) * 1000};
    partition->state = KAFKA_PARTITION_BACKOFF;
    event_add(partition->retry_timer, &pause);
}

static void partition_on_batch_done(struct kafka_batch *batch)
{
    struct kafka_partition *partition = CONTAINER_OF(batch, struct kafka_partition, batch);
    const struct kafka_partition_owner *owner = partition->owner;
    size_t done = batch->done_count;
    partition->state = KAFKA_PARTITION_IDLE;
    if (done > 0) {
        partition->next_offset = batch->messages[done - 1]->offset + 1;
        partition->failures = 0;
        store_offset(partition);
        kafka_batch_drop(batch, done);
    }
    /* Without a failure it is what did not fit: it is served at once, with what else has come. */
    size_t left = batch->failure != ATLAS_OK ? batch->count : 0;
    if (left > 0 && !partition->is_revoked) {
        back_off(partition);
    }
    owner->on_batch(owner->self, done, batch->dead_count, left);
}

static void partition_on_retry(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct kafka_partition *partition = arg;
    if (partition->state == KAFKA_PARTITION_BACKOFF) {
        partition->state = KAFKA_PARTITION_IDLE;
        kafka_partition_serve(partition);
    }
}

void kafka_partition_retry_now(struct kafka_partition *partition)
{
    event_del(partition->retry_timer);
    partition_on_retry(-1, 0, partition);
}

/* The first record that is not done, as far as it is known. */
static int64_t position(const struct kafka_partition *partition)
{
    if (partition->next_offset >= 0 || partition->state == KAFKA_PARTITION_IDLE) {
        return partition->next_offset;
    }
    return partition->batch.messages[0]->offset;
}

int64_t kafka_partition_lag(const struct kafka_partition *partition)
{
    int64_t oldest;
    int64_t newest;
    int64_t next = position(partition);
    const struct kafka_partition_owner *owner = partition->owner;
    if (rd_kafka_get_watermark_offsets(owner->rk, owner->topic, partition->id, &oldest, &newest) !=
            RD_KAFKA_RESP_ERR_NO_ERROR ||
        next < 0 || newest < next) {
        return 0;
    }
    return newest - next;
}

/* --- life --- */

struct kafka_partition *kafka_partition_create(const struct kafka_partition_owner *owner,
                                               int32_t id)
{
    struct kafka_partition *partition = calloc(1, sizeof *partition);
    if (partition == NULL) {
        return NULL;
    }
    partition->owner = owner;
    partition->id = id;
    partition->next_offset = -1;
    partition->retry_timer =
        event_new(loop_base(owner->poller), -1, 0, partition_on_retry, partition);
    partition->queue = rd_kafka_queue_get_partition(owner->rk, owner->topic, id);
    if (partition->retry_timer == NULL || partition->queue == NULL ||
        kafka_batch_init(&partition->batch, owner->batch_limit, owner->poller,
                         partition_on_batch_done) != ATLAS_OK) {
        kafka_partition_destroy(partition);
        return NULL;
    }
    rd_kafka_queue_forward(partition->queue, NULL);
    rd_kafka_queue_io_event_enable(partition->queue, owner->wake_fd, &wake_payload,
                                   sizeof wake_payload);
    return partition;
}

void kafka_partition_destroy(struct kafka_partition *partition)
{
    if (partition == NULL) {
        return;
    }
    if (partition->queue != NULL) {
        rd_kafka_queue_io_event_enable(partition->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(partition->queue);
    }
    if (partition->retry_timer != NULL) {
        event_free(partition->retry_timer);
    }
    kafka_batch_finish(&partition->batch);
    free(partition);
}
