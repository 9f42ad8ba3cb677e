/*
 * "atlas.kafka/1" as a module of the runtime: publishing for every plugin that asks for it, and the
 * consumers that plugins declare. It stands above the services because consumers make calls.
 */
#ifndef INBOUND_KAFKA_MODULE_H
#define INBOUND_KAFKA_MODULE_H

#include "inbound/kafka_consumer.h"
#include "runtime/module.h"

struct kafka_module;

/* Makes the producer and the poller's thread; brokers need not be reachable. settings are borrowed
 * until kafka_module_destroy. INVALID_ARGUMENT for a setting that librdkafka refuses. [control] */
atlas_status_t kafka_module_create(const struct config_kafka *settings,
                                   struct kafka_module **ret_module, struct error *error);

/* For runtime_add_module, and for the outbox relay. Borrowed until kafka_module_destroy. */
const struct module *kafka_module_module(const struct kafka_module *module);
struct kafka_producer *kafka_module_producer(const struct kafka_module *module);

/* True while a broker can be reached. Any thread. */
bool kafka_module_is_ready(const struct kafka_module *module);

/* Calls visit once per consumer, for metrics. visit must not call the module. Any thread. */
void kafka_module_visit(struct kafka_module *module,
                        void (*visit)(void *arg, const struct kafka_consumer_identity *identity,
                                      const struct kafka_consumer_figures *figures),
                        void *arg);

/* Leaves the groups, sends what waits, ends the threads; bounded, some seconds. After the
 * generations are detached, while the workers' loops still run. [control] */
void kafka_module_close(struct kafka_module *module);

/* Frees the module; after kafka_module_close. NULL is allowed. [control] */
void kafka_module_destroy(struct kafka_module *module);

#endif
