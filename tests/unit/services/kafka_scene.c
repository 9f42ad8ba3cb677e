#include "kafka_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/config/config.h"
#include "inbound/kafka/kafka_module.h"
#include "support/unit.h"

struct scene scene;

static struct kafka_module *kafka;
static struct generation *keeper; /* holds the consumer, so that it stays in its group */

struct generation *scene_load_consumers(const char *name, const struct atlas_consumer *consumers,
                                        size_t count, bool is_reload, struct error *error)
{
    struct fixture_plugin plugin = {
        .id = "test", .topic = name, .consumers = consumers, .consumer_count = count};
    return fixture_load(&plugin, is_reload, error);
}

struct generation *scene_load(const struct atlas_consumer *consumer, bool is_reload)
{
    struct error error = {.text = ""};
    struct generation *plugin = scene_load_consumers(scene.topic, consumer, 1, is_reload, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(plugin);
    return plugin;
}

void scene_unload(struct generation *plugin)
{
    fixture_deactivate(plugin);
    fixture_unload(plugin);
}

const struct atlas_consumer scene_consumer = {
    .size = sizeof scene_consumer,
    .batch_limit = 10,
    .name = "events",
    .topic_key = "topic",
    .group = scene.group,
    .handle = handler_run,
};

void scene_publish(int partition, const char *value)
{
    kafka_cluster_publish(scene.topic, partition, "key", value);
}

void scene_publish_numbers(int partition, int from, int to)
{
    for (int i = from; i < to; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        kafka_cluster_queue(scene.topic, partition, "key", value);
    }
    kafka_cluster_flush();
}

/* Every record of a partition since the test began once, in order. */
bool scene_is_in_order(int32_t partition, int64_t count)
{
    int64_t next = scene.first[partition];
    for (size_t i = 0; i < handler.seen_count; i++) {
        if (handler.seen[i].partition == partition && handler.seen[i].offset != next++) {
            return false;
        }
    }
    return next == scene.first[partition] + count;
}

int64_t scene_committed(int partition)
{
    return kafka_cluster_committed(scene.group, scene.topic, partition) - scene.first[partition];
}

int64_t scene_dead_count(void)
{
    int64_t count = 0;
    for (int p = 0; p < SCENE_PARTITIONS; p++) {
        count += kafka_cluster_count(scene.dead_topic, p) - scene.dead_first[p];
    }
    return count;
}

static void start_module(void)
{
    char groups[400];
    struct error error;
    scene.brokers = kafka_cluster_start();
    snprintf(groups, sizeof groups,
             "kafka = { brokers = \"%s\"; retry_min = \"20ms\"; retry_max = \"50ms\"; "
             "session_timeout = \"%s\"; message_limit = \"2KiB\"; };\ncalls = { cleanup_limit = "
             "\"1s\"; };",
             scene.brokers, getenv("ATLAS_TEST_KAFKA") != NULL ? "6s" : "3s");
    fixture_create(groups);
    if (kafka_module_create(&fixture_config()->kafka, &kafka, &error) != ATLAS_OK) {
        printf("kafka: %s\n", error.text);
        exit(EXIT_FAILURE);
    }
    fixture_start(kafka_module_module(kafka));
}

/* Joining takes seconds, so it is done once: as long as somebody holds the consumer, it stays. */
void scene_create(void)
{
    snprintf(scene.topic, sizeof scene.topic, "events-%d", (int)getpid());
    snprintf(scene.dead_topic, sizeof scene.dead_topic, "%s.dead", scene.topic);
    snprintf(scene.group, sizeof scene.group, "test-%d", (int)getpid());
    sem_init(&handler.stuck_release, 0, 0);
    start_module();
    for (int p = 0; p < SCENE_PARTITIONS; p++) {
        scene_publish(p, "hello");
        kafka_cluster_publish(scene.dead_topic, p, "key", "hello");
    }
    keeper =
        scene_load_consumers(scene.topic, &scene_consumer, 1, false, &(struct error){.text = ""});
    if (keeper == NULL) {
        printf("the consumer was refused\n");
        exit(EXIT_FAILURE);
    }
    fixture_activate(keeper);
    handler_sees(SCENE_PARTITIONS);
    fixture_deactivate(keeper);
}

void scene_destroy(void)
{
    fixture_unload(keeper);
    kafka_module_close(kafka);
    fixture_destroy();
    kafka_module_destroy(kafka);
    kafka_cluster_stop();
}

/* Before each test: what is there does not count. */
void scene_begin(void)
{
    handler_forget();
    for (int p = 0; p < SCENE_PARTITIONS; p++) {
        scene.first[p] = kafka_cluster_count(scene.topic, p);
        scene.dead_first[p] = kafka_cluster_count(scene.dead_topic, p);
    }
}
