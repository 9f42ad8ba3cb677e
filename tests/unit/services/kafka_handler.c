#include "kafka_handler.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "module_fixture.h"

struct handler handler = {.mutex = PTHREAD_MUTEX_INITIALIZER};

void handler_forget(void)
{
    handler.seen_count = 0;
    handler.largest_batch = 0;
    handler.failures_left = 0;
    handler.mood = HANDLER_BRISK;
    handler.begun = 0;
    handler.nested = NULL;
}

static void note(struct call *call, const struct atlas_kafka_record *record, const char *value)
{
    struct sighting *sighting = &handler.seen[handler.seen_count % SEEN_MAX];
    handler.seen_count++;
    sighting->partition = record->partition;
    sighting->offset = record->offset;
    sighting->generation = call->generation->number;
    sighting->loop = call->worker->index;
    snprintf(sighting->value, sizeof sighting->value, "%s", value);
}

/* Takes a part of the call's memory, which all records of a batch share. */
static atlas_status_t take_memory(struct atlas_call *call, size_t eighths)
{
    size_t size = (size_t)fixture_config()->calls.arena_bytes / 8 * eighths;
    return call->interfaces->call->alloc(call, size) != NULL ? ATLAS_OK : ATLAS_RESOURCE_EXHAUSTED;
}

static atlas_status_t judge(struct atlas_call *call, size_t index, const char *value)
{
    if (strncmp(value, "poison", 6) == 0) {
        static const char reason[] = "it is poison";
        call->interfaces->kafka->reject(call, index,
                                        (struct atlas_bytes){reason, sizeof reason - 1});
        return ATLAS_INVALID_ARGUMENT;
    }
    if (strcmp(value, "garbage") == 0) {
        return 99;
    }
    if (strcmp(value, "weak") == 0 && handler.failures_left > 0) {
        handler.failures_left--;
        return ATLAS_UNAVAILABLE;
    }
    if (strcmp(value, "hungry") == 0 || strcmp(value, "greedy") == 0) {
        return take_memory(call, value[0] == 'h' ? 5 : 9);
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
    handler.nested_worker = call_of(call)->worker;
    handler.nested = call_of(call);
    return call->interfaces->call->sleep(call, 30 * NS_PER_S);
}

/* As a plugin that calls another one and passes on what that says. */
static atlas_status_t call_another(struct atlas_call *call)
{
    struct atlas_task task = {.run = sleep_long};
    atlas_status_t status = call->interfaces->call->spawn(call, &task);
    return status == ATLAS_OK ? call->interfaces->call->join(call) : status;
}

static atlas_status_t fail_soon(struct atlas_call *call, void *arg)
{
    (void)arg;
    call->interfaces->call->set_message(call, (struct atlas_bytes){"of a task", 9});
    return ATLAS_NOT_FOUND;
}

static atlas_status_t leave_task(struct atlas_call *call)
{
    handler.left = (struct atlas_task){.run = fail_soon};
    atlas_status_t status = call->interfaces->call->spawn(call, &handler.left);
    memset(&handler.left, HANDLER_LEFT, sizeof handler.left);
    return status;
}

static atlas_status_t get_ready(struct atlas_call *call)
{
    const struct atlas_call_interface *interface = call->interfaces->call;
    handler.begun++;
    switch (handler.mood) {
    case HANDLER_SLOW:
        return interface->sleep(call, 300 * NS_PER_MS);
    case HANDLER_ASLEEP:
        return interface->sleep(call, 30 * NS_PER_S);
    case HANDLER_STUCK:
        return interface->offload(call, block, &handler.stuck_release);
    case HANDLER_LEAVING:
        return leave_task(call);
    case HANDLER_NESTED:
        return call_another(call);
    default:
        return ATLAS_OK;
    }
}

atlas_status_t handler_run(struct atlas_call *public,
                           const struct atlas_kafka_record *const *records, size_t count,
                           atlas_status_t *statuses)
{
    struct call *call = call_of(public);
    bool is_honest = handler.mood == HANDLER_NESTED;
    atlas_status_t status = get_ready(public);
    if (status != ATLAS_OK) {
        return is_honest ? status
                         : ATLAS_INTERNAL; /* takes its own end for a fault of its records */
    }
    pthread_mutex_lock(&handler.mutex);
    handler.largest_batch = count > handler.largest_batch ? count : handler.largest_batch;
    for (size_t i = 0; i < count; i++) {
        char value[32];
        snprintf(value, sizeof value, "%.*s", (int)records[i]->value.len,
                 (const char *)records[i]->value.data);
        statuses[i] = judge(public, i, value);
        if (atlas_status_is_transient(statuses[i])) {
            status = statuses[i]; /* of the records behind it, too */
            break;
        }
        note(call, records[i], value);
    }
    pthread_mutex_unlock(&handler.mutex);
    return status;
}

size_t handler_count(void)
{
    pthread_mutex_lock(&handler.mutex);
    size_t count = handler.seen_count;
    pthread_mutex_unlock(&handler.mutex);
    return count;
}

static bool has_seen(void *arg)
{
    return handler_count() >= *(size_t *)arg;
}

bool handler_sees(size_t count)
{
    return fixture_eventually(has_seen, &count);
}

bool handler_has_begun(void *arg)
{
    (void)arg;
    return handler.begun > 0;
}
