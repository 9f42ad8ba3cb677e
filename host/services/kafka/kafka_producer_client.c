#include "services/kafka/kafka_producer_client.h"

#include <stdlib.h>

#include "base/config/config.h"
#include "services/kafka/kafka_client.h"

/* Records sent together, as in Kafka's own client or some more: a larger one goes alone, so that
 * the broker, which refuses or takes all of a batch, refuses no others with it. */
#define BATCH_BYTES 65536

static atlas_status_t producer_conf(const struct config_kafka *settings, rd_kafka_conf_t **ret_conf,
                                    struct error *error)
{
    const struct kafka_client_option options[] = {
        KAFKA_TEXT("acks", "all"),
        KAFKA_TEXT("enable.idempotence", "true"),
        KAFKA_NUMBER("message.timeout.ms", settings->publish_ms),
        KAFKA_NUMBER("linger.ms", settings->linger_ms),
        KAFKA_NUMBER("message.max.bytes", settings->message_bytes),
        KAFKA_NUMBER("batch.size", BATCH_BYTES),
        KAFKA_NUMBER("queue.buffering.max.messages", settings->queue_messages),
        KAFKA_NUMBER("queue.buffering.max.kbytes", settings->queue_bytes / 1024),
        /* As the Java client does it, so that keys keep their partitions whoever publishes. */
        KAFKA_TEXT("partitioner", "murmur2_random"),
        /* A topic that does not exist fails after this, not after 30 s. */
        KAFKA_NUMBER("topic.metadata.propagation.max.ms", 5000),
    };
    rd_kafka_conf_t *conf;
    atlas_status_t status =
        kafka_client_conf(settings, options, sizeof options / sizeof options[0], &conf, error);
    if (status != ATLAS_OK) {
        return status;
    }
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
    *ret_conf = conf;
    return ATLAS_OK;
}

atlas_status_t kafka_producer_client_check(const struct config_kafka *settings, struct error *error)
{
    rd_kafka_conf_t *conf;
    atlas_status_t status = producer_conf(settings, &conf, error);
    if (status == ATLAS_OK) {
        rd_kafka_conf_destroy(conf);
    }
    return status;
}

atlas_status_t kafka_producer_client_create(const struct config_kafka *settings,
                                            struct producer_client **ret_client,
                                            struct error *error)
{
    char reason[256] = "out of memory";
    rd_kafka_conf_t *conf;
    atlas_status_t status = producer_conf(settings, &conf, error);
    if (status != ATLAS_OK) {
        return status;
    }
    struct producer_client *client = calloc(1, sizeof *client);
    if (client != NULL) {
        client->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    }
    if (client == NULL || client->rk == NULL) {
        rd_kafka_conf_destroy(conf);
        free(client);
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "kafka: no producer: %s", reason);
    }
    client->queue = rd_kafka_queue_get_main(client->rk);
    *ret_client = client;
    return ATLAS_OK;
}

void kafka_producer_client_destroy(struct producer_client *client)
{
    if (client == NULL) {
        return;
    }
    if (client->queue != NULL) {
        rd_kafka_queue_destroy(client->queue);
    }
    if (client->rk != NULL) {
        rd_kafka_destroy(client->rk);
    }
    free(client);
}
