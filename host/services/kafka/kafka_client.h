/* What producer and consumers of Kafka have in common: settings, log lines and statuses. */
#ifndef SERVICES_KAFKA_CLIENT_H
#define SERVICES_KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>

#include "base/error.h"

struct config_kafka;

struct kafka_client_option {
    const char *name;
    const char *text; /* NULL: the number counts */
    int64_t number;
};

#define KAFKA_TEXT(name, text)     ((struct kafka_client_option){(name), (text), 0})
#define KAFKA_NUMBER(name, number) ((struct kafka_client_option){(name), NULL, (int64_t)(number)})

/* The options of every client of this process (brokers, reconnecting, logs) and count others; the
 * error names the first one that librdkafka refuses. The caller owns the result until rd_kafka_new
 * takes it. [any thread] */
atlas_status_t kafka_client_conf(const struct config_kafka *settings,
                                 const struct kafka_client_option *options, size_t count,
                                 rd_kafka_conf_t **ret_conf, struct error *error);

/* The status of an error of librdkafka or of a broker; UNAVAILABLE for what may pass. [any thread]
 */
atlas_status_t kafka_client_status(rd_kafka_resp_err_t failure);

#endif
