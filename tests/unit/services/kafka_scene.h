/*
 * The scene of tests with consumers: one cluster, one module and one member of one group for all
 * tests of a program, since joining a group takes seconds.
 */
#ifndef KAFKA_SCENE_H
#define KAFKA_SCENE_H

#include "kafka_cluster.h"
#include "kafka_handler.h"
#include "module_fixture.h"

#define SCENE_PARTITIONS 4

extern struct scene {
    const char *brokers;
    char topic[64]; /* of this run alone: a real Kafka remembers */
    char dead_topic[80];
    char group[64];
    /* Records that were there before the test. */
    int64_t first[SCENE_PARTITIONS];
    int64_t dead_first[SCENE_PARTITIONS];
} scene;

/* The consumer that has joined already, with handler_run. */
extern const struct atlas_consumer scene_consumer;

/* Around all tests. */
void scene_create(void);
void scene_destroy(void);

/* Before each test: what is there does not count. */
void scene_begin(void);

/* Loads a plugin with one consumer of the scene's topic; with any. NULL with the error if they are
 * refused. */
struct generation *scene_load(const struct atlas_consumer *consumer, bool is_reload);
struct generation *scene_load_consumers(const char *topic, const struct atlas_consumer *consumers,
                                        size_t count, bool is_reload, struct error *error);
void scene_unload(struct generation *plugin);

/* Publishes a record to the scene's topic; numbers from (included) to (not). */
void scene_publish(int partition, const char *value);
void scene_publish_numbers(int partition, int from, int to);

/* Since the test began: every record of a partition came once, in order, and they were count;
 * what is committed; how many dead letters there are. */
bool scene_is_in_order(int32_t partition, int64_t count);
int64_t scene_committed(int partition);
int64_t scene_dead_count(void);

#endif
