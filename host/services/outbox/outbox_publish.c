#include "services/outbox/outbox_publish.h"

#include <stdio.h>
#include <string.h>

#include "runtime/task.h"

/* Records in flight at once; each has a fiber that waits for its delivery report. */
#define TASKS_MAX 64

/* One pass over a page: the rows whose predecessors of the same key are done. */
struct pass {
    struct call *call;
    outbox_publish_fn *publish;
    const struct outbox_page *page;
    struct outbox_row_result *results;
    size_t *ready; /* indexes of rows */
    size_t count;
    size_t next;
};

static atlas_status_t publish_row(struct call *call, outbox_publish_fn *publish,
                                  const struct outbox_row *row)
{
    const struct atlas_kafka_header headers[] = {
        {"event-id", row->event_id},
        {"type", row->type},
        {"traceparent", row->traceparent},
    };
    size_t count = row->traceparent.len > 0 ? 3 : 2;
    enum atlas_outcome outcome;
    return publish(&call->public, row->topic, row->key, row->payload, headers, count, &outcome);
}

/* A record that the broker refuses for what it is: too large, no such topic name. A broker refuses
 * records that were sent together for one of them, so only one that was sent alone is convicted. */
static bool is_refused(atlas_status_t status)
{
    return status == ATLAS_INVALID_ARGUMENT || status == ATLAS_OUT_OF_RANGE;
}

static void publish_one(struct pass *pass, struct call *call, size_t index)
{
    struct outbox_row_result *result = &pass->results[index];
    result->status = publish_row(call, pass->publish, &pass->page->rows[index]);
    if (result->status == ATLAS_OK) {
        result->state = OUTBOX_ROW_PUBLISHED;
        return;
    }
    result->state = OUTBOX_ROW_FAILED;
    if (is_refused(result->status)) {
        result->state = pass->count == 1 ? OUTBOX_ROW_REFUSED : OUTBOX_ROW_SUSPECT;
    }
    snprintf(result->reason, sizeof result->reason, "%.127s", call->message);
}

static atlas_status_t run_task(struct atlas_call *public_call, void *arg)
{
    struct pass *pass = arg;
    while (pass->next < pass->count) {
        publish_one(pass, call_of(public_call), pass->ready[pass->next++]);
    }
    return ATLAS_OK;
}

/* Rows share a task; without a free fiber this one does the work alone. */
static void run_pass(struct pass *pass)
{
    struct atlas_task tasks[TASKS_MAX];
    size_t wanted = pass->count < TASKS_MAX ? pass->count : TASKS_MAX;
    for (size_t i = 0; i + 1 < wanted; i++) {
        tasks[i] = (struct atlas_task){.run = run_task, .arg = pass};
        if (task_spawn(pass->call, &tasks[i]) != ATLAS_OK) {
            break;
        }
    }
    run_task(&pass->call->public, pass);
    task_join(pass->call);
}

static bool is_same_key(const struct outbox_row *a, const struct outbox_row *b)
{
    return a->key.len == b->key.len && memcmp(a->key.data, b->key.data, a->key.len) == 0 &&
           strcmp(a->topic, b->topic) == 0;
}

static uint64_t hash_key(struct atlas_bytes key)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < key.len; i++) {
        hash = (hash ^ ((const uint8_t *)key.data)[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

/* predecessors[i]: one more than the index of the row before i of the same key; 0: none. latest has
 * 2 * count + 1 slots of zero: one more than the index of a key's last row so far. */
static void link_keys(const struct outbox_page *page, size_t *predecessors, size_t *latest)
{
    size_t room = 2 * page->count + 1;
    for (size_t i = 0; i < page->count; i++) {
        size_t slot = (size_t)(hash_key(page->rows[i].key) % room);
        while (latest[slot] != 0 && !is_same_key(&page->rows[latest[slot] - 1], &page->rows[i])) {
            slot = (slot + 1) % room;
        }
        predecessors[i] = latest[slot];
        latest[slot] = i + 1;
    }
}

static bool is_ready(const struct outbox_row_result *results, const size_t *predecessors, size_t i)
{
    if (results[i].state != OUTBOX_ROW_WAITING) {
        return false;
    }
    if (predecessors[i] == 0) {
        return true;
    }
    enum outbox_row_state before = results[predecessors[i] - 1].state;
    return before == OUTBOX_ROW_PUBLISHED || before == OUTBOX_ROW_REFUSED;
}

static size_t collect(struct pass *pass, const size_t *predecessors)
{
    pass->count = 0;
    pass->next = 0;
    for (size_t i = 0; i < pass->page->count; i++) {
        if (is_ready(pass->results, predecessors, i)) {
            pass->ready[pass->count++] = i;
        }
    }
    return pass->count;
}

/* The first row that was refused in company, on its own. */
static size_t pick_suspect(struct pass *pass)
{
    pass->count = 0;
    pass->next = 0;
    for (size_t i = 0; i < pass->page->count && pass->count == 0; i++) {
        if (pass->results[i].state == OUTBOX_ROW_SUSPECT) {
            pass->ready[pass->count++] = i;
        }
    }
    return pass->count;
}

static void refuse_huge(const struct outbox_page *page, struct outbox_row_result *results)
{
    for (size_t i = 0; i < page->count; i++) {
        if (page->rows[i].is_huge) {
            results[i].state = OUTBOX_ROW_REFUSED;
            snprintf(results[i].reason, sizeof results[i].reason,
                     "the event does not fit into postgres.result_limit or calls.arena_limit");
        }
    }
}

static atlas_status_t first_failure(const struct outbox_page *page,
                                    const struct outbox_row_result *results, struct error *error)
{
    for (size_t i = 0; i < page->count; i++) {
        if (results[i].state == OUTBOX_ROW_FAILED) {
            return error_set(error, results[i].status, "row %lld for topic %s: %s",
                             (long long)page->rows[i].id, page->rows[i].topic, results[i].reason);
        }
    }
    return ATLAS_OK;
}

atlas_status_t outbox_publish_page(struct call *call, outbox_publish_fn *publish,
                                   const struct outbox_page *page,
                                   struct outbox_row_result *results, struct error *error)
{
    struct pass pass = {.call = call, .publish = publish, .page = page, .results = results};
    size_t size = (page->count * 2 + 1) * sizeof(size_t);
    size_t *predecessors = arena_alloc(&call->arena, size);
    size_t *latest = arena_alloc(&call->arena, size);
    pass.ready = arena_alloc(&call->arena, size);
    if (predecessors == NULL || latest == NULL || pass.ready == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "no memory for a page of the outbox");
    }
    memset(results, 0, page->count * sizeof *results);
    memset(latest, 0, size);
    refuse_huge(page, results);
    link_keys(page, predecessors, latest);
    while (collect(&pass, predecessors) > 0 || pick_suspect(&pass) > 0) {
        run_pass(&pass);
    }
    return first_failure(page, results, error);
}
