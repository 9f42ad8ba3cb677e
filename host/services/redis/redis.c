#include "services/redis/redis.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "base/metrics.h"
#include "base/readiness.h"
#include "runtime/generation.h"
#include "runtime/runtime.h"
#include "runtime/wait.h"
#include "services/redis/redis_connection.h"
#include "services/redis/redis_reply.h"

/* What the module keeps per loop; touched on that loop. */
struct redis_loop {
    struct redis *redis;
    struct worker *worker;
    struct redis_connection *connection;
    struct wait *waiting; /* attach waits for the first attempt; a chain of one */
    bool has_tried;
    bool is_ready;
    atomic_bool is_open; /* also read by redis_close */
    struct readiness_check *readiness;
    struct metrics_cell *commands;
    struct metrics_cell *connected;
};

struct redis {
    struct module module;
    struct redis_target target;
    unsigned loop_count;
    struct redis_loop *loops;
};

/* A pipeline under way. It outlives a call that gives up: then wait is NULL and replies are
 * dropped. */
struct pipeline {
    struct redis_batch batch;
    struct wait *wait;
    struct arena *arena;
    struct atlas_redis_reply *replies;
    size_t received;
    atlas_status_t status;
};

static void pipeline_on_reply(struct redis_batch *batch, const struct redisReply *reply)
{
    struct pipeline *pipeline = CONTAINER_OF(batch, struct pipeline, batch);
    if (pipeline->wait == NULL) {
        return;
    }
    if (reply == NULL) {
        pipeline->status = ATLAS_UNAVAILABLE;
        return;
    }
    struct atlas_redis_reply *target = &pipeline->replies[pipeline->received++];
    atlas_status_t status = redis_reply_copy(pipeline->arena, reply, target);
    if (status != ATLAS_OK) {
        pipeline->status = status;
    }
}

static void pipeline_on_finished(struct redis_batch *batch)
{
    struct pipeline *pipeline = CONTAINER_OF(batch, struct pipeline, batch);
    if (pipeline->wait != NULL) {
        wait_complete(pipeline->wait);
    } else {
        free(pipeline);
    }
}

static atlas_status_t check_commands(struct call *call, const struct config_redis *settings,
                                     const struct atlas_redis_command *commands, size_t count,
                                     size_t *ret_longest)
{
    size_t longest = 0;
    if (count > (size_t)settings->pipeline) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                         "redis: %zu commands in one pipeline, redis.pipeline allows %lld", count,
                         (long long)settings->pipeline);
    }
    for (size_t i = 0; i < count; i++) {
        const char *refusal = redis_command_refusal(&commands[i]);
        if (refusal != NULL) {
            struct atlas_bytes name = {"", 0};
            if (commands[i].word_count > 0) {
                name = commands[i].words[0];
            }
            return call_fail(call, ATLAS_INVALID_ARGUMENT, "redis: command %zu \"%.*s\" %s", i,
                             (int)(name.len < 64 ? name.len : 64), (const char *)name.data,
                             refusal);
        }
        if (commands[i].word_count > longest) {
            longest = commands[i].word_count;
        }
    }
    *ret_longest = longest;
    return ATLAS_OK;
}

static atlas_status_t send_pipeline(struct call *call, struct redis_loop *loop,
                                    const struct atlas_redis_command *commands, size_t count,
                                    struct pipeline *pipeline)
{
    const struct config_redis *settings = loop->redis->target.settings;
    size_t longest = 0;
    atlas_status_t status = check_commands(call, settings, commands, count, &longest);
    if (status != ATLAS_OK) {
        return status;
    }
    const char **argv = arena_alloc(&call->arena, longest * sizeof *argv);
    size_t *lengths = arena_alloc(&call->arena, longest * sizeof *lengths);
    if (argv == NULL || lengths == NULL) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                         "redis: no memory left in the call; calls.arena_limit bounds it");
    }
    status =
        redis_connection_send(loop->connection, commands, count, argv, lengths, &pipeline->batch);
    if (status == ATLAS_UNAVAILABLE) {
        return call_fail(call, status, "redis %s is not connected (%s); the host keeps trying",
                         loop->redis->target.address, redis_connection_reason(loop->connection));
    }
    if (status != ATLAS_OK) {
        return call_fail(call, status,
                         "redis %s: redis.queue (%lld) commands wait for replies already",
                         loop->redis->target.address, (long long)settings->queue);
    }
    metrics_add(loop->commands, (int64_t)count);
    return ATLAS_OK;
}

/* The wait ended before all replies came: who is to blame? */
static atlas_status_t explain_end(struct call *call, const struct redis *redis,
                                  atlas_status_t status)
{
    if (status == ATLAS_DEADLINE_EXCEEDED && call_check(call) == ATLAS_OK) {
        return call_fail(call, status,
                         "redis %s did not answer within redis.command_timeout (%lld ms)",
                         redis->target.address, (long long)redis->target.settings->command_ms);
    }
    return status;
}

static atlas_status_t explain_replies(struct call *call, const struct redis *redis,
                                      atlas_status_t status)
{
    if (status == ATLAS_UNAVAILABLE) {
        return call_fail(call, status,
                         "redis %s: the connection was lost; commands may have been carried out",
                         redis->target.address);
    }
    if (status != ATLAS_OK) {
        return call_fail(call, status,
                         "redis %s: a reply is larger than the call's memory; calls.arena_limit "
                         "bounds it",
                         redis->target.address);
    }
    return ATLAS_OK;
}

static atlas_status_t run_pipeline(struct call *call, struct redis_loop *loop,
                                   const struct atlas_redis_command *commands, size_t count,
                                   struct pipeline *pipeline)
{
    struct wait wait;
    wait_init(&wait, call);
    pipeline->wait = &wait;
    pipeline->arena = &call->arena;
    atlas_status_t status = send_pipeline(call, loop, commands, count, pipeline);
    if (status != ATLAS_OK) {
        free(pipeline);
        return status;
    }
    status = wait_for_at_most(&wait, loop->redis->target.settings->command_ms * NS_PER_MS);
    if (status != ATLAS_OK) {
        pipeline->wait = NULL; /* on_finished frees it */
        return explain_end(call, loop->redis, status);
    }
    status = pipeline->status;
    free(pipeline);
    return explain_replies(call, loop->redis, status);
}

static atlas_status_t redis_pipeline(struct atlas_call *public,
                                     const struct atlas_redis_command *commands, size_t count,
                                     struct atlas_redis_reply *ret_replies)
{
    struct call *call = call_of(public);
    struct redis_loop *loop =
        GENERATION_LOOP_ATTACHED(call->generation, call->worker, MODULE_REDIS);
    atlas_status_t status = call_check(call);
    if (status != ATLAS_OK) {
        return call_fail(call, status, "redis: the call has ended before the commands were sent");
    }
    if (loop == NULL) {
        return call_fail(call, ATLAS_FAILED_PRECONDITION,
                         "redis: not available here; it is from loop_create() on");
    }
    if (count == 0) {
        return ATLAS_OK;
    }
    struct pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (pipeline == NULL) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED, "redis: out of memory");
    }
    pipeline->batch.on_reply = pipeline_on_reply;
    pipeline->batch.on_finished = pipeline_on_finished;
    pipeline->replies = ret_replies;
    return run_pipeline(call, loop, commands, count, pipeline);
}

static const struct atlas_redis_interface redis_interface = {
    .size = sizeof redis_interface,
    .pipeline = redis_pipeline,
};

/* --- attaching --- */

static void loop_on_change(void *arg, bool is_ready)
{
    struct redis_loop *loop = arg;
    loop->has_tried = true;
    loop->is_ready = is_ready;
    metrics_set(loop->connected, is_ready);
    if (is_ready) {
        readiness_set_ready(loop->readiness);
    } else {
        readiness_set_failed(loop->readiness, "redis %s cannot be reached: %s",
                             loop->redis->target.address,
                             redis_connection_reason(loop->connection));
    }
    if (loop->waiting != NULL) {
        struct wait *wait = loop->waiting;
        loop->waiting = NULL;
        wait_complete(wait);
    }
}

static void forget_loop(struct redis_loop *loop)
{
    readiness_remove(loop->readiness);
    metrics_cell_release(loop->commands);
    metrics_cell_release(loop->connected);
}

static atlas_status_t open_connection(struct redis *redis, struct call *call,
                                      struct redis_loop *loop, struct error *error)
{
    char name[80];
    snprintf(name, sizeof name, "redis loop %u", call->worker->index);
    loop->redis = redis;
    loop->worker = call->worker;
    loop->readiness = readiness_add(name);
    loop->commands = metrics_cell(metrics_family("atlas_redis_commands_total",
                                                 "Commands sent to Redis.", METRICS_COUNTER, NULL),
                                  NULL);
    loop->connected =
        metrics_cell(metrics_family("atlas_redis_connections",
                                    "Connections to Redis that are ready.", METRICS_GAUGE, NULL),
                     NULL);
    loop->connection =
        redis_connection_open(call->worker->loop, &redis->target, loop_on_change, loop);
    if (loop->connection == NULL) {
        forget_loop(loop);
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "redis %s: out of memory",
                         redis->target.address);
    }
    atomic_store(&loop->is_open, true);
    return ATLAS_OK;
}

/* Opens the connection of this loop and lets the first attempt end, so that a plugin that asks
 * Redis in create() finds it. A server that is away delays no longer than redis.connect_timeout. */
static atlas_status_t ensure_connection(struct redis *redis, struct call *call, struct error *error)
{
    struct redis_loop *loop = &redis->loops[call->worker->index];
    atlas_status_t status = ATLAS_OK;
    if (loop->connection == NULL) {
        status = open_connection(redis, call, loop, error);
    }
    if (status == ATLAS_OK && !loop->has_tried && loop->waiting == NULL) {
        struct wait wait;
        wait_init(&wait, call);
        loop->waiting = &wait;
        if (wait_for(&wait) != ATLAS_OK) {
            loop->waiting = NULL;
        }
    }
    return status;
}

static atlas_status_t redis_attach(void *self, struct call *call, struct generation *generation,
                                   bool is_reload, struct error *error)
{
    struct redis *redis = self;
    atlas_status_t status = ensure_connection(redis, call, error);
    if (status != ATLAS_OK) {
        return status;
    }
    struct redis_loop *loop = &redis->loops[call->worker->index];
    if (is_reload && !loop->is_ready) {
        return error_set(error, ATLAS_UNAVAILABLE,
                         "redis %s is not connected (%s); reload again when it is",
                         redis->target.address, redis_connection_reason(loop->connection));
    }
    generation->attached[MODULE_REDIS] = redis;
    return ATLAS_OK;
}

static atlas_status_t redis_attach_loop(void *self, struct call *call,
                                        struct generation *generation, struct error *error)
{
    struct redis *redis = self;
    atlas_status_t status = ensure_connection(redis, call, error);
    if (status == ATLAS_OK) {
        generation->loops[call->worker->index].attached[MODULE_REDIS] =
            &redis->loops[call->worker->index];
    }
    return status;
}

/* --- life --- */

atlas_status_t redis_create(const struct config_redis *settings, unsigned loops,
                            struct redis **ret_redis, struct error *error)
{
    struct redis *redis = calloc(1, sizeof *redis);
    if (redis == NULL || (redis->loops = calloc(loops, sizeof *redis->loops)) == NULL) {
        free(redis);
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "redis: out of memory");
    }
    redis->loop_count = loops;
    redis->target.settings = settings;
    snprintf(redis->target.address, sizeof redis->target.address, "%.250s:%lld", settings->host,
             (long long)settings->port);
    redis->module = (struct module){
        .slot = MODULE_REDIS,
        .interface_id = ATLAS_REDIS,
        .table = &redis_interface,
        .self = redis,
        .attach = redis_attach,
        .attach_loop = redis_attach_loop,
    };
    *ret_redis = redis;
    return ATLAS_OK;
}

const struct module *redis_module(const struct redis *redis)
{
    return &redis->module;
}

static void close_connection(struct worker *worker, void *arg)
{
    struct redis *redis = arg;
    struct redis_loop *loop = &redis->loops[worker->index];
    redis_connection_close(loop->connection);
    loop->connection = NULL;
    forget_loop(loop);
}

void redis_close(struct redis *redis)
{
    for (unsigned i = 0; i < redis->loop_count; i++) {
        if (atomic_load(&redis->loops[i].is_open)) {
            runtime_run_on(redis->loops[i].worker, close_connection, redis);
            atomic_store(&redis->loops[i].is_open, false);
        }
    }
}

void redis_destroy(struct redis *redis)
{
    if (redis != NULL) {
        free(redis->loops);
        free(redis);
    }
}
