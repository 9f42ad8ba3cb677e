/* The broker of `atlas dev-broker`: librdkafka's mock cluster, for development and quick tests. */
#ifndef SERVICES_KAFKA_DEV_BROKER_H
#define SERVICES_KAFKA_DEV_BROKER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct dev_broker_options {
    uint16_t port;  /* on 127.0.0.1; 0: any, named in the log */
    int partitions; /* of the topics below; 0: 4. Topics that come into being by use have 4 */
    const char *const *topics; /* made at start; may be NULL */
    size_t topic_count;
};

/*
 * Runs a broker until SIGTERM or SIGINT, which it blocks and waits for: call it before any thread
 * is started, in a process that runs nothing else. Logs "dev broker ready" when clients may
 * connect. Everything is in memory and ends with the process; a partition keeps 5 MB or 100,000
 * batches, and what is dropped beyond that is logged. RESOURCE_EXHAUSTED if the port is taken.
 * Blocks.
 */
atlas_status_t dev_broker_run(const struct dev_broker_options *options, struct error *error);

#endif
