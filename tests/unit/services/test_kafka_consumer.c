/* Consumers of plugins, against librdkafka's mock cluster: batches, retries, dead letters,
 * rebalances, and what is refused. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "kafka_scene.h"
#include "support/unit.h"

#define PRODUCE 0 /* an ApiKey of Kafka */

static void test_records_come_in_bounded_batches_on_their_loop(void)
{
    scene_begin();
    for (int p = 0; p < SCENE_PARTITIONS; p++) {
        scene_publish_numbers(p, 0, 30);
    }
    struct generation *plugin = scene_load(&scene_consumer, false);
    fixture_activate(plugin);
    CU_ASSERT_TRUE(handler_sees(120));
    scene_unload(plugin);
    CU_ASSERT_TRUE(handler.largest_batch <= 10);
    CU_ASSERT_TRUE(handler.largest_batch > 1);
    for (int p = 0; p < SCENE_PARTITIONS; p++) {
        CU_ASSERT_TRUE(scene_is_in_order(p, 30));
        CU_ASSERT_EQUAL(scene_committed(p), 30);
    }
    for (size_t i = 0; i < handler.seen_count; i++) {
        CU_ASSERT_EQUAL(handler.seen[i].loop, (unsigned)handler.seen[i].partition % FIXTURE_LOOPS);
    }
}

/* As a handler that returns between spawn and join: its task's struct is gone with its stack. */
static void test_task_of_a_batch_that_was_left_is_not_touched(void)
{
    struct atlas_task gone;
    memset(&gone, HANDLER_LEFT, sizeof gone);
    scene_begin();
    handler.mood = HANDLER_LEAVING;
    scene_publish(1, "a");
    kafka_cluster_publish(scene.topic, 1, "driver-7", "poison");
    struct generation *plugin = scene_load(&scene_consumer, false);
    fixture_activate(plugin);
    CU_ASSERT_TRUE(handler_sees(2)); /* in one batch or in two */
    scene_unload(plugin);
    CU_ASSERT_EQUAL(memcmp(&handler.left, &gone, sizeof gone), 0);
    CU_ASSERT_EQUAL(scene_committed(1), 2);
}

static bool has_header(const rd_kafka_headers_t *headers, const char *name, const char *expected)
{
    const void *value;
    size_t len;
    return rd_kafka_header_get_last(headers, name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR &&
           len == strlen(expected) && memcmp(value, expected, len) == 0;
}

/* The one dead letter that there is. */
static rd_kafka_message_t *read_letter(void)
{
    int partition = 0;
    while (partition < 3 &&
           kafka_cluster_count(scene.dead_topic, partition) == scene.dead_first[partition]) {
        partition++;
    }
    return kafka_cluster_read(scene.dead_topic, partition, scene.dead_first[partition]);
}

static void test_dead_letter_says_that_the_handler_set_no_status(void)
{
    rd_kafka_headers_t *headers;
    scene_begin();
    scene_publish(2, "garbage");
    scene_publish(2, "b");
    struct generation *plugin = scene_load(&scene_consumer, false);
    fixture_activate(plugin);
    CU_ASSERT_TRUE(handler_sees(2));
    scene_unload(plugin);
    CU_ASSERT_EQUAL(scene_committed(2), 2);
    rd_kafka_message_t *letter = read_letter();
    CU_ASSERT_PTR_NOT_NULL_FATAL(letter);
    CU_ASSERT_EQUAL_FATAL(rd_kafka_message_headers(letter, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    CU_ASSERT_TRUE(has_header(headers, "dead-status", "UNKNOWN"));
    CU_ASSERT_TRUE(has_header(headers, "dead-reason", "the handler set 99, which is no status"));
    rd_kafka_message_destroy(letter);
}

static void test_poison_goes_to_the_dead_letter_topic(void)
{
    rd_kafka_headers_t *headers;
    char offset[24];
    scene_begin();
    scene_publish(2, "a");
    kafka_cluster_publish(scene.topic, 2, "driver-7", "poison");
    scene_publish(2, "b");
    struct generation *plugin = scene_load(&scene_consumer, false);
    fixture_activate(plugin);
    CU_ASSERT_TRUE(handler_sees(3));
    scene_unload(plugin);
    CU_ASSERT_TRUE(scene_is_in_order(2, 3));
    CU_ASSERT_EQUAL(scene_committed(2), 3);
    CU_ASSERT_EQUAL(scene_dead_count(), 1);
    rd_kafka_message_t *letter = read_letter();
    CU_ASSERT_PTR_NOT_NULL_FATAL(letter);
    CU_ASSERT_TRUE(letter->key_len == 8 && memcmp(letter->key, "driver-7", 8) == 0);
    CU_ASSERT_TRUE(letter->len == 6 && memcmp(letter->payload, "poison", 6) == 0);
    CU_ASSERT_EQUAL_FATAL(rd_kafka_message_headers(letter, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    CU_ASSERT_TRUE(has_header(headers, "dead-reason", "it is poison"));
    CU_ASSERT_TRUE(has_header(headers, "dead-status", "INVALID_ARGUMENT"));
    CU_ASSERT_TRUE(has_header(headers, "dead-topic", scene.topic));
    CU_ASSERT_TRUE(has_header(headers, "dead-partition", "2"));
    snprintf(offset, sizeof offset, "%d", (int)scene.first[2] + 1);
    CU_ASSERT_TRUE(has_header(headers, "dead-offset", offset));
    rd_kafka_message_destroy(letter);
}

static bool has_letter(void *arg)
{
    (void)arg;
    return scene_dead_count() > 0;
}

/* The broker refuses the letter at first: the record stays where it is until the letter is there.
 */
static void test_dead_letter_that_cannot_be_published_is_tried_again(void)
{
    if (kafka_cluster_is_real()) {
        return;
    }
    scene_begin();
    scene_publish(1, "poison");
    scene_publish(1, "after");
    rd_kafka_mock_push_request_errors(kafka_cluster(), PRODUCE, 2,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    struct generation *plugin = scene_load(&scene_consumer, false);
    fixture_activate(plugin);
    CU_ASSERT_TRUE(fixture_eventually(has_letter, NULL));
    CU_ASSERT_TRUE(handler_count() > 2); /* the poison more than once */
    scene_unload(plugin);
    CU_ASSERT_EQUAL(scene_dead_count(), 1);
    CU_ASSERT_EQUAL(scene_committed(1), 2);
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
    scene_begin();
    scene_publish(3, "poison");
    scene_publish(3, large);
    scene_publish(3, "after");
    struct generation *plugin = scene_load(&scene_consumer, false);
    fixture_activate(plugin);
    CU_ASSERT_TRUE(handler_sees(3));
    scene_unload(plugin);
    CU_ASSERT_EQUAL(scene_committed(3), 3);
    CU_ASSERT_EQUAL(scene_dead_count(), 2);
    int partition = 0;
    while (partition < 3 &&
           kafka_cluster_count(scene.dead_topic, partition) == scene.dead_first[partition]) {
        partition++;
    }
    rd_kafka_message_t *letter =
        kafka_cluster_read(scene.dead_topic, partition, scene.dead_first[partition] + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(letter);
    CU_ASSERT_EQUAL(letter->len, 0);
    CU_ASSERT_EQUAL_FATAL(rd_kafka_message_headers(letter, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    CU_ASSERT_TRUE(has_header(headers, "dead-reason", "it is poison"));
    CU_ASSERT_TRUE(
        has_header(headers, "dead-value", "left out: the broker refuses the letter with it"));
    rd_kafka_message_destroy(letter);
}

/* Headers take memory of the batch. A record with too many of them is put aside; several that do
 * not fit together come one after the other. Neither holds up the partition. */
static void test_records_with_many_headers_hold_up_nothing(void)
{
    size_t room =
        (size_t)fixture_config()->calls.arena_bytes / 8 / sizeof(struct atlas_kafka_header);
    scene_begin();
    scene_publish(1, "before");
    for (int i = 0; i < 4; i++) {
        kafka_cluster_publish_with_headers(scene.topic, 1, room / 2);
    }
    kafka_cluster_publish_with_headers(scene.topic, 1, room + 1);
    scene_publish(1, "after");
    struct generation *plugin = scene_load(&scene_consumer, false);
    fixture_activate(plugin);
    CU_ASSERT_TRUE(handler_sees(6));
    scene_unload(plugin);
    CU_ASSERT_EQUAL(handler_count(), 6);
    CU_ASSERT_EQUAL(scene_committed(1), 7);
    CU_ASSERT_EQUAL(scene_dead_count(), 1);
}

/* The memory of a batch is that of one call. Records that use it up together come one after the
 * other, one that does so alone is put aside. Neither holds up the partition. */
static void test_records_that_need_much_memory_hold_up_nothing(void)
{
    scene_begin();
    scene_publish(2, "before");
    scene_publish(2, "hungry");
    scene_publish(2, "hungry");
    scene_publish(2, "greedy");
    scene_publish(2, "after");
    struct generation *plugin = scene_load(&scene_consumer, false);
    fixture_activate(plugin);
    CU_ASSERT_TRUE(handler_sees(4));
    scene_unload(plugin);
    CU_ASSERT_EQUAL(handler_count(), 4);
    CU_ASSERT_EQUAL(scene_committed(2), 5);
    CU_ASSERT_EQUAL(scene_dead_count(), 1);
}

static void test_transient_failures_come_again_in_order(void)
{
    scene_begin();
    scene_publish_numbers(0, 0, 3);
    scene_publish(0, "weak");
    scene_publish_numbers(0, 4, 8);
    scene_publish_numbers(1, 0, 8);
    handler.failures_left = 5;
    struct generation *plugin = scene_load(&scene_consumer, false);
    fixture_activate(plugin);
    CU_ASSERT_TRUE(handler_sees(16));
    scene_unload(plugin);
    CU_ASSERT_EQUAL(handler.failures_left, 0);
    CU_ASSERT_EQUAL(scene_committed(0), 8);
    int64_t highest = scene.first[0] - 1;
    for (size_t i = 0; i < handler.seen_count; i++) {
        if (handler.seen[i].partition == 0 && handler.seen[i].offset > highest) {
            CU_ASSERT_EQUAL(handler.seen[i].offset,
                            highest + 1); /* nothing overtakes a weak record */
            highest = handler.seen[i].offset;
        }
    }
    CU_ASSERT_EQUAL(highest, scene.first[0] + 7);
}

/* A member of the group from outside: joins, takes its share, and leaves again. */
static rd_kafka_t *join_group(void)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", scene.brokers, reason, sizeof reason);
    rd_kafka_conf_set(conf, "group.id", scene.group, reason, sizeof reason);
    rd_kafka_conf_set(conf, "session.timeout.ms", "6000", reason, sizeof reason);
    rd_kafka_conf_set(conf, "heartbeat.interval.ms", "500", reason, sizeof reason);
    rd_kafka_conf_set(conf, "enable.auto.commit", "false", reason, sizeof reason);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, scene.topic, RD_KAFKA_PARTITION_UA);
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
    int64_t next[SCENE_PARTITIONS];
    memcpy(next, scene.first, sizeof next);
    pthread_mutex_lock(&handler.mutex);
    for (size_t i = 0; i < handler.seen_count; i++) {
        if (handler.seen[i].offset == next[handler.seen[i].partition]) {
            next[handler.seen[i].partition]++;
        }
    }
    pthread_mutex_unlock(&handler.mutex);
    for (int p = 0; p < SCENE_PARTITIONS; p++) {
        if (next[p] < scene.first[p] + *per_partition) {
            return false;
        }
    }
    return true;
}

static bool has_committed_all(void *arg)
{
    int64_t *per_partition = arg;
    for (int p = 0; p < SCENE_PARTITIONS; p++) {
        if (scene_committed(p) != *per_partition) {
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
    scene_begin();
    struct generation *plugin = scene_load(&scene_consumer, false);
    fixture_activate(plugin);
    for (int p = 0; p < SCENE_PARTITIONS; p++) {
        scene_publish_numbers(p, 0, 3);
    }
    CU_ASSERT_TRUE(handler_sees(12));
    handler.mood = HANDLER_SLOW;
    for (int p = 0; p < SCENE_PARTITIONS; p++) {
        scene_publish_numbers(p, 3, 6);
    }
    rd_kafka_t *other = join_group();
    CU_ASSERT_TRUE(fixture_eventually(has_share, other));
    handler.mood = HANDLER_BRISK;
    rd_kafka_consumer_close(other);
    rd_kafka_destroy(other);
    /* also what the other one had taken and not committed */
    CU_ASSERT_TRUE(fixture_eventually(has_seen_all, &per_partition));
    CU_ASSERT_TRUE(fixture_eventually(has_committed_all, &per_partition));
    scene_unload(plugin);
    for (int p = 0; p < SCENE_PARTITIONS; p++) {
        CU_ASSERT_TRUE(kafka_cluster() != NULL || scene_is_in_order(p, 6));
    }
}

static void test_topic_that_comes_later_is_consumed(void)
{
    if (kafka_cluster_is_real()) {
        return;
    }
    struct atlas_consumer later = scene_consumer;
    struct error error;
    later.name = "later";
    later.group = "later";
    scene_begin();
    struct generation *plugin = scene_load_consumers("later", &later, 1, false, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(plugin);
    rd_kafka_mock_topic_set_error(kafka_cluster(), "later",
                                  RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    fixture_activate(plugin);
    nanosleep(&(struct timespec){0, 500000000}, NULL);
    rd_kafka_mock_topic_set_error(kafka_cluster(), "later", RD_KAFKA_RESP_ERR_NO_ERROR);
    kafka_cluster_publish("later", 0, "k", "v");
    CU_ASSERT_TRUE(handler_sees(1));
    scene_unload(plugin);
}

static void test_consumer_without_a_topic_refuses_the_load(void)
{
    struct atlas_consumer nameless = scene_consumer;
    struct error error;
    nameless.topic_key = NULL;
    scene_begin();
    CU_ASSERT_PTR_NULL(scene_load_consumers(scene.topic, &nameless, 1, false, &error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "consumer \"events\": its topic"));
}

static void refuses_two(const char *name, const char *other_group, const char *why)
{
    struct atlas_consumer two[] = {scene_consumer, scene_consumer};
    struct error error = {.text = ""};
    two[1].name = name;
    two[1].group = other_group;
    CU_ASSERT_PTR_NULL(scene_load_consumers(scene.topic, two, 2, false, &error));
    CU_ASSERT_STRING_EQUAL(error.text, why);
}

static void test_consumers_that_are_in_each_others_way_refuse_the_load(void)
{
    char why[400];
    scene_begin();
    refuses_two("events", "other",
                "consumers 1 and 2 are both named \"events\"; give each a name of its own");
    snprintf(
        why, sizeof why,
        "consumers \"events\" and \"again\" are both of group \"%s\" for topic \"%s\", so each "
        "would get a part of its records; give each a group of its own, or make them one",
        scene.group, scene.topic);
    refuses_two("again", scene.group, why);
}

static const struct unit_test tests[] = {
    UNIT_TEST(test_records_come_in_bounded_batches_on_their_loop),
    UNIT_TEST(test_task_of_a_batch_that_was_left_is_not_touched),
    UNIT_TEST(test_poison_goes_to_the_dead_letter_topic),
    UNIT_TEST(test_dead_letter_says_that_the_handler_set_no_status),
    UNIT_TEST(test_dead_letter_that_cannot_be_published_is_tried_again),
    UNIT_TEST(test_dead_letter_that_is_too_large_comes_without_the_value),
    UNIT_TEST(test_records_with_many_headers_hold_up_nothing),
    UNIT_TEST(test_records_that_need_much_memory_hold_up_nothing),
    UNIT_TEST(test_transient_failures_come_again_in_order),
    UNIT_TEST(test_partitions_are_given_back_and_nothing_is_lost),
    UNIT_TEST(test_topic_that_comes_later_is_consumed),
    UNIT_TEST(test_consumer_without_a_topic_refuses_the_load),
    UNIT_TEST(test_consumers_that_are_in_each_others_way_refuse_the_load),
};

int main(void)
{
    scene_create();
    int code = unit_run("kafka_consumer", tests, sizeof tests / sizeof tests[0]);
    scene_destroy();
    return code;
}
