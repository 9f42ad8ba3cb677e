/* Consumers of plugins, against librdkafka's mock cluster: batches, retries, dead letters, reloads
 * and rebalances. */
#include "inbound/kafka/kafka_module.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "kafka_cluster.h"
#include "module_fixture.h"
#include "support/unit.h"

#define PRODUCE  0 /* an ApiKey of Kafka */
#define SEEN_MAX 4096

static const char *brokers;
static char topic[64]; /* of this test alone: a real Kafka remembers */
static char dead_topic[80];
static char group[64];
static struct kafka_module *kafka;

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
static _Atomic bool is_slow;
static int failures_left; /* of the record "weak" */

static void forget(void)
{
    seen_count = 0;
    largest_batch = 0;
    failures_left = 0;
    is_slow = false;
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
    if (strcmp(value, "poison") == 0) {
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

static atlas_status_t handle(struct atlas_call *public, const struct atlas_kafka_record *records,
                             size_t count, atlas_status_t *statuses)
{
    struct call *call = call_of(public);
    atlas_status_t status = ATLAS_OK;
    if (is_slow) {
        call->public.interfaces->call->sleep(public, 300 * NS_PER_MS);
    }
    pthread_mutex_lock(&mutex);
    largest_batch = count > largest_batch ? count : largest_batch;
    for (size_t i = 0; i < count; i++) {
        char value[32];
        snprintf(value, sizeof value, "%.*s", (int)records[i].value.len,
                 (const char *)records[i].value.data);
        statuses[i] = judge(public, i, value);
        if (statuses[i] == ATLAS_UNAVAILABLE) {
            status = ATLAS_UNAVAILABLE; /* of the records behind it, too */
            break;
        }
        note(call, &records[i], value);
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

static void start(const char *settings)
{
    char groups[400];
    struct error error;
    static unsigned number;
    forget();
    number++;
    snprintf(topic, sizeof topic, "events-%d-%u", (int)getpid(), number);
    snprintf(dead_topic, sizeof dead_topic, "%s.dead", topic);
    snprintf(group, sizeof group, "test-%d-%u", (int)getpid(), number);
    brokers = kafka_cluster_start();
    snprintf(groups, sizeof groups,
             "kafka = { brokers = \"%s\"; retry_min = \"20ms\"; retry_max = \"50ms\"; %s };",
             brokers, settings);
    fixture_create(groups);
    CU_ASSERT_EQUAL_FATAL(kafka_module_create(&fixture_config()->kafka, &kafka, &error), ATLAS_OK);
    fixture_start(kafka_module_module(kafka));
}

static void stop(void)
{
    kafka_module_close(kafka);
    fixture_destroy();
    kafka_module_destroy(kafka);
    kafka_cluster_stop();
}

static struct generation *load(const struct atlas_consumer *consumer, bool is_reload)
{
    struct error error = {.text = ""};
    struct generation *plugin = fixture_load("test", topic, consumer, 1, is_reload, &error);
    if (plugin == NULL) {
    }
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

/* Every record of a partition once, in order. */
static bool is_in_order(int32_t partition, int64_t count)
{
    int64_t next = 0;
    for (size_t i = 0; i < seen_count; i++) {
        if (seen[i].partition == partition && seen[i].offset != next++) {
            return false;
        }
    }
    return next == count;
}

/* --- the tests --- */

static void test_records_come_in_bounded_batches_on_their_loop(void)
{
    start("");
    for (int p = 0; p < 4; p++) {
        publish_numbers(p, 0, 30);
    }
    struct generation *plugin = load(&declared, false);
    fixture_activate(plugin);
    CU_ASSERT_TRUE(sees(120));
    unload(plugin);
    CU_ASSERT_TRUE(largest_batch <= 10);
    CU_ASSERT_TRUE(largest_batch > 1);
    for (int p = 0; p < 4; p++) {
        CU_ASSERT_TRUE(is_in_order(p, 30));
        CU_ASSERT_EQUAL(kafka_cluster_committed(group, topic, p), 30);
    }
    for (size_t i = 0; i < seen_count; i++) {
        CU_ASSERT_EQUAL(seen[i].loop, (unsigned)seen[i].partition % FIXTURE_LOOPS);
    }
    stop();
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
    start("");
    publish(2, "a");
    kafka_cluster_publish(topic, 2, "driver-7", "poison");
    publish(2, "b");
    struct generation *plugin = load(&declared, false);
    fixture_activate(plugin);
    CU_ASSERT_TRUE(sees(3));
    unload(plugin);
    CU_ASSERT_TRUE(is_in_order(2, 3));
    CU_ASSERT_EQUAL(kafka_cluster_committed(group, topic, 2), 3);
    CU_ASSERT_EQUAL(kafka_cluster_count(dead_topic, -1), 1);
    int partition = 0;
    while (partition < 3 && kafka_cluster_count(dead_topic, partition) == 0) {
        partition++;
    }
    rd_kafka_message_t *letter = kafka_cluster_read(dead_topic, partition, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(letter);
    CU_ASSERT_TRUE(letter->key_len == 8 && memcmp(letter->key, "driver-7", 8) == 0);
    CU_ASSERT_TRUE(letter->len == 6 && memcmp(letter->payload, "poison", 6) == 0);
    CU_ASSERT_EQUAL_FATAL(rd_kafka_message_headers(letter, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    CU_ASSERT_TRUE(has_header(headers, "dead-reason", "it is poison"));
    CU_ASSERT_TRUE(has_header(headers, "dead-status", "INVALID_ARGUMENT"));
    CU_ASSERT_TRUE(has_header(headers, "dead-topic", topic));
    CU_ASSERT_TRUE(has_header(headers, "dead-partition", "2"));
    CU_ASSERT_TRUE(has_header(headers, "dead-offset", "1"));
    rd_kafka_message_destroy(letter);
    stop();
}

static bool has_letter(void *arg)
{
    (void)arg;
    return kafka_cluster_count(dead_topic, -1) > 0;
}

/* The broker refuses the letter at first: the record stays where it is until the letter is there.
 */
static void test_dead_letter_that_cannot_be_published_is_tried_again(void)
{
    if (kafka_cluster_is_real()) {
        return;
    }
    start("publish_timeout = \"300ms\";");
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
    CU_ASSERT_EQUAL(kafka_cluster_count(dead_topic, -1), 1);
    CU_ASSERT_EQUAL(kafka_cluster_committed(group, topic, 1), 2);
    stop();
}

static void test_transient_failures_come_again_in_order(void)
{
    start("");
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
    CU_ASSERT_EQUAL(kafka_cluster_committed(group, topic, 0), 8);
    int64_t highest = -1;
    for (size_t i = 0; i < seen_count; i++) {
        if (seen[i].partition == 0 && seen[i].offset > highest) {
            CU_ASSERT_EQUAL(seen[i].offset, highest + 1); /* nothing overtakes a weak record */
            highest = seen[i].offset;
        }
    }
    CU_ASSERT_EQUAL(highest, 7);
    stop();
}

static void test_reload_goes_on_at_the_next_record(void)
{
    start("");
    struct generation *old = load(&declared, false);
    fixture_activate(old);
    publish_numbers(3, 0, 5);
    CU_ASSERT_TRUE(sees(5));
    struct generation *fresh = load(&declared, true);
    fixture_deactivate(old);
    CU_ASSERT_EQUAL(kafka_cluster_committed(group, topic, 3), 5);
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
    stop();
}

static void test_deactivate_waits_for_the_batch_in_flight(void)
{
    start("");
    struct generation *plugin = load(&declared, false);
    fixture_activate(plugin);
    publish(0, "first");
    CU_ASSERT_TRUE(sees(1));
    is_slow = true;
    publish(0, "second");
    nanosleep(&(struct timespec){0, 150000000}, NULL); /* lets it begin; right without, too */
    fixture_deactivate(plugin);
    size_t count = count_seen();
    CU_ASSERT_EQUAL(kafka_cluster_committed(group, topic, 0), (int64_t)count);
    fixture_unload(plugin);
    CU_ASSERT_EQUAL(count_seen(), count);
    stop();
}

static void test_weak_record_does_not_hold_up_a_reload(void)
{
    start("");
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
    stop();
}

/* A member of the group from outside: joins, takes its share, and leaves again. */
static rd_kafka_t *join_group(void)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, reason, sizeof reason);
    rd_kafka_conf_set(conf, "group.id", group, reason, sizeof reason);
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
    int64_t next[4] = {0};
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < seen_count; i++) {
        if (seen[i].offset == next[seen[i].partition]) {
            next[seen[i].partition]++;
        }
    }
    pthread_mutex_unlock(&mutex);
    return next[0] >= *per_partition && next[1] >= *per_partition && next[2] >= *per_partition &&
           next[3] >= *per_partition;
}

static bool has_committed_all(void *arg)
{
    int64_t *per_partition = arg;
    for (int p = 0; p < 4; p++) {
        if (kafka_cluster_committed(group, topic, p) != *per_partition) {
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
    start("");
    struct generation *plugin = load(&declared, false);
    fixture_activate(plugin);
    for (int p = 0; p < 4; p++) {
        publish_numbers(p, 0, 3);
    }
    CU_ASSERT_TRUE(sees(12));
    is_slow = true;
    for (int p = 0; p < 4; p++) {
        publish_numbers(p, 3, 6);
    }
    rd_kafka_t *other = join_group();
    CU_ASSERT_TRUE(fixture_eventually(has_share, other));
    is_slow = false;
    rd_kafka_consumer_close(other);
    rd_kafka_destroy(other);
    /* also what the other one had taken and not committed */
    CU_ASSERT_TRUE(fixture_eventually(has_seen_all, &per_partition));
    CU_ASSERT_TRUE(fixture_eventually(has_committed_all, &per_partition));
    unload(plugin);
    for (int p = 0; p < 4; p++) {
        CU_ASSERT_TRUE(kafka_cluster() != NULL || is_in_order(p, 6));
    }
    stop();
}

static void test_topic_that_comes_later_is_consumed(void)
{
    if (kafka_cluster_is_real()) {
        return;
    }
    struct atlas_consumer later = declared;
    struct error error;
    later.name = "later";
    start("");
    struct generation *plugin = fixture_load("test", "later", &later, 1, false, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(plugin);
    rd_kafka_mock_topic_set_error(kafka_cluster(), "later",
                                  RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    fixture_activate(plugin);
    nanosleep(&(struct timespec){0, 500000000}, NULL);
    rd_kafka_mock_topic_set_error(kafka_cluster(), "later", RD_KAFKA_RESP_ERR_NO_ERROR);
    kafka_cluster_publish("later", 0, "k", "v");
    CU_ASSERT_TRUE(sees(1));
    unload(plugin);
    stop();
}

static void test_consumer_without_a_topic_refuses_the_load(void)
{
    struct atlas_consumer nameless = declared;
    struct error error;
    nameless.topic_key = NULL;
    start("");
    CU_ASSERT_PTR_NULL(fixture_load("test", topic, &nameless, 1, false, &error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "consumer \"events\": its topic"));
    stop();
}

static void refuses_two(const char *name, const char *other_group, const char *why)
{
    struct atlas_consumer two[] = {declared, declared};
    struct error error = {.text = ""};
    two[1].name = name;
    two[1].group = other_group;
    CU_ASSERT_PTR_NULL(fixture_load("test", topic, two, 2, false, &error));
    CU_ASSERT_STRING_EQUAL(error.text, why);
}

static void test_consumers_that_are_in_each_others_way_refuse_the_load(void)
{
    char why[400];
    start("");
    refuses_two("events", "other",
                "consumers 1 and 2 are both named \"events\"; give each a name of its own");
    snprintf(
        why, sizeof why,
        "consumers \"events\" and \"again\" are both of group \"%s\" for topic \"%s\", so each "
        "would get a part of its records; give each a group of its own, or make them one",
        group, topic);
    refuses_two("again", group, why);
    stop();
}

UNIT_MAIN("kafka_consumer", UNIT_TEST(test_records_come_in_bounded_batches_on_their_loop),
          UNIT_TEST(test_poison_goes_to_the_dead_letter_topic),
          UNIT_TEST(test_dead_letter_that_cannot_be_published_is_tried_again),
          UNIT_TEST(test_transient_failures_come_again_in_order),
          UNIT_TEST(test_reload_goes_on_at_the_next_record),
          UNIT_TEST(test_deactivate_waits_for_the_batch_in_flight),
          UNIT_TEST(test_weak_record_does_not_hold_up_a_reload),
          UNIT_TEST(test_partitions_are_given_back_and_nothing_is_lost),
          UNIT_TEST(test_topic_that_comes_later_is_consumed),
          UNIT_TEST(test_consumer_without_a_topic_refuses_the_load),
          UNIT_TEST(test_consumers_that_are_in_each_others_way_refuse_the_load))
