/* Making calls, and what they hold: metadata, resources, a message. */
#include "runtime/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "runtime/fiber.h"
#include "runtime/router.h"

void call_free_spares(struct worker *worker)
{
    for (struct call *call = worker->free_calls, *next; call != NULL; call = next) {
        next = call->parent;
        free(call);
    }
    worker->free_calls = NULL;
    worker->free_call_count = 0;
}

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
}

/* Calls that are no children are listed, so that a drain finds what runs. */
static void list_call(struct worker *worker, struct call *call)
{
    call->next_call = worker->calls;
    call->call_link = &worker->calls;
    if (worker->calls != NULL) {
        worker->calls->call_link = &call->next_call;
    }
    worker->calls = call;
}

bool call_admit(struct worker *worker)
{
    if (fiber_pool_alive(worker->fibers) < worker->limits.fibers) {
        return true;
    }
    metrics_add(worker->refused, 1);
    if (log_is_due(&worker->refusal_told_ns)) {
        log_warn("calls are refused: calls.fibers are alive, continuing",
                 LOG_INT("loop", worker->index), LOG_INT("fibers", worker->limits.fibers));
    }
    return false;
}

static struct call *create_from_outside(struct worker *worker, struct route_table *routes,
                                        struct generation *generation, const char *path)
{
    struct call *call = call_admit(worker) ? take_call(worker) : NULL;
    if (call == NULL) {
        return NULL;
    }
    call->routes = route_table_acquire(routes);
    call->operation = path;
    set_generation(call, generation);
    if (worker->limits.default_deadline_ns > 0) {
        call->deadline_ns = call->start_ns + worker->limits.default_deadline_ns;
    }
    list_call(worker, call);
    trace_begin(worker, &call->trace); /* unless the caller brings one */
    return call;
}

struct call *call_create(struct worker *worker, struct route_table *routes,
                         const struct route *route)
{
    struct call *call = create_from_outside(worker, routes, route->generation, route->path);
    if (call != NULL) {
        call->route = route;
    }
    return call;
}

struct call *call_create_elsewhere(struct worker *worker, struct route_table *routes,
                                   const char *path)
{
    return create_from_outside(worker, routes, NULL, path);
}

struct call *call_create_internal(struct worker *worker, struct generation *generation,
                                  const char *operation)
{
    struct call *call = take_call(worker);
    if (call != NULL) {
        call->operation = operation;
        set_generation(call, generation);
        list_call(worker, call);
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

atlas_status_t call_fail(struct call *call, atlas_status_t status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(call->message, sizeof call->message, format, args);
    va_end(args);
    return status;
}

atlas_status_t call_no_memory(struct call *call)
{
    return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                     "the call's memory is used up; see calls.arena_limit (%zu bytes)",
                     call->arena.limit);
}

atlas_status_t call_check_message(struct call *call, size_t len)
{
    size_t limit = call->worker->limits.message_limit;
    if (len <= limit) {
        return ATLAS_OK;
    }
    return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                     "a message of %zu bytes exceeds calls.message_limit (%zu)", len, limit);
}

void call_set_timeout(struct call *call, int64_t timeout_ns)
{
    int64_t max_ns = call->worker->limits.max_deadline_ns;
    if (max_ns > 0 && timeout_ns > max_ns) {
        timeout_ns = max_ns;
    }
    call->deadline_ns =
        timeout_ns < INT64_MAX - call->start_ns ? call->start_ns + timeout_ns : INT64_MAX;
}

struct atlas_bytes call_traceparent(struct call *call)
{
    if (call->traceparent.len == 0) {
        char text[TRACE_TEXT_SIZE];
        trace_write(&call->trace, text);
        size_t len = strlen(text);
        const char *copy = len > 0 ? arena_copy(&call->arena, text, len) : NULL;
        call->traceparent = (struct atlas_bytes){copy, copy != NULL ? len : 0};
    }
    return call->traceparent;
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
    size_t bytes = call_metadata_size(name, value);
    if (bytes > call->worker->limits.metadata_limit - list->bytes) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                         "metadata exceeds calls.metadata_limit (%zu bytes)",
                         call->worker->limits.metadata_limit);
    }
    char *name_copy = arena_copy(&call->arena, name.data, name.len);
    char *value_copy = arena_copy(&call->arena, value.data, value.len);
    bool has_room = list->count < list->room || grow_list(call, list);
    if (name_copy == NULL || value_copy == NULL || !has_room) {
        return call_no_memory(call);
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
