/* What a test runs on a plugin: calls, batches of records, background functions. */
#include "testhost_basics.h"
#include "testhost_call.h"
#include "testhost_client.h"
#include "testhost_misuse.h"

/* --- The caller from outside --------------------------------------------------------------------
 */

void testhost_set_timeout_ms(struct testhost *host, int64_t timeout_ms)
{
    host->timeout_ms = timeout_ms;
}

void testhost_add_metadata(struct testhost *host, const char *name, struct atlas_bytes value)
{
    struct atlas_metadata entry;

    entry.name = atlas_str(name);
    entry.value = value;
    if (!metadata_is_valid(&entry)) {
        testhost_misuse("%s is no metadata that gRPC allows", name);
    }
    metadata_add(&host->script, &host->metadata, &entry);
}

void testhost_set_identity(struct testhost *host, const char *identity)
{
    host->identity = atlas_str(arena_text(&host->script, identity));
}

struct atlas_bytes testhost_reply_metadata(struct testhost *host, bool trailing, const char *name)
{
    return metadata_value(trailing ? &host->trailing : &host->leading, name);
}

/* --- Running ------------------------------------------------------------------------------------
 */

static void check_started(const struct testhost *host)
{
    if (!host->is_started) {
        testhost_misuse("testhost_start comes first");
    }
}

struct atlas_call *testhost_caller(struct testhost *host)
{
    check_started(host);
    return &host->caller.base;
}

const char *testhost_message(struct testhost *host)
{
    return host->message;
}

void testhost_cancel_at(struct testhost *host, unsigned int waits)
{
    host->waits_left = waits;
}

atlas_status_t testhost_call(struct testhost *host, const char *path,
                             const struct atlas_bytes *requests, size_t request_count,
                             const struct atlas_bytes **ret_replies, size_t *ret_count)
{
    const struct atlas_method *method = find_method(host, path);
    struct test_call call;

    check_started(host);
    if (method == NULL) {
        testhost_misuse("the plugin serves no %s", path);
    }
    call_init(host, &call);
    call.requests = requests;
    call.request_count = request_count;
    call_inherit(&call, &host->caller, NULL);
    atlas_status_t status = call_run(&call, method);
    if (ret_replies != NULL) {
        *ret_replies = call.replies;
    }
    if (ret_count != NULL) {
        *ret_count = call.reply_count;
    }
    call_finish(&call, status);
    return status;
}

struct atlas_kafka_record testhost_record(const char *key, struct atlas_bytes value)
{
    struct atlas_kafka_record record = {.size = sizeof record, .timestamp_us = START_US};

    record.key = atlas_str(key);
    record.value = value;
    return record;
}

static const struct atlas_consumer *find_consumer(struct testhost *host, const char *name)
{
    for (size_t i = 0; i < host->table.consumer_count; i++) {
        if (strcmp(host->table.consumers[i].name, name) == 0) {
            return &host->table.consumers[i];
        }
    }
    testhost_misuse("the plugin has no consumer %s", name);
}

atlas_status_t testhost_consume(struct testhost *host, const char *consumer,
                                const struct atlas_kafka_record *records, size_t count,
                                atlas_status_t *statuses)
{
    const atlas_status_t not_set = -1;
    const struct atlas_consumer *found = find_consumer(host, consumer);
    const struct atlas_kafka_record **pointers;
    struct test_call call;

    check_started(host);
    memset(host->reasons, 0, sizeof host->reasons);
    call_init(host, &call);
    pointers = arena_alloc(&call.arena, count * sizeof *pointers);
    for (size_t i = 0; i < count; i++) {
        statuses[i] = not_set;
        pointers[i] = &records[i];
    }
    atlas_status_t status = found->handle(&call.base, pointers, count, statuses);
    for (size_t i = 0; i < count; i++) {
        if (statuses[i] == not_set) {
            statuses[i] = status;
        }
    }
    call_finish(&call, status);
    return status;
}

const char *testhost_reason(struct testhost *host, size_t index)
{
    return index < ATLAS_COUNT(host->reasons) && host->reasons[index] != NULL ? host->reasons[index]
                                                                              : "";
}

atlas_status_t testhost_background(struct testhost *host, const char *name, unsigned int waits)
{
    check_started(host);
    for (size_t i = 0; i < host->table.background_count; i++) {
        if (strcmp(host->table.backgrounds[i].name, name) == 0) {
            host->waits_left = waits;
            atlas_status_t status = call_run_alone(host, host->table.backgrounds[i].run);
            host->waits_left = 0;
            return status;
        }
    }
    testhost_misuse("the plugin has no background function %s", name);
}
