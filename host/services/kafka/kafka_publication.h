/* A record on its way to Kafka, as everybody who publishes fills it in. */
#ifndef SERVICES_KAFKA_PUBLICATION_H
#define SERVICES_KAFKA_PUBLICATION_H

#include "atlas/kafka.h"

/* Everything is borrowed until the function that gets it returns. */
struct kafka_publication {
    const char *topic;
    struct atlas_bytes key;
    struct atlas_bytes value;
    const struct atlas_kafka_header *headers;
    size_t header_count;
};

#endif
