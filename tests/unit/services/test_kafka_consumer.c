/* Consumers of plugins, against librdkafka's mock cluster: batches, retries, dead letters, reloads
 * and rebalances. */
#include "inbound/kafka/kafka_module.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "kafka_cluster.h"
#include "module_fixture.h"
#include "runtime/wait.h"
#include "support/unit.h"

#define PRODUCE  0 /* an ApiKey of Kafka */
#define SEEN_MAX 4096

#define PARTITIONS 4

static const char *brokers;
static char topic[64]; /* of this run alone: a real Kafka remembers */
static char dead_topic[80];
static char group[64];
static struct kafka_module *kafka;
static struct generation *keeper; /* holds the consumer, so that it stays in its group */

/* Records that were there before the test. */
static int64_t first[PARTITIONS];
static int64_t dead_first[PARTITIONS];

/* What handlers saw, in the order of their seeing it. */
struct sighting {
    int32_t partition;
    int64_t offset;
    unsigned generation;
    unsigned loop;
    char value[32];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct sighting seen[SEEN_MAX];
static size_t seen_count;
static size_t largest_batch;
static int failures_left;   /* of the record "weak" */
static sem_t stuck_release; /* of a handler that is STUCK */

/* What handlers do before they look at the records. */
enum mood { BRISK, SLOW, ASLEEP, STUCK, NESTED };
static _Atomic enum mood mood;
static _Atomic unsigned begun;      /* batches that got there */
static struct call *_Atomic nested; /* what a NESTED handler waits for */
static struct worker *_Atomic nested_worker;

static void forget(void)
{
    seen_count = 0;
    largest_batch = 0;
    failures_left = 0;
    mood = BRISK;
    begun = 0;
    nested = NULL;
}

static void note(struct call *call, const struct atlas_kafka_record *record, const char *value)
{
    struct sighting *sighting = &seen[seen_count % SEEN_MAX];
    seen_count++;
    sighting->partition = record->partition;
    sighting->offset = record->offset;
    sighting->generation = call->generation->number;
    sighting->loop = call->worker->index;
    snprintf(sighting->value, sizeof sighting->value, "%s", value);
}

static atlas_status_t judge(struct atlas_call *call, size_t index, const char *value)
{
    if (strncmp(value, "poison", 6) == 0) {
        static const char reason[] = "it is poison";
        call->interfaces->kafka->reject(call, index,
                                        (struct atlas_bytes){reason, sizeof reason - 1});
        return ATLAS_INVALID_ARGUMENT;
    }
    if (strcmp(value, "weak") == 0 && failures_left > 0) {
        failures_left--;
        return ATLAS_UNAVAILABLE;
    }
    return ATLAS_OK;
}

static void block(void *arg)
{
    sem_wait(arg);
}

static atlas_status_t sleep_long(struct atlas_call *call, void *arg)
{
    (void)arg;
    nested_worker = call_of(call)->worker;
    nested = call_of(call);
    return call->interfaces->call->sleep(call, 30 * NS_PER_S);
}

/* As a plugin that calls another one and passes on what that says. */
static atlas_status_t call_another(struct atlas_call *call)
{
    struct atlas_task task = {.run = sleep_long};
    atlas_status_t status = call->interfaces->call->spawn(call, &task);
    return status == ATLAS_OK ? call->interfaces->call->join(call) : status;
}

static atlas_status_t get_ready(struct atlas_call *call)
{
    const struct atlas_call_interface *interface = call->interfaces->call;
    begun++;
    switch (mood) {
    case SLOW:
        return interface->sleep(call, 300 * NS_PER_MS);
    case ASLEEP:
        return interface->sleep(call, 30 * NS_PER_S);
    case STUCK:
        return interface->offload(call, block, &stuck_release);
    case NESTED:
        return call_another(call);
    default:
        return ATLAS_OK;
    }
}

static atlas_status_t handle(struct atlas_call *public,
                             const struct atlas_kafka_record *const *records, size_t count,
                             atlas_status_t *statuses)
{
    struct call *call = call_of(public);
    bool is_honest = mood == NESTED;
    atlas_status_t status = get_ready(public);
    if (status != ATLAS_OK) {
        return is_honest ? status
                         : ATLAS_INTERNAL; /* takes its own end for a fault of its records */
    }
    pthread_mutex_lock(&mutex);
    largest_batch = count > largest_batch ? count : largest_batch;
    for (size_t i = 0; i < count; i++) {
        char value[32];
        snprintf(value, sizeof value, "%.*s", (int)records[i]->value.len,
                 (const char *)records[i]->value.data);
        statuses[i] = judge(public, i, value);
        if (statuses[i] == ATLAS_UNAVAILABLE) {
            status = ATLAS_UNAVAILABLE; /* of the records behind it, too */
            break;
        }
        note(call, records[i], value);
    }
    pthread_mutex_unlock(&mutex);
    return status;
}

static size_t count_seen(void)
{
    pthread_mutex_lock(&mutex);
    size_t count = seen_count;
    pthread_mutex_unlock(&mutex);
    return count;
}

static bool has_seen(void *arg)
{
    return count_seen() >= *(size_t *)arg;
}

static bool sees(size_t count)
{
    return fixture_eventually(has_seen, &count);
}

static bool has_begun(void *arg)
{
    (void)arg;
    return begun > 0;
}

static struct generation *load_consumers(const char *name, const struct atlas_consumer *consumers,
                                         size_t count, bool is_reload, struct error *error)
{
    struct fixture_plugin plugin = {
        .id = "test", .topic = name, .consumers = consumers, .consumer_count = count};
    return fixture_load(&plugin, is_reload, error);
}

static struct generation *load(const struct atlas_consumer *consumer, bool is_reload)
{
    struct error error = {.text = ""};
    struct generation *plugin = load_consumers(topic, consumer, 1, is_reload, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(plugin);
    return plugin;
}

static void unload(struct generation *plugin)
{
    fixture_deactivate(plugin);
    fixture_unload(plugin);
}

static const struct atlas_consumer declared = {
    .size = sizeof declared,
    .batch_limit = 10,
    .name = "events",
    .topic_key = "topic",
    .group = group,
    .handle = handle,
};

static void publish(int partition, const char *value)
{
    kafka_cluster_publish(topic, partition, "key", value);
}

static void publish_numbers(int partition, int from, int to)
{
    for (int i = from; i < to; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        kafka_cluster_queue(topic, partition, "key", value);
    }
    kafka_cluster_flush();
}

/* Every record of a partition since the test began once, in order. */
static bool is_in_order(int32_t partition, int64_t count)
{
    int64_t next = first[partition];
    for (size_t i = 0; i < seen_count; i++) {
        if (seen[i].partition == partition && seen[i].offset != next++) {
            return false;
        }
    }
    return next == first[partition] + count;
}

static int64_t committed(int partition)
{
    return kafka_cluster_committed(group, topic, partition) - first[partition];
}

static int64_t dead_count(void)
{
    int64_t count = 0;
    for (int p = 0; p < PARTITIONS; p++) {
        count += kafka_cluster_count(dead_topic, p) - dead_first[p];
    }
    return count;
}

/* --- the scene: one cluster and one member of one group for all tests --- */

static void start_module(void)
{
    char groups[400];
    struct error error;
    brokers = kafka_cluster_start();
    snprintf(groups, sizeof groups,
             "kafka = { brokers = \"%s\"; retry_min = \"20ms\"; retry_max = \"50ms\"; "
             "session_timeout = \"%s\"; message_limit = \"2KiB\"; };\ncalls = { cleanup_limit = "
             "\"1s\"; };",
             brokers, getenv("ATLAS_TEST_KAFKA") != NULL ? "6s" : "3s");
    fixture_create(groups);
    if (kafka_module_create(&fixture_config()->kafka, &kafka, &error) != ATLAS_OK) {
        printf("kafka: %s\n", error.text);
        exit(EXIT_FAILURE);
    }
    fixture_start(kafka_module_module(kafka));
}

/* Joining takes seconds, so it is done once: as long as somebody holds the consumer, it stays. */
static void set_up(void)
{
    snprintf(topic, sizeof topic, "events-%d", (int)getpid());
    snprintf(dead_topic, sizeof dead_topic, "%s.dead", topic);
    snprintf(group, sizeof group, "test-%d", (int)getpid());
    sem_init(&stuck_release, 0, 0);
    start_module();
    for (int p = 0; p < PARTITIONS; p++) {
        publish(p, "hello");
        kafka_cluster_publish(dead_topic, p, "key", "hello");
    }
    keeper = load_consumers(topic, &declared, 1, false, &(struct error){.text = ""});
    if (keeper == NULL) {
        printf("the consumer was refused\n");
        exit(EXIT_FAILURE);
    }
    fixture_activate(keeper);
    sees(PARTITIONS);
    fixture_deactivate(keeper);
}

static void tear_down(void)
{
    fixture_unload(keeper);
    kafka_module_close(kafka);
    fixture_destroy();
    kafka_module_destroy(kafka);
    kafka_cluster_stop();
}

/* Before each test: what is there does not count. */
static void begin(void)
{
    forget();
    for (int p = 0; p < PARTITIONS; p++) {
        first[p] = kafka_cluster_count(topic, p);
        dead_first[p] = kafka_cluster_count(dead_topic, p);
    }
}

/* --- the tests --- */

static void test_records_come_in_bounded_batches_on_their_loop(void)
{
    begin();
    for (int p = 0; p < PARTITIONS; p++) {
        publish_numbers(p, 0, 30);
    }
    struct generation *plugin = load(&declared, false);
    fixture_activate(plugin);
    CU_ASSERT_TRUE(sees(120));
    unload(plugin);
    CU_ASSERT_TRUE(largest_batch <= 10);
    CU_ASSERT_TRUE(largest_batch > 1);
    for (int p = 0; p < PARTITIONS; p++) {
        CU_ASSERT_TRUE(is_in_order(p, 30));
        CU_ASSERT_EQUAL(committed(p), 30);
    }
    for (size_t i = 0; i < seen_count; i++) {
        CU_ASSERT_EQUAL(seen[i].loop, (unsigned)seen[i].partition % FIXTURE_LOOPS);
    }
}

static bool has_header(const rd_kafka_headers_t *headers, const char *name, const char *expected)
{
    const void *value;
    size_t len;
    return rd_kafka_header_get_last(headers, name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR &&
           len == strlen(expected) && memcmp(value, expected, len) == 0;
}

static void test_poison_goes_to_the_dead_letter_topic(void)
{
    rd_kafka_headers_t *headers;
    char offset[24];
    begin();
    publish(2, "a");
    kafka_cluster_publish(topic, 2, "driver-7", "poison");
    publish(2, "b");
    struct generation *plugin = load(&declared, false);
    fixture_activate(plugin);
    CU_ASSERT_TRUE(sees(3));
    unload(plugin);
    CU_ASSERT_TRUE(is_in_order(2, 3));
    CU_ASSERT_EQUAL(committed(2), 3);
    CU_ASSERT_EQUAL(dead_count(), 1);
    int partition = 0;
    while (partition < 3 && kafka_cluster_count(dead_topic, partition) == dead_first[partition]) {
        partition++;
    }
    rd_kafka_message_t *letter = kafka_cluster_read(dead_topic, partition, dead_first[partition]);
    CU_ASSERT_PTR_NOT_NULL_FATAL(letter);
    CU_ASSERT_TRUE(letter->key_len == 8 && memcmp(letter->key, "driver-7", 8) == 0);
    CU_ASSERT_TRUE(letter->len == 6 && memcmp(letter->payload, "poison", 6) == 0);
    CU_ASSERT_EQUAL_FATAL(rd_kafka_message_headers(letter, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    CU_ASSERT_TRUE(has_header(headers, "dead-reason", "it is poison"));
    CU_ASSERT_TRUE(has_header(headers, "dead-status", "INVALID_ARGUMENT"));
    CU_ASSERT_TRUE(has_header(headers, "dead-topic", topic));
    CU_ASSERT_TRUE(has_header(headers, "dead-partition", "2"));
    snprintf(offset, sizeof offset, "%d", (int)first[2] + 1);
    CU_ASSERT_TRUE(has_header(headers, "dead-offset", offset));
    rd_kafka_message_destroy(letter);
}

static bool has_letter(void *arg)
{
    (void)arg;
    return dead_count() > 0;
}

/* The broker refuses the letter at first: the record stays where it is until the letter is there.
 */
static void test_dead_letter_that_cannot_be_published_is_tried_again(void)
{
    if (kafka_cluster_is_real()) {
        return;
    }
    begin();
    publish(1, "poison");
    publish(1, "after");
    rd_kafka_mock_push_request_errors(kafka_cluster(), PRODUCE, 2,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    struct generation *plugin = load(&declared, false);
    fixture_activate(plugin);
    CU_ASSERT_TRUE(fixture_eventually(has_letter, NULL));
    CU_ASSERT_TRUE(count_seen() > 2); /* the poison more than once */
    unload(plugin);
    CU_ASSERT_EQUAL(dead_count(), 1);
    CU_ASSERT_EQUAL(committed(1), 2);
}

/* A record whose letter is too large for Kafka does not hold up its partition: the letter comes
 * without the value, and says so. */
static void test_dead_letter_that_is_too_large_comes_without_the_value(void)
{
    rd_kafka_headers_t *headers;
    char large[3000];
    memset(large, 'x', sizeof large - 1);
    memcpy(large, "poison", 6);
    large[sizeof large - 1] = '\0';
    begin();
    publish(3, "poison");
    publish(3, large);
    publish(3, "after");
    struct generation *plugin = load(&declared, false);
    fixture_activate(plugin);
    CU_ASSERT_TRUE(sees(3));
    unload(plugin);
    CU_ASSERT_EQUAL(committed(3), 3);
    CU_ASSERT_EQUAL(dead_count(), 2);
    int partition = 0;
    while (partition < 3 && kafka_cluster_count(dead_topic, partition) == dead_first[partition]) {
        partition++;
    }
    rd_kafka_message_t *letter =
        kafka_cluster_read(dead_topic, partition, dead_first[partition] + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(letter);
    CU_ASSERT_EQUAL(letter->len, 0);
    CU_ASSERT_EQUAL_FATAL(rd_kafka_message_headers(letter, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    CU_ASSERT_TRUE(has_header(headers, "dead-reason", "it is poison"));
    CU_ASSERT_TRUE(
        has_header(headers, "dead-value", "left out: the broker refuses the letter with it"));
    rd_kafka_message_destroy(letter);
}

static void test_transient_failures_come_again_in_order(void)
{
    begin();
    publish_numbers(0, 0, 3);
    publish(0, "weak");
    publish_numbers(0, 4, 8);
    publish_numbers(1, 0, 8);
    failures_left = 5;
    struct generation *plugin = load(&declared, false);
    fixture_activate(plugin);
    CU_ASSERT_TRUE(sees(16));
    unload(plugin);
    CU_ASSERT_EQUAL(failures_left, 0);
    CU_ASSERT_EQUAL(committed(0), 8);
    int64_t highest = first[0] - 1;
    for (size_t i = 0; i < seen_count; i++) {
        if (seen[i].partition == 0 && seen[i].offset > highest) {
            CU_ASSERT_EQUAL(seen[i].offset, highest + 1); /* nothing overtakes a weak record */
            highest = seen[i].offset;
        }
    }
    CU_ASSERT_EQUAL(highest, first[0] + 7);
}

static void test_reload_goes_on_at_the_next_record(void)
{
    begin();
    struct generation *old = load(&declared, false);
    fixture_activate(old);
    publish_numbers(3, 0, 5);
    CU_ASSERT_TRUE(sees(5));
    struct generation *fresh = load(&declared, true);
    fixture_deactivate(old);
    CU_ASSERT_EQUAL(committed(3), 5);
    publish_numbers(3, 5, 10);
    CU_ASSERT_EQUAL(count_seen(), 5); /* nobody handles records between the two */
    int64_t start_ns = clock_monotonic_ns();
    fixture_activate(fresh);
    CU_ASSERT_TRUE(sees(10));
    CU_ASSERT_TRUE(clock_monotonic_ns() - start_ns < NS_PER_S); /* no rebalance */
    fixture_unload(old);
    CU_ASSERT_TRUE(is_in_order(3, 10));
    CU_ASSERT_NOT_EQUAL(seen[4].generation, seen[5].generation);
    unload(fresh);
}

static void test_deactivate_waits_for_the_batch_in_flight(void)
{
    begin();
    struct generation *plugin = load(&declared, false);
    fixture_activate(plugin);
    publish(0, "first");
    CU_ASSERT_TRUE(sees(1));
    mood = SLOW;
    begun = 0;
    publish(0, "second");
    CU_ASSERT_TRUE(fixture_eventually(has_begun, NULL));
    fixture_deactivate(plugin);
    CU_ASSERT_EQUAL(count_seen(), 2);
    CU_ASSERT_EQUAL(committed(0), 2);
    fixture_unload(plugin);
}

/* Told to stop, a batch that would take long is cancelled when the time is over: nothing of it is
 * stored or buried, and the next generation gets all of it. */
static void test_deactivate_cancels_a_batch_that_takes_too_long(void)
{
    begin();
    struct generation *old = load(&declared, false);
    fixture_activate(old);
    mood = ASLEEP;
    publish_numbers(0, 0, 3);
    CU_ASSERT_TRUE(fixture_eventually(has_begun, NULL));
    int64_t start_ns = clock_monotonic_ns();
    CU_ASSERT_TRUE(fixture_deactivate_within(old, 200));
    CU_ASSERT_TRUE(clock_monotonic_ns() - start_ns < 2 * NS_PER_S);
    fixture_unload(old);
    CU_ASSERT_EQUAL(count_seen(), 0);
    CU_ASSERT_EQUAL(committed(0), 0);
    CU_ASSERT_EQUAL(dead_count(), 0);
    mood = BRISK;
    struct generation *fresh = load(&declared, false);
    fixture_activate(fresh);
    CU_ASSERT_TRUE(sees(3));
    CU_ASSERT_TRUE(is_in_order(0, 3));
    unload(fresh);
    CU_ASSERT_EQUAL(committed(0), 3);
}

/* One that cannot be cancelled is said to run still, and the generation must stay; what it did in
 * the end counts. */
static void test_deactivate_tells_of_a_batch_that_does_not_end(void)
{
    begin();
    struct generation *plugin = load(&declared, false);
    fixture_activate(plugin);
    mood = STUCK;
    publish(0, "a");
    CU_ASSERT_TRUE(fixture_eventually(has_begun, NULL));
    CU_ASSERT_FALSE(fixture_deactivate_within(plugin, 100));
    CU_ASSERT_EQUAL(count_seen(), 0);
    mood = BRISK;
    sem_post(&stuck_release);
    CU_ASSERT_TRUE(sees(1));
    CU_ASSERT_TRUE(fixture_deactivate_within(plugin, 10000));
    CU_ASSERT_EQUAL(committed(0), 1);
    fixture_unload(plugin);
}

static void cancel_nested(struct worker *worker, void *arg)
{
    (void)worker;
    call_cancel(arg, ATLAS_UNAVAILABLE);
}

static bool has_nested(void *arg)
{
    (void)arg;
    return nested != NULL;
}

/* A drain cancels what a batch calls in an old generation of another plugin: the batch comes again.
 */
static void test_batch_whose_nested_call_is_cancelled_comes_again(void)
{
    begin();
    struct generation *plugin = load(&declared, false);
    fixture_activate(plugin);
    mood = NESTED;
    publish_numbers(1, 0, 3);
    CU_ASSERT_TRUE(fixture_eventually(has_nested, NULL));
    CU_ASSERT_EQUAL(committed(1), 0);
    mood = BRISK;
    runtime_run_on(nested_worker, cancel_nested, nested);
    CU_ASSERT_TRUE(sees(3));
    unload(plugin);
    CU_ASSERT_TRUE(begun >= 2);
    CU_ASSERT_TRUE(is_in_order(1, 3));
    CU_ASSERT_EQUAL(committed(1), 3);
    CU_ASSERT_EQUAL(dead_count(), 0);
}

static void test_weak_record_does_not_hold_up_a_reload(void)
{
    begin();
    struct generation *old = load(&declared, false);
    fixture_activate(old);
    publish(0, "first");
    CU_ASSERT_TRUE(sees(1));
    failures_left = 1000000;
    publish(0, "weak");
    struct generation *fresh = load(&declared, true);
    fixture_deactivate(old);
    failures_left = 0;
    fixture_activate(fresh);
    fixture_unload(old);
    CU_ASSERT_TRUE(sees(2));
    CU_ASSERT_TRUE(is_in_order(0, 2));
    unload(fresh);
}

/* A member of the group from outside: joins, takes its share, and leaves again. */
static rd_kafka_t *join_group(void)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, reason, sizeof reason);
    rd_kafka_conf_set(conf, "group.id", group, reason, sizeof reason);
    rd_kafka_conf_set(conf, "session.timeout.ms", "6000", reason, sizeof reason);
    rd_kafka_conf_set(conf, "heartbeat.interval.ms", "500", reason, sizeof reason);
    rd_kafka_conf_set(conf, "enable.auto.commit", "false", reason, sizeof reason);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_subscribe(rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return rk;
}

static bool has_share(void *arg)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    rd_kafka_message_t *message = rd_kafka_consumer_poll(arg, 10);
    if (message != NULL) {
        rd_kafka_message_destroy(message);
    }
    rd_kafka_assignment(arg, &list);
    bool is_there = list != NULL && list->cnt == 2;
    rd_kafka_topic_partition_list_destroy(list);
    return is_there;
}

static bool has_seen_all(void *arg)
{
    int64_t *per_partition = arg;
    int64_t next[PARTITIONS];
    memcpy(next, first, sizeof next);
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < seen_count; i++) {
        if (seen[i].offset == next[seen[i].partition]) {
            next[seen[i].partition]++;
        }
    }
    pthread_mutex_unlock(&mutex);
    for (int p = 0; p < PARTITIONS; p++) {
        if (next[p] < first[p] + *per_partition) {
            return false;
        }
    }
    return true;
}

static bool has_committed_all(void *arg)
{
    int64_t *per_partition = arg;
    for (int p = 0; p < PARTITIONS; p++) {
        if (committed(p) != *per_partition) {
            return false;
        }
    }
    return true;
}

/* The mock, unlike Kafka, takes no commits while a group rebalances, so records may come twice
 * here. */
static void test_partitions_are_given_back_and_nothing_is_lost(void)
{
    int64_t per_partition = 6;
    begin();
    struct generation *plugin = load(&declared, false);
    fixture_activate(plugin);
    for (int p = 0; p < PARTITIONS; p++) {
        publish_numbers(p, 0, 3);
    }
    CU_ASSERT_TRUE(sees(12));
    mood = SLOW;
    for (int p = 0; p < PARTITIONS; p++) {
        publish_numbers(p, 3, 6);
    }
    rd_kafka_t *other = join_group();
    CU_ASSERT_TRUE(fixture_eventually(has_share, other));
    mood = BRISK;
    rd_kafka_consumer_close(other);
    rd_kafka_destroy(other);
    /* also what the other one had taken and not committed */
    CU_ASSERT_TRUE(fixture_eventually(has_seen_all, &per_partition));
    CU_ASSERT_TRUE(fixture_eventually(has_committed_all, &per_partition));
    unload(plugin);
    for (int p = 0; p < PARTITIONS; p++) {
        CU_ASSERT_TRUE(kafka_cluster() != NULL || is_in_order(p, 6));
    }
}

static void test_topic_that_comes_later_is_consumed(void)
{
    if (kafka_cluster_is_real()) {
        return;
    }
    struct atlas_consumer later = declared;
    struct error error;
    later.name = "later";
    later.group = "later";
    begin();
    struct generation *plugin = load_consumers("later", &later, 1, false, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(plugin);
    rd_kafka_mock_topic_set_error(kafka_cluster(), "later",
                                  RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    fixture_activate(plugin);
    nanosleep(&(struct timespec){0, 500000000}, NULL);
    rd_kafka_mock_topic_set_error(kafka_cluster(), "later", RD_KAFKA_RESP_ERR_NO_ERROR);
    kafka_cluster_publish("later", 0, "k", "v");
    CU_ASSERT_TRUE(sees(1));
    unload(plugin);
}

static void test_consumer_without_a_topic_refuses_the_load(void)
{
    struct atlas_consumer nameless = declared;
    struct error error;
    nameless.topic_key = NULL;
    begin();
    CU_ASSERT_PTR_NULL(load_consumers(topic, &nameless, 1, false, &error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "consumer \"events\": its topic"));
}

static void refuses_two(const char *name, const char *other_group, const char *why)
{
    struct atlas_consumer two[] = {declared, declared};
    struct error error = {.text = ""};
    two[1].name = name;
    two[1].group = other_group;
    CU_ASSERT_PTR_NULL(load_consumers(topic, two, 2, false, &error));
    CU_ASSERT_STRING_EQUAL(error.text, why);
}

static void test_consumers_that_are_in_each_others_way_refuse_the_load(void)
{
    char why[400];
    begin();
    refuses_two("events", "other",
                "consumers 1 and 2 are both named \"events\"; give each a name of its own");
    snprintf(
        why, sizeof why,
        "consumers \"events\" and \"again\" are both of group \"%s\" for topic \"%s\", so each "
        "would get a part of its records; give each a group of its own, or make them one",
        group, topic);
    refuses_two("again", group, why);
}

static const struct unit_test tests[] = {
    UNIT_TEST(test_records_come_in_bounded_batches_on_their_loop),
    UNIT_TEST(test_poison_goes_to_the_dead_letter_topic),
    UNIT_TEST(test_dead_letter_that_cannot_be_published_is_tried_again),
    UNIT_TEST(test_dead_letter_that_is_too_large_comes_without_the_value),
    UNIT_TEST(test_transient_failures_come_again_in_order),
    UNIT_TEST(test_reload_goes_on_at_the_next_record),
    UNIT_TEST(test_deactivate_waits_for_the_batch_in_flight),
    UNIT_TEST(test_deactivate_cancels_a_batch_that_takes_too_long),
    UNIT_TEST(test_deactivate_tells_of_a_batch_that_does_not_end),
    UNIT_TEST(test_batch_whose_nested_call_is_cancelled_comes_again),
    UNIT_TEST(test_weak_record_does_not_hold_up_a_reload),
    UNIT_TEST(test_partitions_are_given_back_and_nothing_is_lost),
    UNIT_TEST(test_topic_that_comes_later_is_consumed),
    UNIT_TEST(test_consumer_without_a_topic_refuses_the_load),
    UNIT_TEST(test_consumers_that_are_in_each_others_way_refuse_the_load),
};

int main(void)
{
    set_up();
    int code = unit_run("kafka_consumer", tests, sizeof tests / sizeof tests[0]);
    tear_down();
    return code;
}
