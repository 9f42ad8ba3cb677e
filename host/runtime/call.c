/* The life of a call: made by a transport, run on a fiber, finished, destroyed. */
#include "runtime/call.h"

#include <assert.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/call_metrics.h"
#include "runtime/fiber.h"
#include "runtime/router.h"
#include "runtime/runtime.h"
#include "runtime/trace.h"
#include "runtime/wait.h"

/* Calls of a worker that are kept for reuse. */
#define FREE_CALLS_MAX 1024

static struct call *take_call(struct worker *worker)
{
    struct call *call = worker->free_calls;
    if (call != NULL) {
        worker->free_calls = call->parent;
        worker->free_call_count--;
    } else if ((call = malloc(sizeof *call)) == NULL) {
        return NULL;
    }
    memset(call, 0, offsetof(struct call, message) + 1);
    call->worker = worker;
    arena_init(&call->arena, &worker->arenas, worker->limits.arena_limit);
    arena_init(&call->messages, &worker->arenas, worker->limits.arena_limit);
    call->start_ns = clock_monotonic_ns();
    call->deadline_ns = INT64_MAX;
    return call;
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

static void set_generation(struct call *call, struct generation *generation)
{
    call->generation = generation;
    if (generation == NULL) {
        call->public.interfaces = &call_bare_interfaces;
        return;
    }
    struct generation_loop *loop = &generation->loops[call->worker->index];
    call->public.interfaces = &generation->interfaces;
    call->public.instance = generation->instance;
    call->public.loop_state = loop->loop_state;
    loop->calls_in_flight++;
    call->is_counted = true;
}

static void uncount(struct call *call)
{
    if (call->is_counted) {
        call->generation->loops[call->worker->index].calls_in_flight--;
        call->is_counted = false;
    }
    if (call->is_from_outside) {
        call->worker->calls_in_flight--;
        call->is_from_outside = false;
        *call->call_link = call->next_call;
        if (call->next_call != NULL) {
            call->next_call->call_link = call->call_link;
        }
    }
}

static void list_call(struct worker *worker, struct call *call)
{
    call->is_from_outside = true;
    call->next_call = worker->calls;
    call->call_link = &worker->calls;
    if (worker->calls != NULL) {
        worker->calls->call_link = &call->next_call;
    }
    worker->calls = call;
    worker->calls_in_flight++;
}

bool call_has_fiber_left(const struct worker *worker)
{
    return fiber_pool_alive(worker->fibers) < worker->limits.fibers;
}

struct call *call_create(struct worker *worker, struct route_table *routes,
                         const struct route *route)
{
    struct call *call = call_has_fiber_left(worker) ? take_call(worker) : NULL;
    if (call == NULL) {
        return NULL;
    }
    call->route = route;
    call->routes = route_table_acquire(routes);
    call->operation = route->path;
    set_generation(call, route->generation);
    if (worker->limits.default_deadline_ns > 0) {
        call->deadline_ns = call->start_ns + worker->limits.default_deadline_ns;
    }
    list_call(worker, call);
    trace_begin(worker, &call->trace); /* unless the caller brings one */
    return call;
}

struct call *call_create_internal(struct worker *worker, struct generation *generation,
                                  const char *operation)
{
    struct call *call = take_call(worker);
    if (call != NULL) {
        call->operation = operation;
        set_generation(call, generation);
    }
    return call;
}

static void link_child(struct call *parent, struct call *child)
{
    child->parent = parent;
    child->next_sibling = parent->children;
    child->sibling_link = &parent->children;
    if (parent->children != NULL) {
        parent->children->sibling_link = &child->next_sibling;
    }
    parent->children = child;
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

/* A parent in its cleanup section lends that section's time, not its own that has passed. */
static void inherit_end(struct call *child, const struct call *parent)
{
    child->deadline_ns = parent->is_in_cleanup ? parent->cleanup_deadline_ns : parent->deadline_ns;
    child->cancel_status = parent->is_in_cleanup ? ATLAS_OK : parent->cancel_status;
}

struct call *call_create_child(struct call *parent, const struct route *route)
{
    struct call *child = take_call(parent->worker);
    if (child == NULL) {
        return NULL;
    }
    child->route = route;
    child->operation = route != NULL ? route->path : parent->operation;
    child->depth = parent->depth + (route != NULL ? 1 : 0);
    child->trace = parent->trace;
    child->identity = parent->identity;
    struct route_table *routes = parent->routes;
    if (routes == NULL && route != NULL) {
        routes = parent->worker->routes; /* the newest, held as long as the child runs */
    }
    if (routes != NULL) {
        child->routes = route_table_acquire(routes);
    }
    set_generation(child, route != NULL ? route->generation : parent->generation);
    inherit_end(child, parent);
    child->is_sheltered = parent->is_in_cleanup;
    link_child(parent, child);
    return child;
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
    release_resources(call); /* first: it ends streams whose handlers are children */
    wait_for_children(call);
    call_disarm_deadline(call);
    call->status = checked_status(call, status);
    uncount(call);
    if (call->route != NULL && call->generation != NULL) {
        call_metrics_record(call);
    }
}

static void run_call(void *arg)
{
    struct call *call = arg;
    finish(call, run_handler(call));
    call->operations->finished(call);
}

static atlas_status_t refuse(struct call *call, void *arg)
{
    (void)arg;
    return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                     "no fiber or no memory for its stack is left on this loop; see calls.fibers");
}

void call_start(struct call *call)
{
    if (fiber_start(call->worker->fibers, call->operation, run_call, call) != ATLAS_OK) {
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
    const char *label = fiber_set_label(call->operation);
    finish(call, run_handler(call));
    fiber_set_label(label);
    return call->status;
}

void call_cancel(struct call *call, atlas_status_t status)
{
    if (call->cancel_status == ATLAS_OK) {
        call->cancel_status = status;
    }
    for (struct call *child = call->children; child != NULL; child = child->next_sibling) {
        if (!child->is_sheltered || !call->is_in_cleanup) {
            call_cancel(child, status);
        }
    }
    if (!call->is_in_cleanup) {
        wait_interrupt_call(call, status);
    }
}

void call_destroy(struct call *call)
{
    if (call == NULL) {
        return;
    }
    assert(call->children == NULL && call->resources == NULL && call->waiting == NULL);
    uncount(call);
    unlink_child(call);
    arena_finish(&call->arena);
    arena_finish(&call->messages);
    if (call->routes != NULL) {
        route_table_release(call->routes);
    }
    give_call_back(call);
}

static int64_t effective_deadline(const struct call *call)
{
    return call->is_in_cleanup ? call->cleanup_deadline_ns : call->deadline_ns;
}

int64_t call_remaining_ns(const struct call *call)
{
    int64_t deadline_ns = effective_deadline(call);
    if (deadline_ns == INT64_MAX) {
        return INT64_MAX;
    }
    int64_t left = deadline_ns - clock_monotonic_ns();
    return left > 0 ? left : 0;
}

atlas_status_t call_check(const struct call *call)
{
    if (!call->is_in_cleanup && call->cancel_status != ATLAS_OK) {
        return call->cancel_status;
    }
    int64_t deadline_ns = effective_deadline(call);
    bool is_over = deadline_ns != INT64_MAX && deadline_ns <= clock_monotonic_ns();
    return is_over ? ATLAS_DEADLINE_EXCEEDED : ATLAS_OK;
}

static void call_on_deadline(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct call *call = arg;
    call->is_deadline_armed = false;
    if (call->is_in_cleanup) {
        wait_interrupt_call(call, ATLAS_DEADLINE_EXCEEDED);
    } else {
        call_cancel(call, ATLAS_DEADLINE_EXCEEDED);
    }
}

void call_arm_deadline(struct call *call)
{
    int64_t left = call_remaining_ns(call);
    if (call->is_deadline_armed || left == INT64_MAX) {
        return;
    }
    int64_t us = left / 1000 + 1; /* never early */
    event_assign(&call->deadline_event, loop_base(call->worker->loop), -1, 0, call_on_deadline,
                 call);
    event_add(&call->deadline_event, &(struct timeval){us / 1000000, us % 1000000});
    call->is_deadline_armed = true;
}

void call_disarm_deadline(struct call *call)
{
    if (call->is_deadline_armed) {
        event_del(&call->deadline_event);
        call->is_deadline_armed = false;
    }
}

atlas_status_t call_fail(struct call *call, atlas_status_t status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(call->message, sizeof call->message, format, args);
    va_end(args);
    return status;
}

static bool grow_list(struct call *call, struct metadata_list *list)
{
    size_t room = list->room == 0 ? 8 : list->room * 2;
    struct atlas_metadata *entries = arena_alloc(&call->arena, room * sizeof *entries);
    if (entries == NULL) {
        return false;
    }
    if (list->count > 0) {
        memcpy(entries, list->entries, list->count * sizeof *entries);
    }
    list->entries = entries;
    list->room = room;
    return true;
}

atlas_status_t call_add_metadata(struct call *call, struct metadata_list *list,
                                 struct atlas_bytes name, struct atlas_bytes value)
{
    size_t bytes = name.len + value.len + 32; /* as RFC 9113 section 6.5.2 counts */
    if (bytes > call->worker->limits.metadata_limit - list->bytes) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                         "metadata exceeds calls.metadata_limit (%zu bytes)",
                         call->worker->limits.metadata_limit);
    }
    char *name_copy = arena_copy(&call->arena, name.data, name.len);
    char *value_copy = arena_copy(&call->arena, value.data, value.len);
    bool has_room = list->count < list->room || grow_list(call, list);
    if (name_copy == NULL || value_copy == NULL || !has_room) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                         "the call's memory is used up; see calls.arena_limit");
    }
    list->entries[list->count++] =
        (struct atlas_metadata){{name_copy, name.len}, {value_copy, value.len}};
    list->bytes += bytes;
    return ATLAS_OK;
}

void call_hold_resource(struct call *call, struct call_resource *resource)
{
    resource->next = call->resources;
    resource->link = &call->resources;
    if (call->resources != NULL) {
        call->resources->link = &resource->next;
    }
    call->resources = resource;
}

void call_drop_resource(struct call_resource *resource)
{
    if (resource->link == NULL) {
        return;
    }
    *resource->link = resource->next;
    if (resource->next != NULL) {
        resource->next->link = resource->link;
    }
    resource->link = NULL;
}
