#include "runtime/task.h"

#include <stdio.h>

#include "runtime/call_run.h"
#include "runtime/wait.h"

static atlas_status_t run_task(struct call *child, void *arg)
{
    return child->task_run(&child->public, arg);
}

/* Remembers the failure of the task that was spawned first, for join. */
static void note_failure(struct call *parent, const struct call *child)
{
    if (child->status != ATLAS_OK &&
        (parent->task_failed == NULL || child->task_order < parent->task_failed_at)) {
        parent->task_failed = child->task;
        parent->task_failed_at = child->task_order;
    }
}

static void tell_end(const struct call *child)
{
    struct atlas_task *task = child->task;
    task->status = child->status;
    snprintf(task->message, sizeof task->message, "%.*s", (int)sizeof task->message - 1,
             child->status == ATLAS_OK ? "" : child->message);
}

static void task_on_finished(struct call *child)
{
    struct call *parent = child->parent;
    if (!parent->has_returned) {
        tell_end(child);
        note_failure(parent, child);
    }
    arena_adopt(&parent->arena, &child->arena);
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
    struct call *child = call_admit(call->worker) ? call_create_child(call, NULL) : NULL;
    if (child == NULL) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                         "no fiber is left for a task; see calls.fibers");
    }
    task->status = ATLAS_UNKNOWN;
    task->message[0] = '\0';
    child->task = task;
    child->task_run = task->run;
    child->operations = &task_operations;
    child->task_order = call->tasks_spawned++;
    call->tasks_alive++;
    call_start_function(child, run_task, task->arg);
    return ATLAS_OK;
}

void task_leave(struct call *call)
{
    call->has_returned = true;
    call->task_failed = NULL;
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
    const struct atlas_task *failed = call->task_failed;
    call->task_failed = NULL;
    call->tasks_spawned = 0;
    return failed == NULL ? ATLAS_OK : call_fail(call, failed->status, "%s", failed->message);
}
