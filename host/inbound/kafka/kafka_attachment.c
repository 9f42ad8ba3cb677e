#include "inbound/kafka/kafka_attachment.h"

#include <stdlib.h>

#include "base/clock.h"
#include "runtime/generation.h"
#include "runtime/loader/plugin_config.h"
#include "runtime/wait.h"

/* One consumer as the generation declares it. */
struct attached_consumer {
    struct shared_consumer *shared;
    kafka_batch_handler *handle;
    struct generation *generation;
    struct loop_task resume_task; /* to the poller */
    struct loop_task pause_task;  /* to the poller, and back to the home loop */
    struct loop_task hurry_task;  /* the same */
    struct kafka_pause_limits limits;
    struct loop *home;
    struct wait wait;     /* of deactivate, for the pause */
    struct wait hurrying; /* for the hurry task to be back */
    bool has_ended;       /* when the pause is complete */
};

struct kafka_attachment {
    struct kafka_consumers *consumers;
    size_t count;
    struct attached_consumer items[];
};

/* --- acquiring --- */

static atlas_status_t attach(struct kafka_attachment *attachment, struct generation *generation,
                             size_t index, struct error *error)
{
    struct attached_consumer *attached = &attachment->items[index];
    const struct atlas_consumer *declared = &generation->plugin.consumers[index];
    struct kafka_identity identity;
    atlas_status_t status = kafka_identity_read(
        generation->id, plugin_config_public(generation->config), declared, &identity, error);
    if (status != ATLAS_OK) {
        return status;
    }
    status = kafka_consumers_acquire(attachment->consumers, generation->runtime, &identity,
                                     declared->batch_limit, &attached->shared, error);
    if (status != ATLAS_OK) {
        return error_prefix(error, "consumer \"%s\"", identity.name);
    }
    attached->handle = declared->handle;
    attached->generation = generation;
    attachment->count++;
    return ATLAS_OK;
}

atlas_status_t kafka_attachment_create(struct kafka_consumers *consumers,
                                       struct generation *generation,
                                       struct kafka_attachment **ret_attachment,
                                       struct error *error)
{
    size_t count = generation->plugin.consumer_count;
    struct kafka_attachment *attachment =
        calloc(1, sizeof *attachment + count * sizeof attachment->items[0]);
    if (attachment == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "kafka: out of memory");
    }
    attachment->consumers = consumers;
    for (size_t i = 0; i < count; i++) {
        atlas_status_t status = attach(attachment, generation, i, error);
        if (status != ATLAS_OK) {
            kafka_attachment_destroy(attachment);
            return status;
        }
    }
    *ret_attachment = attachment;
    return ATLAS_OK;
}

void kafka_attachment_destroy(struct kafka_attachment *attachment)
{
    for (size_t i = 0; attachment != NULL && i < attachment->count; i++) {
        kafka_consumers_release(attachment->consumers, attachment->items[i].shared);
    }
    free(attachment);
}

/* --- activating --- */

static void run_resume(struct loop_task *task)
{
    struct attached_consumer *attached = CONTAINER_OF(task, struct attached_consumer, resume_task);
    kafka_consumer_resume(kafka_consumers_get(attached->shared), attached->generation,
                          attached->handle);
}

void kafka_attachment_activate(struct kafka_attachment *attachment)
{
    for (size_t i = 0; i < attachment->count; i++) {
        struct attached_consumer *attached = &attachment->items[i];
        attached->resume_task.run = run_resume;
        loop_post(kafka_consumers_poller(attachment->consumers), &attached->resume_task);
    }
}

/* --- deactivating --- */

static void run_paused(struct loop_task *task)
{
    struct attached_consumer *attached = CONTAINER_OF(task, struct attached_consumer, pause_task);
    wait_complete(&attached->wait);
}

static void consumer_on_paused(void *arg, bool has_ended)
{
    struct attached_consumer *attached = arg;
    attached->has_ended = has_ended;
    attached->pause_task.run = run_paused;
    loop_post(attached->home, &attached->pause_task);
}

static void run_pause(struct loop_task *task)
{
    struct attached_consumer *attached = CONTAINER_OF(task, struct attached_consumer, pause_task);
    kafka_consumer_pause(kafka_consumers_get(attached->shared), &attached->limits,
                         consumer_on_paused, attached);
}

static void run_hurried(struct loop_task *task)
{
    struct attached_consumer *attached = CONTAINER_OF(task, struct attached_consumer, hurry_task);
    wait_complete(&attached->hurrying);
}

static void run_hurry(struct loop_task *task)
{
    struct attached_consumer *attached = CONTAINER_OF(task, struct attached_consumer, hurry_task);
    kafka_consumer_hurry(kafka_consumers_get(attached->shared));
    attached->hurry_task.run = run_hurried;
    loop_post(attached->home, &attached->hurry_task);
}

/* The poller keeps the time of a pause, so that it always ends; only a cancel comes from here. */
static void wait_paused(struct attached_consumer *attached, struct loop *poller, struct call *call)
{
    if (wait_for(&attached->wait) != ATLAS_OK) {
        wait_init(&attached->hurrying, call);
        attached->hurry_task.run = run_hurry;
        loop_post(poller, &attached->hurry_task);
        wait_uninterrupted(&attached->hurrying);
        wait_uninterrupted(&attached->wait);
    }
}

static struct kafka_pause_limits limits_of(const struct call *call)
{
    int64_t left_ns = call_remaining_ns(call);
    return (struct kafka_pause_limits){
        .patience_ms = left_ns / NS_PER_MS,
        .cleanup_ms = call->worker->limits.cleanup_limit_ms,
    };
}

/* All are asked at once. */
bool kafka_attachment_deactivate(struct kafka_attachment *attachment, struct call *call)
{
    struct loop *poller = kafka_consumers_poller(attachment->consumers);
    bool has_ended = true;
    for (size_t i = 0; i < attachment->count; i++) {
        struct attached_consumer *attached = &attachment->items[i];
        attached->home = call->worker->loop;
        attached->limits = limits_of(call);
        wait_init(&attached->wait, call);
        attached->pause_task.run = run_pause;
        loop_post(poller, &attached->pause_task);
    }
    for (size_t i = 0; i < attachment->count; i++) {
        wait_paused(&attachment->items[i], poller, call);
        has_ended = attachment->items[i].has_ended && has_ended;
    }
    return has_ended;
}
