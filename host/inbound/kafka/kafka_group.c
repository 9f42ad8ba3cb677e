#include "inbound/kafka/kafka_group.h"

#include "base/clock.h"
#include "base/config/config.h"
#include "services/kafka/kafka_client.h"

#define POLL_MS        100
#define HEARTBEAT_MS   3000
#define MIN_HOLD_MS    300000 /* librdkafka's own max.poll.interval.ms */
#define COMMIT_EACH_MS 1000
#define MIN_ANSWER_MS  1000 /* that a broker has beyond the time that it may wait for records */

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

atlas_status_t kafka_group_conf(const struct config_kafka *settings, const char *group,
                                size_t batch_limit, rd_kafka_conf_t **ret_conf, struct error *error)
{
    const struct kafka_client_option options[] = {
        KAFKA_TEXT("group.id", group),
        KAFKA_TEXT("enable.auto.commit", "true"),
        KAFKA_NUMBER("auto.commit.interval.ms", COMMIT_EACH_MS),
        KAFKA_TEXT("enable.auto.offset.store", "false"),
        KAFKA_TEXT("auto.offset.reset", "earliest"),
        KAFKA_TEXT("allow.auto.create.topics", "true"),
        KAFKA_NUMBER("session.timeout.ms", settings->session_ms),
        KAFKA_NUMBER("heartbeat.interval.ms", smaller(settings->session_ms / 3, HEARTBEAT_MS)),
        /* A rebalance waits for batches in flight, and their dead letters, at least this long. */
        KAFKA_NUMBER("max.poll.interval.ms",
                     larger(2 * (settings->batch_ms + settings->publish_ms), MIN_HOLD_MS)),
        KAFKA_NUMBER("fetch.wait.max.ms", settings->fetch_wait_ms),
        KAFKA_NUMBER("fetch.error.backoff.ms", 100),
        KAFKA_NUMBER("queued.max.messages.kbytes", settings->fetch_bytes / 1024),
        KAFKA_NUMBER("queued.min.messages", batch_limit * 2),
        KAFKA_NUMBER("coordinator.query.interval.ms", 5000),
        /* A broker that has restarted may leave librdkafka 2.0 waiting for an answer about the
         * group's coordinator from nobody, until this has passed (60 s by default). */
        KAFKA_NUMBER("socket.timeout.ms",
                     larger(settings->session_ms, settings->fetch_wait_ms + MIN_ANSWER_MS)),
    };
    rd_kafka_conf_t *conf;
    atlas_status_t status =
        kafka_client_conf(settings, options, sizeof options / sizeof options[0], &conf, error);
    if (status != ATLAS_OK) {
        return status;
    }
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT |
                                       RD_KAFKA_EVENT_ERROR);
    *ret_conf = conf;
    return ATLAS_OK;
}

atlas_status_t kafka_group_check(const struct config_kafka *settings, const char *group,
                                 size_t batch_limit, struct error *error)
{
    rd_kafka_conf_t *conf;
    atlas_status_t status = kafka_group_conf(settings, group, batch_limit, &conf, error);
    if (status == ATLAS_OK) {
        rd_kafka_conf_destroy(conf);
    }
    return status;
}

rd_kafka_resp_err_t kafka_group_subscribe(rd_kafka_t *rk, const char *topic)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t failure = rd_kafka_subscribe(rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return failure;
}

/* Closing gives the partitions back by an event that must be answered. */
static void poll_once(rd_kafka_t *rk, rd_kafka_queue_t *queue)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, POLL_MS);
    if (event == NULL) {
        return;
    }
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE) {
        rd_kafka_assign(rk, NULL);
    }
    rd_kafka_event_destroy(event);
}

void kafka_group_leave(rd_kafka_t *rk, rd_kafka_queue_t *queue, int64_t limit_ms)
{
    int64_t end_ns = clock_monotonic_ns() + limit_ms * NS_PER_MS;
    rd_kafka_error_t *failure = rd_kafka_consumer_close_queue(rk, queue);
    while (failure == NULL && !rd_kafka_consumer_closed(rk) && clock_monotonic_ns() < end_ns) {
        poll_once(rk, queue);
    }
    bool has_left = failure == NULL && rd_kafka_consumer_closed(rk);
    rd_kafka_error_destroy(failure);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy_flags(rk, has_left ? 0 : RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}
