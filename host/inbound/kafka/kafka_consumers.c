#include "inbound/kafka/kafka_consumers.h"

#include <stdlib.h>
#include <time.h>

#include "base/config/config.h"
#include "base/log.h"

/* How long the end of the process waits for consumers to leave their groups. librdkafka cannot be
 * hurried when the brokers are away; the groups then notice by the session timeout. */
#define JOIN_S 3

/* The list is guarded by the mutex; the consumer itself belongs to the poller's loop. */
struct shared_consumer {
    struct shared_consumer *next;
    struct kafka_consumers *consumers;
    struct kafka_consumer *consumer;
    unsigned references;
    struct loop_task close_task;
    pthread_t closing; /* valid if is_closing */
    bool is_closing;
};

struct kafka_consumers {
    const struct config_kafka *settings;
    struct kafka_producer *producer;
    struct loop *poller;
    pthread_mutex_t mutex;
    struct shared_consumer *open;
    struct shared_consumer *closed; /* with a thread to join */
};

struct kafka_consumers *kafka_consumers_create(const struct config_kafka *settings,
                                               struct kafka_producer *producer, struct loop *poller)
{
    struct kafka_consumers *consumers = calloc(1, sizeof *consumers);
    if (consumers != NULL) {
        consumers->settings = settings;
        consumers->producer = producer;
        consumers->poller = poller;
        pthread_mutex_init(&consumers->mutex, NULL);
    }
    return consumers;
}

struct loop *kafka_consumers_poller(const struct kafka_consumers *consumers)
{
    return consumers->poller;
}

struct kafka_consumer *kafka_consumers_get(const struct shared_consumer *shared)
{
    return shared->consumer;
}

/* --- acquiring --- */

static struct shared_consumer *find(struct kafka_consumers *consumers,
                                    const struct kafka_identity *identity)
{
    for (struct shared_consumer *shared = consumers->open; shared != NULL; shared = shared->next) {
        if (kafka_identity_is_same(kafka_consumer_identity(shared->consumer), identity)) {
            return shared;
        }
    }
    return NULL;
}

static atlas_status_t make(struct kafka_consumers *consumers, struct runtime *runtime,
                           const struct kafka_identity *identity, size_t batch_limit,
                           struct shared_consumer **ret_shared, struct error *error)
{
    const struct kafka_consumer_options options = {
        .identity = *identity,
        .batch_limit = batch_limit > 0 ? batch_limit : (size_t)consumers->settings->batch,
        .settings = consumers->settings,
        .producer = consumers->producer,
        .runtime = runtime,
        .poller = consumers->poller,
    };
    struct shared_consumer *shared = calloc(1, sizeof *shared);
    if (shared == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "kafka: out of memory");
    }
    atlas_status_t status = kafka_consumer_create(&options, &shared->consumer, error);
    if (status != ATLAS_OK) {
        free(shared);
        return status;
    }
    shared->consumers = consumers;
    shared->next = consumers->open;
    consumers->open = shared;
    *ret_shared = shared;
    return ATLAS_OK;
}

atlas_status_t kafka_consumers_acquire(struct kafka_consumers *consumers, struct runtime *runtime,
                                       const struct kafka_identity *identity, size_t batch_limit,
                                       struct shared_consumer **ret_shared, struct error *error)
{
    atlas_status_t status = ATLAS_OK;
    pthread_mutex_lock(&consumers->mutex);
    struct shared_consumer *shared = find(consumers, identity);
    if (shared == NULL) {
        status = make(consumers, runtime, identity, batch_limit, &shared, error);
    }
    if (status == ATLAS_OK) {
        shared->references++;
        *ret_shared = shared;
    }
    pthread_mutex_unlock(&consumers->mutex);
    return status;
}

/* --- releasing --- */

/* A thread that has ended holds its stack until it is joined: reloads shall not pile them up. With
 * the mutex held. */
static void join_ended(struct kafka_consumers *consumers)
{
    struct shared_consumer **link = &consumers->closed;
    while (*link != NULL) {
        struct shared_consumer *shared = *link;
        if (!shared->is_closing || pthread_tryjoin_np(shared->closing, NULL) == 0) {
            *link = shared->next;
            free(shared);
        } else {
            link = &shared->next;
        }
    }
}

static void run_close(struct loop_task *task)
{
    struct shared_consumer *shared = CONTAINER_OF(task, struct shared_consumer, close_task);
    struct kafka_consumers *consumers = shared->consumers;
    shared->is_closing = kafka_consumer_close(shared->consumer, &shared->closing);
    shared->consumer = NULL;
    pthread_mutex_lock(&consumers->mutex);
    join_ended(consumers);
    shared->next = consumers->closed;
    consumers->closed = shared;
    pthread_mutex_unlock(&consumers->mutex);
}

static void take_out(struct kafka_consumers *consumers, const struct shared_consumer *shared)
{
    struct shared_consumer **link = &consumers->open;
    while (*link != shared) {
        link = &(*link)->next;
    }
    *link = shared->next;
}

void kafka_consumers_release(struct kafka_consumers *consumers, struct shared_consumer *shared)
{
    pthread_mutex_lock(&consumers->mutex);
    bool is_last = --shared->references == 0;
    if (is_last) {
        take_out(consumers, shared);
    }
    pthread_mutex_unlock(&consumers->mutex);
    if (is_last) {
        shared->close_task.run = run_close;
        loop_post(consumers->poller, &shared->close_task);
    }
}

/* --- the end --- */

static void join_closed(struct kafka_consumers *consumers)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += JOIN_S;
    while (consumers->closed != NULL) {
        struct shared_consumer *shared = consumers->closed;
        consumers->closed = shared->next;
        if (shared->is_closing && pthread_timedjoin_np(shared->closing, NULL, &end) != 0) {
            log_warn("kafka consumer did not leave its group in time, continuing");
        }
        free(shared);
    }
}

void kafka_consumers_destroy(struct kafka_consumers *consumers)
{
    if (consumers != NULL) {
        join_closed(consumers);
        pthread_mutex_destroy(&consumers->mutex);
        free(consumers);
    }
}
