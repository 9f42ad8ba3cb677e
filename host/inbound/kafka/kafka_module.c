#include "inbound/kafka/kafka_module.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/config/config.h"
#include "inbound/kafka/kafka_attachment.h"
#include "inbound/kafka/kafka_batch.h"
#include "inbound/kafka/kafka_consumers.h"
#include "runtime/call.h"
#include "runtime/generation.h"
#include "runtime/loader/plugin_config.h"
#include "runtime/runtime.h"
#include "services/kafka/kafka_producer.h"

struct kafka_module {
    struct module module;
    const struct config_kafka *settings;
    struct kafka_producer *producer;
    struct loop *poller;
    atomic_bool is_started; /* all of these are there */
    pthread_mutex_t mutex;  /* of starting */
    struct kafka_consumers *consumers;
};

/* --- starting --- */

static atlas_status_t start(struct kafka_module *module, struct error *error)
{
    atlas_status_t status = ATLAS_OK;
    if (module->producer == NULL) {
        status = kafka_producer_create(module->settings, &module->producer, error);
    }
    if (status == ATLAS_OK && module->poller == NULL) {
        status = loop_create(0, &module->poller, error);
    }
    if (status == ATLAS_OK && module->consumers == NULL) {
        module->consumers =
            kafka_consumers_create(module->settings, module->producer, module->poller);
        status = module->consumers != NULL
                     ? ATLAS_OK
                     : error_set(error, ATLAS_RESOURCE_EXHAUSTED, "kafka: out of memory");
    }
    if (status == ATLAS_OK) {
        status = loop_start(module->poller, "kafka", error);
    }
    if (status == ATLAS_OK) {
        atomic_store(&module->is_started, true);
    }
    return status;
}

/* A process whose plugins do without Kafka connects to none. */
static atlas_status_t ensure_started(struct kafka_module *module, struct error *error)
{
    atlas_status_t status = ATLAS_OK;
    if (!atomic_load(&module->is_started)) {
        pthread_mutex_lock(&module->mutex);
        if (!atomic_load(&module->is_started)) {
            status = start(module, error);
        }
        pthread_mutex_unlock(&module->mutex);
    }
    return status;
}

/* --- the interface of plugins --- */

atlas_status_t kafka_module_publish(struct atlas_call *public, const char *topic,
                                    struct atlas_bytes key, struct atlas_bytes value,
                                    const struct atlas_kafka_header *headers, size_t header_count,
                                    enum atlas_outcome *ret_outcome)
{
    struct call *call = call_of(public);
    struct kafka_module *module = runtime_module(call->worker->runtime, MODULE_KAFKA)->self;
    const struct kafka_publication record = {topic, key, value, headers, header_count};
    enum atlas_outcome outcome = ATLAS_OUTCOME_NOT_DONE;
    atlas_status_t status = ensure_started(module, &(struct error){.status = ATLAS_OK});
    if (status == ATLAS_OK) {
        status = kafka_publish_batch(module->producer, call, &record, 1, &outcome);
    } else {
        call_fail(call, status, "kafka: no producer; see the log");
    }
    if (ret_outcome != NULL) {
        *ret_outcome = outcome;
    }
    return status;
}

static const struct atlas_kafka_interface kafka_interface = {
    .size = sizeof kafka_interface,
    .publish = kafka_module_publish,
    .reject = kafka_batch_reject,
};

/* --- generations --- */

static atlas_status_t attach(void *self, struct call *call, struct generation *generation,
                             bool is_reload, struct error *error)
{
    struct kafka_module *module = self;
    (void)call;
    atlas_status_t status = kafka_identity_check(generation->id, &generation->plugin,
                                                 plugin_config_public(generation->config), error);
    if (status == ATLAS_OK) {
        status = ensure_started(module, error);
    }
    if (status != ATLAS_OK) {
        return status;
    }
    if (is_reload && !kafka_producer_is_ready(module->producer)) {
        return error_set(error, ATLAS_UNAVAILABLE,
                         "kafka %s cannot be reached; reload again when it can",
                         module->settings->brokers);
    }
    struct kafka_attachment *attachment;
    status = kafka_attachment_create(module->consumers, generation, &attachment, error);
    if (status == ATLAS_OK) {
        generation->attached[MODULE_KAFKA] = attachment;
    }
    return status;
}

static void activate(void *self, struct call *call, struct generation *generation)
{
    (void)self;
    (void)call;
    kafka_attachment_activate(generation->attached[MODULE_KAFKA]);
}

static bool deactivate(void *self, struct call *call, struct generation *generation)
{
    (void)self;
    return kafka_attachment_deactivate(generation->attached[MODULE_KAFKA], call);
}

static void detach(void *self, struct call *call, struct generation *generation)
{
    (void)self;
    (void)call;
    kafka_attachment_destroy(generation->attached[MODULE_KAFKA]);
    generation->attached[MODULE_KAFKA] = NULL;
}

/* --- life --- */

atlas_status_t kafka_module_create(const struct config_kafka *settings,
                                   struct kafka_module **ret_module, struct error *error)
{
    struct kafka_module *module = calloc(1, sizeof *module);
    if (module == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "kafka: out of memory");
    }
    module->settings = settings;
    pthread_mutex_init(&module->mutex, NULL);
    module->module = (struct module){
        .slot = MODULE_KAFKA,
        .interface_id = ATLAS_KAFKA,
        .table = &kafka_interface,
        .self = module,
        .attach = attach,
        .activate = activate,
        .deactivate = deactivate,
        .detach = detach,
    };
    atlas_status_t status = kafka_producer_check(settings, error);
    if (status != ATLAS_OK) {
        kafka_module_destroy(module);
        return status;
    }
    *ret_module = module;
    return ATLAS_OK;
}

const struct module *kafka_module_module(const struct kafka_module *module)
{
    return &module->module;
}

void kafka_module_close(struct kafka_module *module)
{
    if (!atomic_load(&module->is_started)) {
        return;
    }
    loop_stop(module->poller); /* runs what was posted before */
    kafka_consumers_destroy(module->consumers);
    module->consumers = NULL;
    kafka_producer_close(module->producer);
}

void kafka_module_destroy(struct kafka_module *module)
{
    if (module == NULL) {
        return;
    }
    kafka_consumers_destroy(module->consumers);
    loop_destroy(module->poller);
    kafka_producer_destroy(module->producer);
    pthread_mutex_destroy(&module->mutex);
    free(module);
}
