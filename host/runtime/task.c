#include "runtime/task.h"

#include <stdio.h>

#include "runtime/call_run.h"
#include "runtime/wait.h"

static atlas_status_t run_task(struct call *child, void *arg)
{
    struct atlas_task *task = arg;
    return task->run(&child->public, task->arg);
}

static void note_failure(struct call *parent, unsigned order, atlas_status_t status)
{
    if (status != ATLAS_OK &&
        (parent->tasks_status == ATLAS_OK || order < parent->tasks_failed_at)) {
        parent->tasks_status = status;
        parent->tasks_failed_at = order;
    }
}

static void task_on_finished(struct call *child)
{
    struct call *parent = child->parent;
    struct atlas_task *task = child->task;
    task->status = child->status;
    snprintf(task->message, sizeof task->message, "%.*s", (int)sizeof task->message - 1,
             child->status == ATLAS_OK ? "" : child->message);
    arena_adopt(&parent->arena, &child->arena);
    note_failure(parent, child->task_order, child->status);
    call_destroy(child);
    parent->tasks_alive--;
    if (parent->tasks_alive == 0 && parent->join_wait != NULL) {
        wait_complete(parent->join_wait);
    }
}

static const struct call_operations task_operations = {.finished = task_on_finished};

atlas_status_t task_spawn(struct call *call, struct atlas_task *task)
{
    if (call->tasks_alive >= call->worker->limits.tasks_per_call) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                         "more than %u tasks of one call; see calls.tasks",
                         call->worker->limits.tasks_per_call);
    }
    struct call *child = call_has_fiber_left(call->worker) ? call_create_child(call, NULL) : NULL;
    if (child == NULL) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                         "no fiber is left for a task; see calls.fibers");
    }
    task->status = ATLAS_UNKNOWN;
    task->message[0] = '\0';
    child->task = task;
    child->operations = &task_operations;
    child->task_order = call->tasks_spawned++;
    call->tasks_alive++;
    call_start_function(child, run_task, task);
    return ATLAS_OK;
}

atlas_status_t task_join(struct call *call)
{
    if (call->tasks_alive > 0) {
        struct wait wait;
        wait_init(&wait, call);
        call->join_wait = &wait;
        wait_uninterrupted(&wait);
        call->join_wait = NULL;
    }
    atlas_status_t status = call->tasks_status;
    call->tasks_status = ATLAS_OK;
    call->tasks_spawned = 0;
    return status;
}
