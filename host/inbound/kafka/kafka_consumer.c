#include "inbound/kafka/kafka_consumer.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "base/log.h"
#include "inbound/kafka/kafka_consumer_metrics.h"
#include "inbound/kafka/kafka_group.h"
#include "inbound/kafka/kafka_partition.h"
#include "runtime/runtime.h"

#define TICK_MS                                                                                    \
    1000 /* an idle consumer is polled this often, which max.poll.interval.ms asks for */
#define COMMIT_MS       5000 /* how long a pause waits for its commit */
#define COMMIT_RETRY_MS 100
#define AWAY_MS         500  /* instead of both when the brokers are away anyway */
#define CLOSE_MS        5000 /* how long leaving the group may take */

struct kafka_consumer {
    struct kafka_identity identity;
    const struct config_kafka *settings;
    struct runtime *runtime;
    struct loop *poller;
    struct kafka_partition_owner owner; /* owner.rk is NULL until the group is joined */
    struct kafka_batch_route batch_route;
    bool is_routed;
    char dead_topic[300];
    char operation[200];
    rd_kafka_queue_t *queue; /* everything but records */
    int wake_fd;
    struct event *wake_event;
    struct event *tick;
    struct event *commit_timer;
    struct kafka_partition *partitions;
    rd_kafka_resp_err_t last_error; /* said once until another one comes */
    rd_kafka_resp_err_t last_commit_error;
    bool is_away;     /* no broker could be reached when last heard of */
    bool is_revoking; /* unassigned once no revoked partition runs */
    void (*on_paused)(void *arg);
    void *paused_arg;
    bool is_committing;
    int64_t pause_end_ns; /* failed commits are not tried again after this */
    struct kafka_consumer_metrics metrics;
};

static const uint64_t wake_payload = 1;

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

static bool is_running(const struct kafka_consumer *consumer)
{
    for (const struct kafka_partition *p = consumer->partitions; p != NULL; p = p->next) {
        if (p->state == KAFKA_PARTITION_RUNNING) {
            return true;
        }
    }
    return false;
}

static void update_figures(struct kafka_consumer *consumer)
{
    int64_t lag = 0;
    int64_t count = 0;
    for (const struct kafka_partition *p = consumer->partitions; p != NULL; p = p->next) {
        lag += kafka_partition_lag(p);
        count++;
    }
    metrics_set(consumer->metrics.lag, lag);
    metrics_set(consumer->metrics.partitions, count);
}

/* --- pausing --- */

static void end_pause(struct kafka_consumer *consumer)
{
    void (*on_paused)(void *arg) = consumer->on_paused;
    consumer->on_paused = NULL;
    consumer->is_committing = false;
    event_del(consumer->commit_timer);
    on_paused(consumer->paused_arg);
}

/* Commits what is stored once nothing runs; the answer is an event of the queue. */
static void advance_pause(struct kafka_consumer *consumer)
{
    if (consumer->on_paused == NULL || consumer->is_committing || is_running(consumer)) {
        return;
    }
    if (consumer->owner.rk == NULL || consumer->partitions == NULL ||
        rd_kafka_commit_queue(consumer->owner.rk, NULL, consumer->queue, NULL, consumer) !=
            RD_KAFKA_RESP_ERR_NO_ERROR) {
        end_pause(consumer);
        return;
    }
    consumer->is_committing = true;
    int64_t patience_ms = consumer->is_away ? AWAY_MS : COMMIT_MS;
    event_add(consumer->commit_timer,
              &(struct timeval){patience_ms / 1000, (patience_ms % 1000) * 1000});
}

static void give_up_commit(struct kafka_consumer *consumer)
{
    log_warn("kafka offsets not committed, some records will come again",
             LOG_TEXT("operation", consumer->operation));
    end_pause(consumer);
}

/* The commit had no answer, or failed some time ago. */
static void consumer_on_commit_timer(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct kafka_consumer *consumer = arg;
    if (consumer->is_committing || clock_monotonic_ns() > consumer->pause_end_ns) {
        give_up_commit(consumer);
    } else {
        advance_pause(consumer);
    }
}

/* A group that is being rebalanced takes no commits for a moment. */
static void handle_pause_commit(struct kafka_consumer *consumer, bool is_done)
{
    if (!consumer->is_committing) {
        return; /* given up */
    }
    if (is_done) {
        end_pause(consumer);
    } else {
        consumer->is_committing = false;
        if (consumer->pause_end_ns == INT64_MAX) {
            consumer->pause_end_ns = clock_monotonic_ns() + COMMIT_MS * NS_PER_MS;
        }
        event_add(consumer->commit_timer, &(struct timeval){0, COMMIT_RETRY_MS * 1000});
    }
}

/* Both the commits of pauses, which carry the consumer, and the automatic ones. */
static void handle_commit(struct kafka_consumer *consumer, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t failure = rd_kafka_event_error(event);
    bool is_done = failure == RD_KAFKA_RESP_ERR_NO_ERROR || failure == RD_KAFKA_RESP_ERR__NO_OFFSET;
    consumer->is_away = consumer->is_away && !is_done;
    if (rd_kafka_event_opaque(event) == consumer) {
        handle_pause_commit(consumer, is_done);
    } else if (is_done) {
        consumer->last_commit_error = RD_KAFKA_RESP_ERR_NO_ERROR;
    } else if (failure != consumer->last_commit_error) {
        consumer->last_commit_error = failure;
        log_warn("kafka offsets not committed, trying again",
                 LOG_TEXT("operation", consumer->operation),
                 LOG_TEXT("reason", rd_kafka_err2str(failure)));
    }
}

/* --- the group --- */

static void free_partitions(struct kafka_consumer *consumer)
{
    while (consumer->partitions != NULL) {
        struct kafka_partition *partition = consumer->partitions;
        consumer->partitions = partition->next;
        kafka_partition_destroy(partition);
    }
}

static void assign(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        struct kafka_partition *partition =
            kafka_partition_create(&consumer->owner, list->elems[i].partition);
        if (partition == NULL) {
            log_error("kafka partition not consumed: out of memory",
                      LOG_TEXT("operation", consumer->operation),
                      LOG_INT("partition", list->elems[i].partition));
            continue;
        }
        partition->next = consumer->partitions;
        consumer->partitions = partition;
    }
    rd_kafka_resp_err_t failure = rd_kafka_assign(consumer->owner.rk, list);
    log_info("kafka partitions assigned", LOG_TEXT("operation", consumer->operation),
             LOG_TEXT("topic", consumer->identity.topic), LOG_INT("count", list->cnt),
             LOG_TEXT("result", rd_kafka_err2name(failure)));
    update_figures(consumer);
}

/* Gives the partitions back once the last batch of them has ended; librdkafka commits the stored
 * offsets before it lets go. */
static void advance_revoke(struct kafka_consumer *consumer)
{
    if (!consumer->is_revoking || is_running(consumer)) {
        return;
    }
    consumer->is_revoking = false;
    log_info("kafka partitions given back", LOG_TEXT("operation", consumer->operation),
             LOG_TEXT("topic", consumer->identity.topic));
    rd_kafka_assign(consumer->owner.rk, NULL);
    free_partitions(consumer);
    update_figures(consumer);
    advance_pause(consumer);
}

static void start_revoke(struct kafka_consumer *consumer)
{
    for (struct kafka_partition *p = consumer->partitions; p != NULL; p = p->next) {
        p->is_revoked = true;
    }
    consumer->is_revoking = true;
    advance_revoke(consumer);
}

static void handle_rebalance(struct kafka_consumer *consumer, rd_kafka_event_t *event)
{
    if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        assign(consumer, rd_kafka_event_topic_partition_list(event));
    } else {
        start_revoke(consumer);
    }
}

/* A broker that is away is said by the producer; a topic that is not there yet is tried again. */
static void handle_error(struct kafka_consumer *consumer, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t failure = rd_kafka_event_error(event);
    bool is_known = failure == consumer->last_error;
    consumer->last_error = failure;
    if (failure == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        consumer->is_away = true;
    }
    if (is_known || failure == RD_KAFKA_RESP_ERR__TRANSPORT ||
        failure == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || failure == RD_KAFKA_RESP_ERR__RESOLVE) {
        return;
    }
    log_warn("kafka consumer error, trying again", LOG_TEXT("operation", consumer->operation),
             LOG_TEXT("topic", consumer->identity.topic),
             LOG_TEXT("reason", rd_kafka_event_error_string(event)));
}

static void handle_event(struct kafka_consumer *consumer, rd_kafka_event_t *event)
{
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_REBALANCE:
        handle_rebalance(consumer, event);
        break;
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
        handle_commit(consumer, event);
        break;
    case RD_KAFKA_EVENT_ERROR:
        handle_error(consumer, event);
        break;
    default:
        break;
    }
}

/* --- waking --- */

static void serve_partitions(struct kafka_consumer *consumer)
{
    for (struct kafka_partition *p = consumer->partitions; p != NULL; p = p->next) {
        kafka_partition_serve(p);
    }
}

/* The eventfd is written only when a queue goes from empty to not empty, so all are emptied here.
 */
static void serve(struct kafka_consumer *consumer)
{
    rd_kafka_event_t *event;
    while ((event = rd_kafka_queue_poll(consumer->queue, 0)) != NULL) {
        handle_event(consumer, event);
        rd_kafka_event_destroy(event);
    }
    serve_partitions(consumer);
}

static void consumer_on_wake(evutil_socket_t fd, short events, void *arg)
{
    (void)events;
    uint64_t count;
    ssize_t ignored = read(fd, &count, sizeof count);
    (void)ignored;
    serve(arg);
}

static void consumer_on_tick(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    serve(arg);
    update_figures(arg);
}

static void partition_on_batch(void *self, size_t done, size_t dead, size_t retried)
{
    struct kafka_consumer *consumer = self;
    consumer->is_away = false;
    metrics_add(consumer->metrics.batches, 1);
    metrics_add(consumer->metrics.records, (int64_t)done);
    metrics_add(consumer->metrics.dead_letters, (int64_t)dead);
    metrics_add(consumer->metrics.retries, retried > 0 ? 1 : 0);
    advance_revoke(consumer);
    advance_pause(consumer);
    serve_partitions(consumer);
}

/* --- joining --- */

static atlas_status_t make_client(struct kafka_consumer *consumer, struct error *error)
{
    char reason[256];
    rd_kafka_conf_t *conf;
    atlas_status_t status = kafka_group_conf(consumer->settings, consumer->identity.group,
                                             consumer->owner.batch_limit, &conf, error);
    if (status != ATLAS_OK) {
        return status;
    }
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    if (rk == NULL) {
        rd_kafka_conf_destroy(conf);
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "kafka: no consumer: %s", reason);
    }
    rd_kafka_poll_set_consumer(rk);
    consumer->owner.rk = rk;
    consumer->queue = rd_kafka_queue_get_consumer(rk);
    rd_kafka_queue_io_event_enable(consumer->queue, consumer->wake_fd, &wake_payload,
                                   sizeof wake_payload);
    return ATLAS_OK;
}

/* The settings were tried at creation, so what fails here is memory or threads. */
static void join_group(struct kafka_consumer *consumer)
{
    struct error error;
    if (make_client(consumer, &error) != ATLAS_OK) {
        log_error("kafka consumer not started", LOG_TEXT("operation", consumer->operation),
                  LOG_TEXT("reason", error.text));
        return;
    }
    rd_kafka_resp_err_t failure =
        kafka_group_subscribe(consumer->owner.rk, consumer->identity.topic);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR) {
        log_error("kafka consumer not subscribed", LOG_TEXT("operation", consumer->operation),
                  LOG_TEXT("reason", rd_kafka_err2str(failure)));
    }
    event_add(consumer->tick, &(struct timeval){TICK_MS / 1000, 0});
    event_add(consumer->wake_event, NULL);
    serve(consumer);
}

void kafka_consumer_resume(struct kafka_consumer *consumer, struct generation *generation,
                           atlas_status_t (*handle)(struct atlas_call *call,
                                                    const struct atlas_kafka_record *records,
                                                    size_t count, atlas_status_t *statuses))
{
    consumer->batch_route.generation = generation;
    consumer->batch_route.handle = handle;
    consumer->is_routed = true;
    if (consumer->owner.rk == NULL) {
        join_group(consumer);
    }
    for (struct kafka_partition *p = consumer->partitions; p != NULL; p = p->next) {
        kafka_partition_retry_now(p);
        kafka_partition_serve(p);
    }
}

void kafka_consumer_pause(struct kafka_consumer *consumer, void (*on_paused)(void *arg), void *arg)
{
    consumer->is_routed = false;
    consumer->on_paused = on_paused;
    consumer->paused_arg = arg;
    consumer->pause_end_ns = INT64_MAX;
    advance_pause(consumer);
}

/* --- life --- */

static void free_consumer(struct kafka_consumer *consumer)
{
    kafka_consumer_metrics_finish(&consumer->metrics);
    if (consumer->wake_fd >= 0) {
        close(consumer->wake_fd);
    }
    free(consumer);
}

static void free_events(struct kafka_consumer *consumer)
{
    struct event **events[] = {&consumer->wake_event, &consumer->tick, &consumer->commit_timer};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (*events[i] != NULL) {
            event_free(*events[i]);
            *events[i] = NULL;
        }
    }
}

static atlas_status_t make_events(struct kafka_consumer *consumer)
{
    struct event_base *base = loop_base(consumer->poller);
    consumer->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    consumer->wake_event =
        event_new(base, consumer->wake_fd, EV_READ | EV_PERSIST, consumer_on_wake, consumer);
    consumer->tick = event_new(base, -1, EV_PERSIST, consumer_on_tick, consumer);
    consumer->commit_timer = event_new(base, -1, 0, consumer_on_commit_timer, consumer);
    bool is_made = consumer->wake_fd >= 0 && consumer->wake_event != NULL &&
                   consumer->tick != NULL && consumer->commit_timer != NULL;
    return is_made ? ATLAS_OK : ATLAS_RESOURCE_EXHAUSTED;
}

static void fill_consumer(struct kafka_consumer *consumer,
                          const struct kafka_consumer_options *options)
{
    const struct config_kafka *settings = options->settings;
    consumer->identity = options->identity;
    consumer->settings = settings;
    consumer->runtime = options->runtime;
    consumer->poller = options->poller;
    snprintf(consumer->dead_topic, sizeof consumer->dead_topic, "%s%s", options->identity.topic,
             settings->dead_letter_suffix);
    snprintf(consumer->operation, sizeof consumer->operation, "%s consumer %s",
             options->identity.plugin, options->identity.name);
    consumer->owner = (struct kafka_partition_owner){
        .topic = consumer->identity.topic,
        .poller = options->poller,
        .wake_fd = consumer->wake_fd,
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

atlas_status_t kafka_consumer_create(const struct kafka_consumer_options *options,
                                     struct kafka_consumer **ret_consumer, struct error *error)
{
    rd_kafka_conf_t *conf;
    struct kafka_consumer *consumer = calloc(1, sizeof *consumer);
    if (consumer == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "kafka: out of memory");
    }
    consumer->wake_fd = -1;
    consumer->poller = options->poller;
    atlas_status_t status = make_events(consumer);
    if (status != ATLAS_OK) {
        error_set(error, status, "kafka: no events for a consumer; raise the limit of open files");
    } else {
        fill_consumer(consumer, options);
        status = kafka_group_conf(consumer->settings, consumer->identity.group,
                                  consumer->owner.batch_limit, &conf, error);
    }
    if (status != ATLAS_OK) {
        free_events(consumer);
        free_consumer(consumer);
        return status;
    }
    rd_kafka_conf_destroy(conf);
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
    struct kafka_consumer *consumer = arg;
    kafka_group_leave(consumer->owner.rk, consumer->queue, consumer->is_away ? AWAY_MS : CLOSE_MS);
    consumer->owner.rk = NULL;
    consumer->queue = NULL;
    free_consumer(consumer);
    return NULL;
}

bool kafka_consumer_close(struct kafka_consumer *consumer, pthread_t *ret_thread)
{
    free_events(consumer);
    free_partitions(consumer);
    if (consumer->owner.rk == NULL) {
        free_consumer(consumer);
        return false;
    }
    rd_kafka_queue_io_event_enable(consumer->queue, -1, NULL, 0);
    if (pthread_create(ret_thread, NULL, run_close, consumer) != 0) {
        run_close(consumer);
        return false;
    }
    return true;
}
