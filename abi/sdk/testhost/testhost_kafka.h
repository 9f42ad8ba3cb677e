/* Kafka of the test host: what was published is kept; batches come from the test. */
#ifndef TESTHOST_KAFKA_H
#define TESTHOST_KAFKA_H

#include "testhost_state.h"

struct atlas_kafka_interface const *kafka_interface(void);

#endif
