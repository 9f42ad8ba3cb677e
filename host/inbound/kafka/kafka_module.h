/*
 * "atlas.kafka/1" as a module of the runtime: publishing for every plugin that asks for it, and the
 * consumers that plugins declare. It stands above the services because consumers make calls.
 */
#ifndef INBOUND_KAFKA_MODULE_H
#define INBOUND_KAFKA_MODULE_H

#include "atlas/kafka.h"
#include "runtime/module.h"

struct config_kafka;
struct kafka_module;

/* Makes the module; nothing is started before the first plugin asks for it. settings are borrowed
 * until kafka_module_destroy. INVALID_ARGUMENT for a setting that librdkafka refuses. [control] */
atlas_status_t kafka_module_create(const struct config_kafka *settings,
                                   struct kafka_module **ret_module, struct error *error);

/* For runtime_add_module. Borrowed until kafka_module_destroy. */
const struct module *kafka_module_module(const struct kafka_module *module);

/* publish of atlas.kafka/1, for the outbox relay too: it works for every call of this process,
 * whether its plugin asked for the interface or not. [waits] */
atlas_status_t kafka_module_publish(struct atlas_call *call, const char *topic,
                                    struct atlas_bytes key, struct atlas_bytes value,
                                    const struct atlas_kafka_header *headers, size_t header_count,
                                    enum atlas_outcome *ret_outcome);

/* Leaves the groups, sends what waits, ends the threads; bounded, some seconds. After the
 * generations are detached, while the workers' loops still run. [control] */
void kafka_module_close(struct kafka_module *module);

/* Frees the module; after kafka_module_close. NULL is allowed. [control] */
void kafka_module_destroy(struct kafka_module *module);

#endif
