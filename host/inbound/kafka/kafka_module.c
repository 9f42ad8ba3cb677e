#include "inbound/kafka/kafka_module.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/config/config.h"
#include "base/log.h"
#include "inbound/kafka/kafka_batch.h"
#include "runtime/generation.h"
#include "runtime/loader/plugin_config.h"
#include "runtime/runtime.h"
#include "runtime/wait.h"
#include "services/kafka/kafka_producer.h"

/* How long the end of the process waits for consumers to leave their groups. librdkafka cannot be
 * hurried when the brokers are away; the groups then notice by the session timeout. */
#define JOIN_S 3

typedef atlas_status_t batch_handler(struct atlas_call *call,
                                     const struct atlas_kafka_record *records, size_t count,
                                     atlas_status_t *statuses);

/* A consumer and the generations that want it. The list is guarded by the module's mutex; the
 * consumer itself belongs to the poller's loop. */
struct consumer_entry {
    struct consumer_entry *next;
    struct kafka_module *module;
    struct kafka_consumer *consumer;
    unsigned references;
    struct loop_task close_task;
    pthread_t closing; /* valid if is_closing */
    bool is_closing;
};

/* One consumer as one generation declares it. */
struct attached_consumer {
    struct consumer_entry *entry;
    batch_handler *handle;
    struct generation *generation;
    struct loop_task resume_task; /* to the poller */
    struct loop_task pause_task;  /* to the poller, and back to the home loop */
    struct loop *home;
    struct wait wait; /* of deactivate */
};

/* What a generation has of this module: in generation->attached[MODULE_KAFKA]. */
struct attachment {
    struct kafka_module *module;
    size_t count;
    struct attached_consumer consumers[];
};

struct kafka_module {
    struct module module;
    const struct config_kafka *settings;
    struct kafka_producer *producer;
    struct loop *poller;
    atomic_bool is_started; /* producer and poller are there */
    pthread_mutex_t mutex;  /* of starting, and of the lists */
    struct consumer_entry *entries;
    struct consumer_entry *closed; /* with a thread to join */
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

/* --- attaching --- */

static struct consumer_entry *find_entry(struct kafka_module *module,
                                         const struct kafka_identity *identity)
{
    for (struct consumer_entry *entry = module->entries; entry != NULL; entry = entry->next) {
        if (kafka_identity_is_same(kafka_consumer_identity(entry->consumer), identity)) {
            return entry;
        }
    }
    return NULL;
}

static atlas_status_t make_entry(struct kafka_module *module, const struct generation *generation,
                                 const struct atlas_consumer *declared,
                                 const struct kafka_identity *identity,
                                 struct consumer_entry **ret_entry, struct error *error)
{
    const struct kafka_consumer_options options = {
        .identity = *identity,
        .batch_limit =
            declared->batch_limit > 0 ? declared->batch_limit : (size_t)module->settings->batch,
        .settings = module->settings,
        .producer = module->producer,
        .runtime = generation->runtime,
        .poller = module->poller,
    };
    struct consumer_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    atlas_status_t status = kafka_consumer_create(&options, &entry->consumer, error);
    if (status != ATLAS_OK) {
        free(entry);
        return status;
    }
    entry->module = module;
    entry->next = module->entries;
    module->entries = entry;
    *ret_entry = entry;
    return ATLAS_OK;
}

static atlas_status_t attach_consumer(struct kafka_module *module, struct generation *generation,
                                      const struct atlas_consumer *declared,
                                      struct attached_consumer *attached, struct error *error)
{
    struct kafka_identity identity;
    atlas_status_t status = kafka_identity_read(
        generation->id, plugin_config_public(generation->config), declared, &identity, error);
    if (status == ATLAS_OK) {
        pthread_mutex_lock(&module->mutex);
        attached->entry = find_entry(module, &identity);
        if (attached->entry == NULL) {
            status = make_entry(module, generation, declared, &identity, &attached->entry, error);
        }
        if (status == ATLAS_OK) {
            attached->entry->references++;
        }
        pthread_mutex_unlock(&module->mutex);
    }
    if (status != ATLAS_OK) {
        return status;
    }
    attached->handle = declared->handle;
    attached->generation = generation;
    return ATLAS_OK;
}

static void detach(void *self, struct call *call, struct generation *generation);

static atlas_status_t attach(void *self, struct call *call, struct generation *generation,
                             bool is_reload, struct error *error)
{
    struct kafka_module *module = self;
    size_t count = generation->plugin.consumer_count;
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
    struct attachment *attachment =
        calloc(1, sizeof *attachment + count * sizeof attachment->consumers[0]);
    if (attachment == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "kafka: out of memory");
    }
    attachment->module = module;
    generation->attached[MODULE_KAFKA] = attachment;
    for (size_t i = 0; i < count; i++) {
        struct atlas_consumer declared = kafka_identity_declared(&generation->plugin, i);
        status = attach_consumer(module, generation, &declared, &attachment->consumers[i], error);
        if (status != ATLAS_OK) {
            detach(self, call, generation);
            return status;
        }
        attachment->count = i + 1;
    }
    return ATLAS_OK;
}

/* --- activating --- */

static void run_resume(struct loop_task *task)
{
    struct attached_consumer *attached = CONTAINER_OF(task, struct attached_consumer, resume_task);
    kafka_consumer_resume(attached->entry->consumer, attached->generation, attached->handle);
}

static void activate(void *self, struct call *call, struct generation *generation)
{
    struct attachment *attachment = generation->attached[MODULE_KAFKA];
    (void)self;
    (void)call;
    for (size_t i = 0; attachment != NULL && i < attachment->count; i++) {
        struct attached_consumer *attached = &attachment->consumers[i];
        attached->resume_task.run = run_resume;
        loop_post(attachment->module->poller, &attached->resume_task);
    }
}

static void run_paused(struct loop_task *task)
{
    struct attached_consumer *attached = CONTAINER_OF(task, struct attached_consumer, pause_task);
    wait_complete(&attached->wait);
}

static void consumer_on_paused(void *arg)
{
    struct attached_consumer *attached = arg;
    attached->pause_task.run = run_paused;
    loop_post(attached->home, &attached->pause_task);
}

static void run_pause(struct loop_task *task)
{
    struct attached_consumer *attached = CONTAINER_OF(task, struct attached_consumer, pause_task);
    kafka_consumer_pause(attached->entry->consumer, consumer_on_paused, attached);
}

/* All are asked at once; each ends by itself, since batches and commits have time limits. */
static void deactivate(void *self, struct call *call, struct generation *generation)
{
    struct attachment *attachment = generation->attached[MODULE_KAFKA];
    (void)self;
    for (size_t i = 0; attachment != NULL && i < attachment->count; i++) {
        struct attached_consumer *attached = &attachment->consumers[i];
        attached->home = call->worker->loop;
        wait_init(&attached->wait, call);
        attached->pause_task.run = run_pause;
        loop_post(attachment->module->poller, &attached->pause_task);
    }
    for (size_t i = 0; attachment != NULL && i < attachment->count; i++) {
        wait_uninterrupted(&attachment->consumers[i].wait);
    }
}

/* --- detaching --- */

static void run_close(struct loop_task *task)
{
    struct consumer_entry *entry = CONTAINER_OF(task, struct consumer_entry, close_task);
    struct kafka_module *module = entry->module;
    entry->is_closing = kafka_consumer_close(entry->consumer, &entry->closing);
    pthread_mutex_lock(&module->mutex);
    entry->next = module->closed;
    module->closed = entry;
    pthread_mutex_unlock(&module->mutex);
}

static void release_entry(struct kafka_module *module, struct consumer_entry *entry)
{
    struct consumer_entry **link = &module->entries;
    if (--entry->references > 0) {
        return;
    }
    while (*link != entry) {
        link = &(*link)->next;
    }
    *link = entry->next;
    entry->close_task.run = run_close;
    loop_post(module->poller, &entry->close_task);
}

static void detach(void *self, struct call *call, struct generation *generation)
{
    struct kafka_module *module = self;
    struct attachment *attachment = generation->attached[MODULE_KAFKA];
    (void)call;
    if (attachment == NULL) {
        return;
    }
    generation->attached[MODULE_KAFKA] = NULL;
    pthread_mutex_lock(&module->mutex);
    for (size_t i = 0; i < attachment->count; i++) {
        release_entry(module, attachment->consumers[i].entry);
    }
    pthread_mutex_unlock(&module->mutex);
    free(attachment);
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

static void join_closed(struct kafka_module *module)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += JOIN_S;
    while (module->closed != NULL) {
        struct consumer_entry *entry = module->closed;
        module->closed = entry->next;
        if (entry->is_closing && pthread_timedjoin_np(entry->closing, NULL, &end) != 0) {
            log_warn("kafka consumer did not leave its group in time, continuing");
        }
        free(entry);
    }
}

void kafka_module_close(struct kafka_module *module)
{
    if (!atomic_load(&module->is_started)) {
        return;
    }
    loop_stop(module->poller); /* runs what was posted before */
    join_closed(module);
    kafka_producer_close(module->producer);
}

void kafka_module_destroy(struct kafka_module *module)
{
    if (module == NULL) {
        return;
    }
    loop_destroy(module->poller);
    kafka_producer_destroy(module->producer);
    pthread_mutex_destroy(&module->mutex);
    free(module);
}
