/* A client of librdkafka that publishes: how it is set up, and its queue of reports. */
#ifndef SERVICES_KAFKA_PRODUCER_CLIENT_H
#define SERVICES_KAFKA_PRODUCER_CLIENT_H

#include <librdkafka/rdkafka.h>

#include "base/error.h"

struct config_kafka;

struct producer_client {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue; /* of reports and errors */
    int64_t retired_ns;
    struct producer_client *next; /* among the retired ones of a producer */
};

/* INVALID_ARGUMENT for a setting that librdkafka refuses. Any thread. */
atlas_status_t kafka_producer_client_check(const struct config_kafka *settings,
                                           struct error *error);

/* Starts a client; brokers need not be reachable. Any thread. */
atlas_status_t kafka_producer_client_create(const struct config_kafka *settings,
                                            struct producer_client **ret_client,
                                            struct error *error);

/* Frees it; what it still holds is lost. May block for a moment. NULL is allowed. */
void kafka_producer_client_destroy(struct producer_client *client);

#endif
