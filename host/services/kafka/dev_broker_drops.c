#include "services/kafka/dev_broker_drops.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define ANSWER_MS 1000

struct partition_drops {
    struct partition_drops *next;
    int32_t partition;
    int64_t warned_at; /* records dropped when it was last said */
    char topic[];
};

struct dev_broker_drops {
    rd_kafka_t *client;
    struct partition_drops *partitions;
};

struct dev_broker_drops *dev_broker_drops_create(rd_kafka_t *client)
{
    struct dev_broker_drops *drops = calloc(1, sizeof *drops);
    if (drops != NULL) {
        drops->client = client;
    }
    return drops;
}

static struct partition_drops *find(struct dev_broker_drops *drops, const char *topic,
                                    int32_t partition)
{
    for (struct partition_drops *known = drops->partitions; known != NULL; known = known->next) {
        if (known->partition == partition && strcmp(known->topic, topic) == 0) {
            return known;
        }
    }
    size_t len = strlen(topic) + 1;
    struct partition_drops *fresh = calloc(1, sizeof *fresh + len);
    if (fresh != NULL) {
        memcpy(fresh->topic, topic, len);
        fresh->partition = partition;
        fresh->next = drops->partitions;
        drops->partitions = fresh;
    }
    return fresh;
}

/* Offsets start at 0 and the broker deletes nothing else: the oldest offset counts what was
 * dropped. */
static void look_at(struct dev_broker_drops *drops, const char *topic, int32_t partition)
{
    int64_t oldest;
    int64_t newest;
    if (rd_kafka_query_watermark_offsets(drops->client, topic, partition, &oldest, &newest,
                                         ANSWER_MS) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        oldest <= 0) {
        return;
    }
    struct partition_drops *known = find(drops, topic, partition);
    if (known != NULL && oldest >= 2 * known->warned_at && oldest > known->warned_at) {
        known->warned_at = oldest;
        log_warn("dev broker dropped the oldest records of a partition; it keeps 5 MB each, use "
                 "Apache Kafka for more",
                 LOG_TEXT("topic", topic), LOG_INT("partition", partition),
                 LOG_INT("dropped", oldest));
    }
}

void dev_broker_drops_look(struct dev_broker_drops *drops)
{
    const struct rd_kafka_metadata *metadata;
    if (drops == NULL || rd_kafka_metadata(drops->client, 1, NULL, &metadata, ANSWER_MS) !=
                             RD_KAFKA_RESP_ERR_NO_ERROR) {
        return;
    }
    for (int t = 0; t < metadata->topic_cnt; t++) {
        for (int p = 0; p < metadata->topics[t].partition_cnt; p++) {
            look_at(drops, metadata->topics[t].topic, metadata->topics[t].partitions[p].id);
        }
    }
    rd_kafka_metadata_destroy(metadata);
}

void dev_broker_drops_destroy(struct dev_broker_drops *drops)
{
    if (drops == NULL) {
        return;
    }
    for (struct partition_drops *known = drops->partitions, *next; known != NULL; known = next) {
        next = known->next;
        free(known);
    }
    free(drops);
}
