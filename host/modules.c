#include "modules.h"

#include <stdlib.h>

#include "base/config/config.h"
#include "inbound/kafka/kafka_module.h"
#include "remote.h"
#include "runtime/client.h"
#include "runtime/runtime.h"
#include "services/outbox/outbox.h"
#include "services/plugin_metrics.h"
#include "services/postgres/postgres.h"
#include "services/redis/redis.h"

struct modules {
    struct runtime *runtime;
    struct remote *remote;
    struct kafka_module *kafka; /* NULL: the configuration names no brokers */
    struct outbox_driver outbox;
    struct postgres *postgres;
    struct redis *redis;
};

static atlas_status_t create_kafka(struct modules *modules, struct error *error)
{
    const struct config *config = runtime_config(modules->runtime);
    if (config->kafka.brokers[0] == '\0') {
        return ATLAS_OK;
    }
    atlas_status_t status = kafka_module_create(&config->kafka, &modules->kafka, error);
    if (status == ATLAS_OK) {
        runtime_add_module(modules->runtime, kafka_module_module(modules->kafka));
    }
    return status;
}

static atlas_status_t create_postgres(struct modules *modules, struct error *error)
{
    outbox_driver_init(&modules->outbox, modules->kafka != NULL ? kafka_module_publish : NULL);
    atlas_status_t status = postgres_create(runtime_config(modules->runtime),
                                            &modules->outbox.interface, &modules->postgres, error);
    if (status == ATLAS_OK) {
        runtime_add_module(modules->runtime, postgres_module(modules->postgres));
    }
    return status;
}

static atlas_status_t create_redis(struct modules *modules, struct error *error)
{
    const struct config *config = runtime_config(modules->runtime);
    unsigned loops = runtime_worker_count(modules->runtime);
    atlas_status_t status = redis_create(&config->redis, loops, &modules->redis, error);
    if (status == ATLAS_OK) {
        runtime_add_module(modules->runtime, redis_module(modules->redis));
    }
    return status;
}

atlas_status_t modules_create(struct runtime *runtime, struct modules **ret_modules,
                              struct error *error)
{
    struct modules *modules = calloc(1, sizeof *modules);
    if (modules == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "modules: out of memory");
    }
    *ret_modules = modules;
    modules->runtime = runtime;
    runtime_add_module(runtime, &client_module);
    runtime_add_module(runtime, &plugin_metrics_module);
    atlas_status_t status = remote_create(runtime, &modules->remote, error);
    if (status == ATLAS_OK) {
        status = create_kafka(modules, error);
    }
    if (status == ATLAS_OK) {
        status = create_postgres(modules, error);
    }
    if (status == ATLAS_OK) {
        status = create_redis(modules, error);
    }
    return status;
}

void modules_follow(struct modules *modules, struct deployment *deployment)
{
    remote_follow(modules->remote, deployment);
}

void modules_stop(struct modules *modules)
{
    if (modules == NULL) {
        return;
    }
    if (modules->redis != NULL) {
        redis_close(modules->redis);
    }
    if (modules->kafka != NULL) {
        kafka_module_close(modules->kafka);
    }
    remote_destroy(modules->remote);
    modules->remote = NULL;
}

void modules_destroy(struct modules *modules)
{
    if (modules == NULL) {
        return;
    }
    redis_destroy(modules->redis);
    postgres_destroy(modules->postgres);
    kafka_module_destroy(modules->kafka);
    free(modules);
}
