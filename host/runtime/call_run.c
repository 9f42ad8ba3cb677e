/* The life of a call once it is made: run on a fiber, finished, destroyed. */
#include "runtime/call_run.h"

#include <assert.h>
#include <stdlib.h>

#include "runtime/call_metrics.h"
#include "runtime/fiber.h"
#include "runtime/generation.h"
#include "runtime/router.h"
#include "runtime/task.h"
#include "runtime/wait.h"

/* Calls of a worker that are kept for reuse. */
#define FREE_CALLS_MAX 1024

static void unlist(struct call *call)
{
    if (call->call_link != NULL) {
        *call->call_link = call->next_call;
        if (call->next_call != NULL) {
            call->next_call->call_link = call->call_link;
        }
        call->call_link = NULL;
    }
}

static atlas_status_t run_handler(struct call *call)
{
    atlas_status_t status = call_check(call);
    if (status != ATLAS_OK) {
        return call_fail(call, status, "the call had ended before it was started");
    }
    if (call->function != NULL) {
        return call->function(call, call->function_arg);
    }
    return call->route->method->handle(&call->public);
}

static atlas_status_t checked_status(struct call *call, atlas_status_t status)
{
    if (status < 0 || status > ATLAS_STATUS_LAST) {
        return call_fail(call, ATLAS_UNKNOWN, "the handler returned %d, which is no status",
                         status);
    }
    bool needs_reply = call->route != NULL && call->function == NULL && route_is_unary(call->route);
    if (status == ATLAS_OK && needs_reply && !call->has_reply) {
        return call_fail(call, ATLAS_INTERNAL, "the handler returned OK without a reply");
    }
    return status;
}

static void release_resources(struct call *call)
{
    while (call->resources != NULL) {
        struct call_resource *resource = call->resources;
        call_drop_resource(resource);
        resource->release(resource);
    }
}

/* No child outlives its call. */
static void wait_for_children(struct call *call)
{
    if (call->children == NULL) {
        return;
    }
    struct wait wait;
    wait_init(&wait, call);
    call->end_wait = &wait;
    wait_uninterrupted(&wait);
    call->end_wait = NULL;
}

/* What ends every call, on its fiber. */
static void finish(struct call *call, atlas_status_t status)
{
    task_leave(call);
    release_resources(call); /* first: it ends streams whose handlers are children */
    wait_for_children(call);
    call_disarm_deadline(call);
    call->status = checked_status(call, status);
    unlist(call);
    if (call->route != NULL && call->generation != NULL) {
        call_metrics_record(call);
    }
}

static void run_call(void *arg)
{
    struct call *call = arg;
    call->fiber = fiber_current();
    finish(call, run_handler(call));
    call->operations->finished(call);
}

static atlas_status_t refuse(struct call *call, void *arg)
{
    (void)arg;
    return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                     "no fiber or no memory for its stack is left on this loop; see calls.fibers");
}

static struct fiber_label label_of(const struct call *call)
{
    return (struct fiber_label){call->operation,
                                call->generation != NULL ? call->generation->id : "host"};
}

void call_start(struct call *call)
{
    struct fiber_label label = label_of(call);
    if (fiber_start(call->worker->fibers, &label, run_call, call) != ATLAS_OK) {
        call->function = refuse;
        run_call(call); /* ends at once */
    }
}

void call_start_function(struct call *call, atlas_status_t (*fn)(struct call *call, void *arg),
                         void *arg)
{
    call->function = fn;
    call->function_arg = arg;
    call_start(call);
}

atlas_status_t call_run_nested(struct call *call)
{
    struct fiber_label outer = fiber_set_label(label_of(call));
    call->fiber = fiber_current();
    finish(call, run_handler(call));
    fiber_set_label(outer);
    return call->status;
}

static void unlink_child(struct call *child)
{
    if (child->sibling_link != NULL) {
        *child->sibling_link = child->next_sibling;
        if (child->next_sibling != NULL) {
            child->next_sibling->sibling_link = child->sibling_link;
        }
        child->sibling_link = NULL;
        struct call *parent = child->parent;
        if (parent->children == NULL && parent->end_wait != NULL) {
            wait_complete(parent->end_wait);
        }
    }
}

static void give_call_back(struct call *call)
{
    struct worker *worker = call->worker;
#if !defined(__SANITIZE_ADDRESS__)
    if (worker->free_call_count < FREE_CALLS_MAX) {
        call->parent = worker->free_calls;
        worker->free_calls = call;
        worker->free_call_count++;
        return;
    }
#endif
    (void)worker;
    free(call);
}

static bool runs_on_its_parents_fiber(const struct call *call)
{
    return call->parent != NULL && call->fiber == call->parent->fiber;
}

void call_destroy(struct call *call)
{
    if (call == NULL) {
        return;
    }
    assert(call->children == NULL && call->resources == NULL && call->waiting == NULL);
    if (!runs_on_its_parents_fiber(call)) {
        fiber_drop_label(call->operation);
    }
    unlist(call);
    unlink_child(call);
    call->fiber = NULL;
    arena_finish(&call->arena);
    arena_finish(&call->messages);
    if (call->routes != NULL) {
        route_table_release(call->routes);
    }
    give_call_back(call);
}
