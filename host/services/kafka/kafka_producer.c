#include "services/kafka/kafka_producer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/readiness.h"
#include "runtime/call.h"
#include "services/kafka/kafka_delivery.h"
#include "services/kafka/kafka_producer_client.h"

#define POLL_MS       500 /* the thread wakes at least this often */
#define POLL_AWAY_MS  50
#define PROBE_MS      200 /* how long one look for a broker may take */
#define AWAY_GRACE_MS 500 /* a connection that was only idle comes back within this */
#define FLUSH_MS      2000
#define PURGE_MS      1000
#define JOIN_MS       10000
#define RETIRE_MS     10000 /* no publish holds on to a replaced client for so long */

struct kafka_producer {
    const struct config_kafka *settings;
    _Atomic(struct producer_client *) client;
    struct producer_client *retired; /* replaced after a fatal error; on the thread only */
    pthread_t thread;
    bool is_running;
    atomic_bool is_stopping;
    atomic_int_least64_t away_since_ns; /* 0: a broker is reachable */
    bool is_away_logged;                /* on the thread only, as all below */
    struct readiness_check *readiness;
    struct metrics_cell *published;
    struct metrics_cell *failed;
    struct metrics_cell *queued;
};

/* --- the thread --- */

static void note_away(struct kafka_producer *producer)
{
    int64_t reachable = 0;
    atomic_compare_exchange_strong(&producer->away_since_ns, &reachable, clock_monotonic_ns());
}

static void note_reachable(struct kafka_producer *producer)
{
    if (atomic_exchange(&producer->away_since_ns, 0) == 0) {
        return;
    }
    readiness_set_ready(producer->readiness);
    if (producer->is_away_logged) {
        producer->is_away_logged = false;
        log_info("kafka is back", LOG_TEXT("brokers", producer->settings->brokers));
    }
}

static bool is_away(const struct kafka_producer *producer)
{
    int64_t since = atomic_load(&producer->away_since_ns);
    return since != 0 && clock_monotonic_ns() - since > AWAY_GRACE_MS * NS_PER_MS;
}

static void log_away(struct kafka_producer *producer)
{
    if (!producer->is_away_logged && is_away(producer)) {
        producer->is_away_logged = true;
        readiness_set_failed(producer->readiness, "no broker of %s can be reached",
                             producer->settings->brokers);
        log_warn("kafka is away, trying again", LOG_TEXT("brokers", producer->settings->brokers));
    }
}

/* A fatal error ends an idempotent producer for good: another one takes its place, and the old one
 * reports what it still holds. */
static void replace_client(struct kafka_producer *producer, const char *reason)
{
    struct producer_client *fresh;
    struct error error;
    if (kafka_producer_client_create(producer->settings, &fresh, &error) != ATLAS_OK) {
        log_error("kafka producer cannot be replaced", LOG_TEXT("reason", error.text));
        return;
    }
    struct producer_client *old = atomic_exchange(&producer->client, fresh);
    old->retired_ns = clock_monotonic_ns();
    old->next = producer->retired;
    producer->retired = old;
    log_warn("kafka producer replaced, continuing", LOG_TEXT("reason", reason));
}

static void handle_error(struct kafka_producer *producer, struct producer_client *client,
                         rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t failure = rd_kafka_event_error(event);
    char reason[256];
    if (failure == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        note_away(producer);
    } else if (rd_kafka_event_error_is_fatal(event)) {
        rd_kafka_fatal_error(client->rk, reason, sizeof reason);
        if (client == atomic_load(&producer->client)) {
            replace_client(producer, reason);
        }
    } else if (failure != RD_KAFKA_RESP_ERR__TRANSPORT && failure != RD_KAFKA_RESP_ERR__RESOLVE) {
        log_warn("kafka producer error, continuing",
                 LOG_TEXT("reason", rd_kafka_event_error_string(event)));
    }
}

/* A broker that hangs keeps its connections, and librdkafka takes a minute to doubt them: records
 * that ran out of time are the sign. The probe decides. */
static void note_report(struct kafka_producer *producer, rd_kafka_resp_err_t failure)
{
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR) {
        note_reachable(producer);
    } else if (failure == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT) {
        note_away(producer);
    }
    metrics_add(failure == RD_KAFKA_RESP_ERR_NO_ERROR ? producer->published : producer->failed, 1);
}

static void handle_reports(struct kafka_producer *producer, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *message;
    while ((message = rd_kafka_event_message_next(event)) != NULL) {
        note_report(producer, message->err);
        kafka_delivery_report(message);
    }
}

/* Handles one event; false if none came within the time. */
static bool poll_client(struct kafka_producer *producer, struct producer_client *client,
                        int timeout_ms)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(client->queue, timeout_ms);
    if (event == NULL) {
        return false;
    }
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_DR:
        handle_reports(producer, event);
        break;
    case RD_KAFKA_EVENT_ERROR:
        handle_error(producer, client, event);
        break;
    default:
        break;
    }
    rd_kafka_event_destroy(event);
    return true;
}

/* There is no event for a broker that became reachable: ask one for nothing. */
static void probe(struct kafka_producer *producer, struct producer_client *client)
{
    const struct rd_kafka_metadata *metadata;
    if (rd_kafka_metadata(client->rk, 0, NULL, &metadata, PROBE_MS) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_metadata_destroy(metadata);
        note_reachable(producer);
    } else {
        log_away(producer);
    }
}

static void serve_retired(struct kafka_producer *producer)
{
    struct producer_client **link = &producer->retired;
    while (*link != NULL) {
        struct producer_client *client = *link;
        while (poll_client(producer, client, 0)) {
        }
        if (rd_kafka_outq_len(client->rk) == 0 &&
            clock_monotonic_ns() - client->retired_ns > RETIRE_MS * NS_PER_MS) {
            *link = client->next;
            kafka_producer_client_destroy(client);
        } else {
            link = &client->next;
        }
    }
}

static void drain(struct kafka_producer *producer, struct producer_client *client, int64_t limit_ms)
{
    int64_t end_ns = clock_monotonic_ns() + limit_ms * NS_PER_MS;
    while (rd_kafka_outq_len(client->rk) > 0 && clock_monotonic_ns() < end_ns) {
        poll_client(producer, client, POLL_AWAY_MS);
    }
    while (poll_client(producer, client, 0)) {
    }
}

static void finish_client(struct kafka_producer *producer, struct producer_client *client)
{
    drain(producer, client, FLUSH_MS);
    rd_kafka_purge(client->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    drain(producer, client, PURGE_MS);
    kafka_producer_client_destroy(client);
}

static void find_metrics(struct kafka_producer *producer)
{
    static const char *const labels[] = {"result", NULL};
    struct metrics_family *family =
        metrics_family("atlas_kafka_published_total", "Records that the broker confirmed or not.",
                       METRICS_COUNTER, labels);
    producer->published = metrics_cell(family, (const char *[]){"confirmed"});
    producer->failed = metrics_cell(family, (const char *[]){"failed"});
    family = metrics_family("atlas_kafka_queued_records", "Records that wait for the broker.",
                            METRICS_GAUGE, NULL);
    producer->queued = metrics_cell(family, NULL);
}

static void release_metrics(struct kafka_producer *producer)
{
    metrics_cell_release(producer->published);
    metrics_cell_release(producer->failed);
    metrics_cell_release(producer->queued);
}

static void *run_producer(void *arg)
{
    struct kafka_producer *producer = arg;
    pthread_setname_np(pthread_self(), "kafka-producer");
    find_metrics(producer);
    while (!atomic_load(&producer->is_stopping)) {
        struct producer_client *client = atomic_load(&producer->client);
        bool is_reachable = atomic_load(&producer->away_since_ns) == 0;
        bool is_calm = is_reachable && producer->retired == NULL;
        if (!poll_client(producer, client, is_calm ? POLL_MS : POLL_AWAY_MS) && !is_reachable) {
            probe(producer, client);
        }
        serve_retired(producer);
        metrics_set(producer->queued, rd_kafka_outq_len(client->rk));
    }
    while (producer->retired != NULL) {
        struct producer_client *client = producer->retired;
        producer->retired = client->next;
        finish_client(producer, client);
    }
    finish_client(producer, atomic_exchange(&producer->client, NULL));
    release_metrics(producer);
    readiness_remove(producer->readiness);
    return NULL;
}

/* --- publishing --- */

atlas_status_t kafka_publish_batch(struct kafka_producer *producer, struct call *call,
                                   const struct kafka_publication *records, size_t count,
                                   enum atlas_outcome *ret_outcomes)
{
    struct producer_client *client = atomic_load(&producer->client);
    for (size_t i = 0; ret_outcomes != NULL && i < count; i++) {
        ret_outcomes[i] = ATLAS_OUTCOME_NOT_DONE;
    }
    if (count == 0) {
        return ATLAS_OK;
    }
    if (client == NULL || is_away(producer)) {
        return call_fail(call, ATLAS_UNAVAILABLE,
                         "kafka %s cannot be reached; the host keeps trying",
                         producer->settings->brokers);
    }
    return kafka_delivery_run(client->rk, producer->settings, call, records, count, ret_outcomes);
}

bool kafka_producer_is_ready(const struct kafka_producer *producer)
{
    return atomic_load(&producer->away_since_ns) == 0;
}

/* --- life --- */

atlas_status_t kafka_producer_check(const struct config_kafka *settings, struct error *error)
{
    return kafka_producer_client_check(settings, error);
}

atlas_status_t kafka_producer_create(const struct config_kafka *settings,
                                     struct kafka_producer **ret_producer, struct error *error)
{
    struct producer_client *client = NULL;
    struct kafka_producer *producer = calloc(1, sizeof *producer);
    if (producer == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "kafka: out of memory");
    }
    char name[96];
    snprintf(name, sizeof name, "kafka %.80s", settings->brokers);
    producer->settings = settings;
    producer->readiness = readiness_add(name);
    atomic_init(&producer->away_since_ns, clock_monotonic_ns());
    atlas_status_t status = kafka_producer_client_create(settings, &client, error);
    if (status == ATLAS_OK) {
        atomic_init(&producer->client, client);
        int failure = pthread_create(&producer->thread, NULL, run_producer, producer);
        producer->is_running = failure == 0;
        if (failure != 0) {
            status = error_set(error, ATLAS_RESOURCE_EXHAUSTED, "kafka: no thread: %s",
                               strerror(failure));
        }
    }
    if (status != ATLAS_OK) {
        readiness_remove(producer->readiness);
        kafka_producer_client_destroy(client);
        free(producer);
        return status;
    }
    *ret_producer = producer;
    return ATLAS_OK;
}

void kafka_producer_close(struct kafka_producer *producer)
{
    struct timespec end;
    if (!producer->is_running) {
        return;
    }
    atomic_store(&producer->is_stopping, true);
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += JOIN_MS / 1000;
    if (pthread_timedjoin_np(producer->thread, NULL, &end) == 0) {
        producer->is_running = false;
    } else {
        log_error("kafka producer does not end, leaving it behind",
                  LOG_TEXT("brokers", producer->settings->brokers));
    }
}

void kafka_producer_destroy(struct kafka_producer *producer)
{
    if (producer == NULL) {
        return;
    }
    kafka_producer_close(producer);
    if (!producer->is_running) { /* else its thread still uses it */
        free(producer);
    }
}
