#include "runtime/reload/control.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

struct control {
    pthread_mutex_t mutex;
    pthread_cond_t is_awaited; /* a command, a flag or an interruption */
    struct loop_task *head;
    struct loop_task **tail;
    unsigned ends;        /* how often somebody asked to end */
    unsigned ends_heeded; /* what interrupts no more */
};

atlas_status_t control_create(struct control **ret_control, struct error *error)
{
    struct control *control = calloc(1, sizeof *control);
    if (control == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "control: out of memory");
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&control->is_awaited, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&control->mutex, NULL);
    control->tail = &control->head;
    *ret_control = control;
    return ATLAS_OK;
}

void control_destroy(struct control *control)
{
    if (control == NULL) {
        return;
    }
    pthread_cond_destroy(&control->is_awaited);
    pthread_mutex_destroy(&control->mutex);
    free(control);
}

void control_post(struct control *control, struct loop_task *task)
{
    pthread_mutex_lock(&control->mutex);
    task->next = NULL;
    *control->tail = task;
    control->tail = &task->next;
    pthread_cond_signal(&control->is_awaited);
    pthread_mutex_unlock(&control->mutex);
}

void control_end(struct control *control)
{
    pthread_mutex_lock(&control->mutex);
    control->ends++;
    pthread_cond_signal(&control->is_awaited);
    pthread_mutex_unlock(&control->mutex);
}

void control_heed_ends(struct control *control, unsigned count)
{
    pthread_mutex_lock(&control->mutex);
    control->ends_heeded = count;
    pthread_mutex_unlock(&control->mutex);
}

/* With the mutex held, as the next. */
static bool is_interrupted(const struct control *control)
{
    return control->ends > control->ends_heeded;
}

static struct loop_task *pop(struct control *control)
{
    struct loop_task *task = control->head;
    if (task != NULL) {
        control->head = task->next;
        if (control->head == NULL) {
            control->tail = &control->head;
        }
    }
    return task;
}

bool control_is_interrupted(struct control *control)
{
    pthread_mutex_lock(&control->mutex);
    bool result = is_interrupted(control);
    pthread_mutex_unlock(&control->mutex);
    return result;
}

bool control_is_ending(struct control *control)
{
    pthread_mutex_lock(&control->mutex);
    bool result = control->ends > 0;
    pthread_mutex_unlock(&control->mutex);
    return result;
}

void control_run(struct control *control)
{
    pthread_mutex_lock(&control->mutex);
    while (control->ends == 0) {
        struct loop_task *task = pop(control);
        if (task != NULL) {
            pthread_mutex_unlock(&control->mutex);
            task->run(task);
            pthread_mutex_lock(&control->mutex);
        } else {
            pthread_cond_wait(&control->is_awaited, &control->mutex);
        }
    }
    pthread_mutex_unlock(&control->mutex);
}

bool control_wait(struct control *control, int64_t until_ns, bool (*is_done)(void *arg), void *arg)
{
    struct timespec until = {until_ns / NS_PER_S, until_ns % NS_PER_S};
    int failure = 0;
    pthread_mutex_lock(&control->mutex);
    while (!is_done(arg) && failure != ETIMEDOUT && !is_interrupted(control)) {
        struct loop_task *task = pop(control);
        if (task != NULL) {
            pthread_mutex_unlock(&control->mutex);
            task->run(task);
            pthread_mutex_lock(&control->mutex);
        } else {
            failure = pthread_cond_timedwait(&control->is_awaited, &control->mutex, &until);
        }
    }
    pthread_mutex_unlock(&control->mutex);
    return is_done(arg);
}

bool control_await(struct control *control, const bool *flag, bool is_interruptible)
{
    pthread_mutex_lock(&control->mutex);
    while (!*flag && !(is_interruptible && is_interrupted(control))) {
        pthread_cond_wait(&control->is_awaited, &control->mutex);
    }
    bool is_set = *flag;
    pthread_mutex_unlock(&control->mutex);
    return is_set;
}

void control_notify(struct control *control, bool *flag)
{
    pthread_mutex_lock(&control->mutex);
    *flag = true;
    pthread_cond_signal(&control->is_awaited);
    pthread_mutex_unlock(&control->mutex);
}
