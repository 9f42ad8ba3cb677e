#include "runtime/reload/control.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

struct control {
    pthread_mutex_t mutex;
    pthread_cond_t has_work;
    struct loop_task *head;
    struct loop_task **tail;
    bool is_ending;
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
    pthread_cond_init(&control->has_work, &attributes);
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
    pthread_cond_destroy(&control->has_work);
    pthread_mutex_destroy(&control->mutex);
    free(control);
}

void control_post(struct control *control, struct loop_task *task)
{
    pthread_mutex_lock(&control->mutex);
    task->next = NULL;
    *control->tail = task;
    control->tail = &task->next;
    pthread_cond_signal(&control->has_work);
    pthread_mutex_unlock(&control->mutex);
}

void control_end(struct control *control)
{
    pthread_mutex_lock(&control->mutex);
    control->is_ending = true;
    pthread_cond_signal(&control->has_work);
    pthread_mutex_unlock(&control->mutex);
}

/* With the mutex held. */
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

void control_run(struct control *control)
{
    pthread_mutex_lock(&control->mutex);
    for (;;) {
        struct loop_task *task = pop(control);
        if (task != NULL) {
            pthread_mutex_unlock(&control->mutex);
            task->run(task);
            pthread_mutex_lock(&control->mutex);
        } else if (control->is_ending) {
            break;
        } else {
            pthread_cond_wait(&control->has_work, &control->mutex);
        }
    }
    pthread_mutex_unlock(&control->mutex);
}

bool control_wait(struct control *control, int64_t timeout_ms, bool (*is_done)(void *arg),
                  void *arg)
{
    int64_t until_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS;
    struct timespec until = {until_ns / NS_PER_S, until_ns % NS_PER_S};
    int failure = 0;
    pthread_mutex_lock(&control->mutex);
    while (!is_done(arg) && failure != ETIMEDOUT) {
        struct loop_task *task = pop(control);
        if (task != NULL) {
            pthread_mutex_unlock(&control->mutex);
            task->run(task);
            pthread_mutex_lock(&control->mutex);
        } else {
            failure = pthread_cond_timedwait(&control->has_work, &control->mutex, &until);
        }
    }
    pthread_mutex_unlock(&control->mutex);
    return is_done(arg);
}
