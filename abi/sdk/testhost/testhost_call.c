#include "testhost_call.h"

#include "testhost_metadata.h"
#include "testhost_misuse.h"

void call_init(struct testhost *host, struct test_call *call)
{
    memset(call, 0, sizeof *call);
    call->base.interfaces = &host->interfaces;
    call->base.instance = host->instance;
    call->base.loop_state = host->loop_state;
    call->host = host;
    call->identity = atlas_str("");
    if (host->timeout_ms > 0) {
        call->deadline_us = host->wall_us + host->timeout_ms * 1000;
    }
}

void call_finish(struct test_call *call, atlas_status_t status)
{
    if (status != ATLAS_OK) {
        snprintf(call->host->message, sizeof call->host->message, "%s", call->message);
    }
    call->host->close_streams(call->host, call);
    if (call->parent == NULL) {
        arena_free(&call->arena);
    }
    arena_free(&call->messages);
}

/* What ends the caller ends the callee, except in a cleanup section, which has a time of its own.
 */
static void inherit_end(struct test_call *callee, struct test_call *caller)
{
    if (caller->is_in_cleanup) {
        callee->deadline_us = caller->cleanup_deadline_us;
    } else {
        callee->caller = caller;
        callee->deadline_us = caller->deadline_us;
    }
}

/* --- Running, with the tasks that are spawned --------------------------------------------------
 */

static void run_task(struct test_call *parent, struct atlas_task *task)
{
    struct test_call call;

    call_init(parent->host, &call);
    call.parent = parent;
    call.identity = parent->identity;
    inherit_end(&call, parent);
    task->status = task->run(&call.base, task->arg);
    if (task->status != ATLAS_OK) {
        snprintf(task->message, sizeof task->message, "%.*s", (int)sizeof task->message - 1,
                 call.message);
    }
}

atlas_status_t call_join(struct atlas_call *call)
{
    struct test_call *self = test_call_of(call);
    atlas_status_t status = ATLAS_OK;

    for (size_t i = 0; i < self->task_count; i++) {
        run_task(self, self->tasks[i]);
        if (status == ATLAS_OK && self->tasks[i]->status != ATLAS_OK) {
            status = self->tasks[i]->status;
            atlas_set_message(call, self->tasks[i]->message);
        }
    }
    self->task_count = 0;
    return status;
}

atlas_status_t call_run(struct test_call *call, const struct atlas_method *method)
{
    call->method = method;
    atlas_status_t status = method->handle(&call->base);
    if (call->task_count > 0) {
        call_join(&call->base);
    }
    call->host->leading = call->leading;
    call->host->trailing = call->trailing;
    return status;
}

atlas_status_t call_run_alone(struct testhost *host, atlas_status_t (*run)(struct atlas_call *))
{
    struct test_call call;

    call_init(host, &call);
    atlas_status_t status = run(&call.base);
    call_finish(&call, status);
    return status;
}

/* --- What it inherits and receives -------------------------------------------------------------
 */

static void add_options(struct test_call *callee, const struct atlas_call_options *options)
{
    struct testhost *host = callee->host;

    if (options == NULL) {
        return;
    }
    if (!ATLAS_HAS(options, metadata_count)) {
        testhost_misuse("the plugin gives a struct atlas_call_options of %u bytes: set its size",
                        options->size);
    }
    if (options->timeout_ms > 0 && options->timeout_ms < INT64_MAX / 1000 - host->wall_us / 1000) {
        int64_t deadline_us = host->wall_us + options->timeout_ms * 1000;

        if (callee->deadline_us == 0 || deadline_us < callee->deadline_us) {
            callee->deadline_us = deadline_us;
        }
    }
    for (size_t i = 0; i < options->metadata_count; i++) {
        if (!metadata_is_valid(&options->metadata[i])) {
            testhost_misuse("the plugin sends metadata \"%.*s\", which the host refuses",
                            ATLAS_BYTES_ARG(options->metadata[i].name));
        }
        metadata_add(&host->script, &callee->metadata, &options->metadata[i]);
    }
}

void call_inherit(struct test_call *callee, struct test_call *caller,
                  const struct atlas_call_options *options)
{
    struct testhost *host = callee->host;

    if (caller->is_caller) {
        callee->identity = host->identity;
        metadata_add_all(&host->script, &callee->metadata, &host->metadata);
    } else {
        callee->identity = caller->identity;
        inherit_end(callee, caller);
    }
    add_options(callee, options);
}

bool call_streams_in(const struct test_call *call)
{
    return call->method != NULL && (call->method->flags & ATLAS_METHOD_CLIENT_STREAMING) != 0;
}

struct atlas_bytes call_receive(struct test_call *call, struct atlas_bytes message)
{
    return arena_bytes(call_streams_in(call) ? &call->messages : &call->arena, message);
}

/* --- Steps, and what ends a call ---------------------------------------------------------------
 */

bool call_step_fails(struct atlas_call *call)
{
    struct testhost *host = host_of(call);

    return !test_call_of(call)->is_caller && ++host->step == host->fail_step;
}

static bool has_passed(const struct test_call *call, int64_t deadline_us)
{
    return deadline_us != 0 && call->host->wall_us >= deadline_us;
}

atlas_status_t call_check(struct atlas_call *call)
{
    const struct test_call *self = test_call_of(call);

    for (const struct test_call *one = self; one != NULL; one = one->caller) {
        if (one->is_cancelled) {
            return ATLAS_CANCELLED;
        }
    }
    return has_passed(self, self->deadline_us) ? ATLAS_DEADLINE_EXCEEDED : ATLAS_OK;
}

atlas_status_t call_check_wait(struct atlas_call *call)
{
    const struct test_call *self = test_call_of(call);

    if (self->is_in_cleanup) {
        return has_passed(self, self->cleanup_deadline_us) ? ATLAS_DEADLINE_EXCEEDED : ATLAS_OK;
    }
    return call_check(call);
}

/* At the wait that the test chose the caller of it all leaves. */
static void count_wait(struct test_call *call)
{
    if (call->host->waits_left > 0 && --call->host->waits_left == 0) {
        while (call->caller != NULL) {
            call = call->caller;
        }
        call->is_cancelled = true;
    }
}

atlas_status_t call_wait(struct atlas_call *call, const char *what)
{
    atlas_status_t status;

    if (test_call_of(call)->is_caller) {
        return ATLAS_OK;
    }
    count_wait(test_call_of(call));
    status = call_check_wait(call);
    if (status != ATLAS_OK) {
        return atlas_fail(call, status, "%s: %s", what,
                          status == ATLAS_CANCELLED ? "the call was cancelled"
                                                    : "the deadline has passed");
    }
    return call_step_fails(call)
               ? atlas_fail(call, ATLAS_UNAVAILABLE, "%s: fault of the test host", what)
               : ATLAS_OK;
}
