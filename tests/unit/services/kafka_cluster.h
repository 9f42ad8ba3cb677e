/*
 * librdkafka's mock cluster in this process, and looks at it through a client of its own. With
 * ATLAS_TEST_KAFKA=host:port in the environment the same tests run against that Apache Kafka (which
 * makes topics of four partitions), but for those that need errors at will.
 */
#ifndef KAFKA_CLUSTER_H
#define KAFKA_CLUSTER_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdbool.h>

/* One broker, four partitions a topic. Returns what to connect to. */
const char *kafka_cluster_start(void);
void kafka_cluster_stop(void);

/* For errors at will; NULL with a real Kafka: skip the test then. */
rd_kafka_mock_cluster_t *kafka_cluster(void);

/* True, and says so, if there is no mock to make errors with. */
bool kafka_cluster_is_real(void);

/* Publishes one record and waits until it is there. */
void kafka_cluster_publish(const char *topic, int partition, const char *key, const char *value);

/* A record with the value "many" and that many headers. */
void kafka_cluster_publish_with_headers(const char *topic, int partition, size_t count);

/* Queues a record; flush sends what is queued, in few message sets, which a consumer gets at once.
 */
void kafka_cluster_queue(const char *topic, int partition, const char *key, const char *value);
void kafka_cluster_flush(void);

/* Records in a partition, or in all four (-1). */
int64_t kafka_cluster_count(const char *topic, int partition);

/* The oldest record of a topic from this position on; to be destroyed. NULL after some seconds. */
rd_kafka_message_t *kafka_cluster_read(const char *topic, int partition, int64_t offset);

/* What the group has committed for a partition; -1: nothing. */
int64_t kafka_cluster_committed(const char *group, const char *topic, int partition);

#endif
