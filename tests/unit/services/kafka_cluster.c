#include "kafka_cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS 4
#define WAIT_MS    10000

static rd_kafka_t *owner;
static rd_kafka_t *producer;
static rd_kafka_mock_cluster_t *cluster;
static const char *brokers;

static void be_silent(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

static rd_kafka_t *make_client(rd_kafka_type_t type, const char *group)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, be_silent);
    if (brokers != NULL) {
        rd_kafka_conf_set(conf, "bootstrap.servers", brokers, reason, sizeof reason);
    }
    if (group != NULL) {
        rd_kafka_conf_set(conf, "group.id", group, reason, sizeof reason);
    }
    rd_kafka_t *rk = rd_kafka_new(type, conf, reason, sizeof reason);
    if (rk == NULL) {
        printf("librdkafka: %s\n", reason);
        exit(EXIT_FAILURE);
    }
    return rk;
}

const char *kafka_cluster_start(void)
{
    brokers = getenv("ATLAS_TEST_KAFKA");
    if (brokers == NULL) {
        owner = make_client(RD_KAFKA_PRODUCER, NULL);
        cluster = rd_kafka_mock_cluster_new(owner, 1);
        brokers = rd_kafka_mock_cluster_bootstraps(cluster);
    }
    producer = make_client(RD_KAFKA_PRODUCER, NULL);
    return brokers;
}

void kafka_cluster_stop(void)
{
    rd_kafka_destroy(producer);
    if (cluster != NULL) {
        rd_kafka_mock_cluster_destroy(cluster);
        rd_kafka_destroy(owner);
    }
    cluster = NULL;
    brokers = NULL;
}

bool kafka_cluster_is_real(void)
{
    bool is_real = getenv("ATLAS_TEST_KAFKA") != NULL;
    if (is_real) {
        printf("skipped: only the mock cluster makes errors at will ... ");
    }
    return is_real;
}

rd_kafka_mock_cluster_t *kafka_cluster(void)
{
    return cluster;
}

void kafka_cluster_queue(const char *topic, int partition, const char *key, const char *value)
{
    rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                      RD_KAFKA_V_KEY((void *)(uintptr_t)key, strlen(key)),
                      RD_KAFKA_V_VALUE((void *)(uintptr_t)value, strlen(value)), RD_KAFKA_V_END);
}

void kafka_cluster_flush(void)
{
    rd_kafka_flush(producer, WAIT_MS);
}

void kafka_cluster_publish(const char *topic, int partition, const char *key, const char *value)
{
    kafka_cluster_queue(topic, partition, key, value);
    kafka_cluster_flush();
}

void kafka_cluster_publish_with_headers(const char *topic, int partition, size_t count)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_header_add(headers, "h", 1, "", 0);
    }
    rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                      RD_KAFKA_V_KEY("key", 3), RD_KAFKA_V_VALUE((void *)(uintptr_t) "many", 4),
                      RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                      RD_KAFKA_V_END);
    kafka_cluster_flush();
}

int64_t kafka_cluster_count(const char *topic, int partition)
{
    int64_t count = 0;
    for (int p = 0; p < PARTITIONS; p++) {
        int64_t oldest;
        int64_t newest;
        if ((partition == -1 || p == partition) &&
            rd_kafka_query_watermark_offsets(producer, topic, p, &oldest, &newest, WAIT_MS) ==
                RD_KAFKA_RESP_ERR_NO_ERROR) {
            count += newest;
        }
    }
    return count;
}

rd_kafka_message_t *kafka_cluster_read(const char *topic, int partition, int64_t offset)
{
    rd_kafka_t *reader = make_client(RD_KAFKA_CONSUMER, "reader");
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_message_t *message = NULL;
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    rd_kafka_assign(reader, list);
    rd_kafka_topic_partition_list_destroy(list);
    for (int n = 0; n < WAIT_MS / 100 && message == NULL; n++) {
        message = rd_kafka_consumer_poll(reader, 100);
        if (message != NULL && message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_message_destroy(message);
            message = NULL;
        }
    }
    /* The reader stays: the message refers to it. */
    return message;
}

int64_t kafka_cluster_committed(const char *group, const char *topic, int partition)
{
    rd_kafka_t *reader = make_client(RD_KAFKA_CONSUMER, group);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition);
    int64_t offset = -1;
    if (rd_kafka_committed(reader, list, WAIT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        list->elems[0].offset >= 0) {
        offset = list->elems[0].offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(reader);
    return offset;
}
