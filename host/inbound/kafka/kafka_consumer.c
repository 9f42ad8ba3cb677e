#include "inbound/kafka/kafka_consumer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/config/config.h"
#include "base/log.h"
#include "inbound/kafka/kafka_assignment.h"
#include "inbound/kafka/kafka_consumer_metrics.h"
#include "inbound/kafka/kafka_group.h"
#include "inbound/kafka/kafka_member.h"
#include "runtime/runtime.h"

/* How long leaving the group may take, if the brokers are away anyway, and otherwise. */
#define AWAY_MS  500
#define CLOSE_MS 5000

struct kafka_consumer {
    struct kafka_identity identity;
    const struct config_kafka *settings;
    struct runtime *runtime;
    struct loop *poller;
    struct kafka_assignment assignment;
    struct kafka_pause pause;
    struct kafka_batch_route batch_route;
    bool is_routed;
    char dead_topic[300];
    char operation[200];
    struct kafka_member member;
    rd_kafka_resp_err_t last_error; /* said once until another one comes */
    rd_kafka_resp_err_t last_commit_error;
    struct kafka_consumer_metrics metrics;
};

static void update_figures(struct kafka_consumer *consumer)
{
    metrics_set(consumer->metrics.lag, kafka_assignment_lag(&consumer->assignment));
    metrics_set(consumer->metrics.partitions, kafka_assignment_count(&consumer->assignment));
}

/* --- what partitions ask for --- */

static const struct kafka_batch_route *partition_route(void *self)
{
    struct kafka_consumer *consumer = self;
    return consumer->is_routed ? &consumer->batch_route : NULL;
}

static struct worker *partition_worker(void *self, int32_t partition)
{
    struct kafka_consumer *consumer = self;
    unsigned count = runtime_worker_count(consumer->runtime);
    return runtime_worker(consumer->runtime, (unsigned)partition % count);
}

static void give_back(struct kafka_consumer *consumer)
{
    if (kafka_assignment_advance(&consumer->assignment)) {
        update_figures(consumer);
    }
    kafka_pause_advance(&consumer->pause);
}

static void partition_on_batch(void *self, size_t done, size_t dead, size_t retried)
{
    struct kafka_consumer *consumer = self;
    consumer->pause.is_away = false;
    kafka_consumer_metrics_batch(&consumer->metrics, done, dead, retried);
    give_back(consumer);
    kafka_assignment_serve(&consumer->assignment);
}

/* --- what librdkafka says --- */

static void handle_rebalance(struct kafka_consumer *consumer, rd_kafka_event_t *event)
{
    if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        kafka_assignment_take(&consumer->assignment, rd_kafka_event_topic_partition_list(event));
        update_figures(consumer);
    } else {
        kafka_assignment_revoke(&consumer->assignment);
        give_back(consumer);
    }
}

/* Both the commits of pauses, which carry their number, and the automatic ones. */
static void handle_commit(struct kafka_consumer *consumer, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t failure = rd_kafka_event_error(event);
    bool is_done = failure == RD_KAFKA_RESP_ERR_NO_ERROR || failure == RD_KAFKA_RESP_ERR__NO_OFFSET;
    consumer->pause.is_away = consumer->pause.is_away && !is_done;
    if (rd_kafka_event_opaque(event) != NULL) {
        kafka_pause_on_commit(&consumer->pause, event, is_done);
    } else if (is_done) {
        consumer->last_commit_error = RD_KAFKA_RESP_ERR_NO_ERROR;
    } else if (failure != consumer->last_commit_error) {
        consumer->last_commit_error = failure;
        log_warn("kafka offsets not committed, trying again",
                 LOG_TEXT("operation", consumer->operation),
                 LOG_TEXT("reason", rd_kafka_err2str(failure)));
    }
}

/* A broker that is away is said by the producer; a topic that is not there yet is tried again. */
static void handle_error(struct kafka_consumer *consumer, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t failure = rd_kafka_event_error(event);
    bool is_known = failure == consumer->last_error;
    consumer->last_error = failure;
    if (failure == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        consumer->pause.is_away = true;
    }
    if (!is_known && failure != RD_KAFKA_RESP_ERR__TRANSPORT &&
        failure != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && failure != RD_KAFKA_RESP_ERR__RESOLVE) {
        log_warn("kafka consumer error, trying again", LOG_TEXT("operation", consumer->operation),
                 LOG_TEXT("topic", consumer->identity.topic),
                 LOG_TEXT("reason", rd_kafka_event_error_string(event)));
    }
}

static void handle_event(struct kafka_consumer *consumer, rd_kafka_event_t *event)
{
    rd_kafka_event_type_t type = rd_kafka_event_type(event);
    if (type == RD_KAFKA_EVENT_REBALANCE) {
        handle_rebalance(consumer, event);
    } else if (type == RD_KAFKA_EVENT_OFFSET_COMMIT) {
        handle_commit(consumer, event);
    } else if (type == RD_KAFKA_EVENT_ERROR) {
        handle_error(consumer, event);
    }
}

/* The eventfd is written only when a queue goes from empty to not empty, so all are emptied here.
 */
static void serve(void *self)
{
    struct kafka_consumer *consumer = self;
    rd_kafka_event_t *event;
    while ((event = rd_kafka_queue_poll(consumer->member.queue, 0)) != NULL) {
        handle_event(consumer, event);
        rd_kafka_event_destroy(event);
    }
    kafka_assignment_serve(&consumer->assignment);
}

static void tick(void *self)
{
    serve(self);
    update_figures(self);
}

/* --- joining and pausing --- */

/* The settings were checked at creation, so what fails here is memory or threads. */
static void join_group(struct kafka_consumer *consumer)
{
    struct error error;
    atlas_status_t status =
        kafka_member_join(&consumer->member, consumer->settings, consumer->identity.group,
                          consumer->identity.topic, consumer->assignment.owner.batch_limit, &error);
    if (status != ATLAS_OK) {
        log_error("kafka consumer not started", LOG_TEXT("operation", consumer->operation),
                  LOG_TEXT("reason", error.text));
    }
    if (consumer->member.rk != NULL) {
        consumer->assignment.owner.rk = consumer->member.rk;
        consumer->pause.answers = consumer->member.queue;
        serve(consumer);
    }
}

void kafka_consumer_resume(struct kafka_consumer *consumer, struct generation *generation,
                           kafka_batch_handler *handle)
{
    consumer->batch_route.generation = generation;
    consumer->batch_route.handle = handle;
    consumer->is_routed = true;
    if (consumer->member.rk == NULL) {
        join_group(consumer);
    }
    kafka_assignment_retry_now(&consumer->assignment);
    kafka_assignment_serve(&consumer->assignment);
}

void kafka_consumer_pause(struct kafka_consumer *consumer, const struct kafka_pause_limits *limits,
                          void (*on_paused)(void *arg, bool has_ended), void *arg)
{
    consumer->is_routed = false;
    kafka_pause_begin(&consumer->pause, limits, on_paused, arg);
}

void kafka_consumer_hurry(struct kafka_consumer *consumer)
{
    kafka_pause_hurry(&consumer->pause);
}

/* --- life --- */

static void fill_consumer(struct kafka_consumer *consumer,
                          const struct kafka_consumer_options *options)
{
    const struct config_kafka *settings = options->settings;
    consumer->identity = options->identity;
    consumer->settings = settings;
    consumer->runtime = options->runtime;
    snprintf(consumer->dead_topic, sizeof consumer->dead_topic, "%s%s", options->identity.topic,
             settings->dead_letter_suffix);
    snprintf(consumer->operation, sizeof consumer->operation, "%s consumer %s",
             options->identity.plugin, options->identity.name);
    consumer->assignment.operation = consumer->operation;
    consumer->assignment.owner = (struct kafka_partition_owner){
        .topic = consumer->identity.topic,
        .poller = options->poller,
        .wake_fd = consumer->member.wake_fd,
        .batch_limit = options->batch_limit,
        .settings = settings,
        .self = consumer,
        .route = partition_route,
        .worker = partition_worker,
        .on_batch = partition_on_batch,
    };
    consumer->batch_route = (struct kafka_batch_route){
        .settings = settings,
        .producer = options->producer,
        .dead_topic = consumer->dead_topic,
        .operation = consumer->operation,
    };
}

static atlas_status_t make_events(struct kafka_consumer *consumer, struct error *error)
{
    struct event_base *base = loop_base(consumer->poller);
    if (kafka_member_init(&consumer->member, consumer->poller, serve, tick, consumer) != ATLAS_OK ||
        kafka_pause_init(&consumer->pause, base, &consumer->assignment) != ATLAS_OK) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED,
                         "kafka: no events for a consumer; raise the limit of open files");
    }
    return ATLAS_OK;
}

static void silence(struct kafka_consumer *consumer)
{
    kafka_member_silence(&consumer->member);
    kafka_pause_finish(&consumer->pause);
    kafka_assignment_finish(&consumer->assignment);
}

static void free_consumer(struct kafka_consumer *consumer)
{
    kafka_member_finish(&consumer->member, consumer->pause.is_away ? AWAY_MS : CLOSE_MS);
    kafka_consumer_metrics_finish(&consumer->metrics);
    free(consumer);
}

atlas_status_t kafka_consumer_create(const struct kafka_consumer_options *options,
                                     struct kafka_consumer **ret_consumer, struct error *error)
{
    struct kafka_consumer *consumer = calloc(1, sizeof *consumer);
    if (consumer == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "kafka: out of memory");
    }
    consumer->member.wake_fd = -1;
    consumer->poller = options->poller;
    atlas_status_t status = make_events(consumer, error);
    if (status == ATLAS_OK) {
        fill_consumer(consumer, options);
        status = kafka_group_check(consumer->settings, consumer->identity.group,
                                   consumer->assignment.owner.batch_limit, error);
    }
    if (status != ATLAS_OK) {
        silence(consumer);
        free_consumer(consumer);
        return status;
    }
    kafka_consumer_metrics_init(&consumer->metrics, &consumer->identity);
    *ret_consumer = consumer;
    return ATLAS_OK;
}

const struct kafka_identity *kafka_consumer_identity(const struct kafka_consumer *consumer)
{
    return &consumer->identity;
}

/* Leaving waits for the broker, so it has a thread; nothing else touches the consumer any more. */
static void *run_close(void *arg)
{
    free_consumer(arg);
    return NULL;
}

bool kafka_consumer_close(struct kafka_consumer *consumer, pthread_t *ret_thread)
{
    silence(consumer);
    if (consumer->member.rk == NULL || pthread_create(ret_thread, NULL, run_close, consumer) != 0) {
        free_consumer(consumer);
        return false;
    }
    return true;
}
