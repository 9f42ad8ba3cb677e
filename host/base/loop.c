/* The event loop: libevent's base, an inbox for other threads, and the two queues that end a pass.
 */
#include "base/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Deferred tasks that one pass runs before it lets events in again. */
#define DEFERRED_PER_PASS 4096

/* What an event_base opens: epoll, and a pipe for signals. */
#define BASE_DESCRIPTORS 3

struct task_queue {
    struct loop_task *head;
    struct loop_task **tail;
};

struct loop {
    struct event_base *base;
    struct event *wake_event;  /* other threads have posted */
    struct event *defer_event; /* activated by hand: runs after the events that are ready now */
    int wake_fd;
    unsigned index;
    bool is_started;
    bool is_defer_active;
    void *owner;
    pthread_t thread;
    _Atomic(struct loop_task *) inbox; /* a stack: newest first */
    struct task_queue deferred;
    struct task_queue flushes;
    char name[16];
};

static _Thread_local struct loop *current_loop;

static void queue_init(struct task_queue *queue)
{
    queue->head = NULL;
    queue->tail = &queue->head;
}

static void queue_push(struct task_queue *queue, struct loop_task *task)
{
    task->next = NULL;
    *queue->tail = task;
    queue->tail = &task->next;
}

static struct loop_task *queue_pop(struct task_queue *queue)
{
    struct loop_task *task = queue->head;
    if (task != NULL) {
        queue->head = task->next;
        if (queue->head == NULL) {
            queue->tail = &queue->head;
        }
    }
    return task;
}

static void activate_defer(struct loop *loop)
{
    if (!loop->is_defer_active) {
        loop->is_defer_active = true;
        event_active(loop->defer_event, EV_TIMEOUT, 0);
    }
}

static void run_deferred(struct loop *loop)
{
    struct loop_task *task;
    for (int n = 0; n < DEFERRED_PER_PASS && (task = queue_pop(&loop->deferred)) != NULL; n++) {
        task->run(task);
    }
}

static void loop_on_defer(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct loop *loop = arg;
    run_deferred(loop);
    /* Flushes that wake fibers leave those for the next round. */
    struct task_queue flushes = loop->flushes;
    if (flushes.head != NULL) {
        queue_init(&loop->flushes);
        for (struct loop_task *task = flushes.head, *next; task != NULL; task = next) {
            next = task->next;
            task->run(task);
        }
    }
    loop->is_defer_active = false;
    if (loop->deferred.head != NULL || loop->flushes.head != NULL) {
        /* By a timer of zero, not by activation: events get their turn first. */
        loop->is_defer_active = true;
        event_add(loop->defer_event, &(struct timeval){0, 0});
    }
}

static struct loop_task *reversed(struct loop_task *task)
{
    struct loop_task *list = NULL;
    while (task != NULL) {
        struct loop_task *next = task->next;
        task->next = list;
        list = task;
        task = next;
    }
    return list;
}

static void loop_on_wake(evutil_socket_t fd, short events, void *arg)
{
    (void)events;
    struct loop *loop = arg;
    uint64_t count;
    if (read(fd, &count, sizeof count) < 0 && errno != EAGAIN) {
        return;
    }
    struct loop_task *posted = atomic_exchange_explicit(&loop->inbox, NULL, memory_order_acquire);
    for (struct loop_task *task = reversed(posted), *next; task != NULL; task = next) {
        next = task->next;
        task->run(task);
    }
}

/* Libevent ends the process if it gets none: ask for them first. */
static bool has_descriptors(void)
{
    int fds[BASE_DESCRIPTORS];
    int count = 0;
    while (count < BASE_DESCRIPTORS && (fds[count] = eventfd(0, EFD_CLOEXEC)) >= 0) {
        count++;
    }
    int reason = errno;
    for (int i = 0; i < count; i++) {
        close(fds[i]);
    }
    errno = reason;
    return count == BASE_DESCRIPTORS;
}

/* A base that asks what time it is whenever a timer is set or awaited. Else it is the time at which
 * the pass began: after a fiber that computes, waits end too early or too late by so much. */
static struct event_base *make_base(void)
{
    struct event_config *config = has_descriptors() ? event_config_new() : NULL;
    struct event_base *base = NULL;
    if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME) == 0) {
        base = event_base_new_with_config(config);
    }
    if (config != NULL) {
        event_config_free(config);
    }
    return base;
}

atlas_status_t loop_create(unsigned index, struct loop **ret_loop, struct error *error)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "loop %u: out of memory", index);
    }
    loop->index = index;
    queue_init(&loop->deferred);
    queue_init(&loop->flushes);
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    loop->base = make_base();
    if (loop->wake_fd >= 0 && loop->base != NULL) {
        loop->wake_event =
            event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, loop_on_wake, loop);
        loop->defer_event = event_new(loop->base, -1, 0, loop_on_defer, loop);
    }
    if (loop->wake_event == NULL || loop->defer_event == NULL ||
        event_add(loop->wake_event, NULL) != 0) {
        loop_destroy(loop);
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED,
                         "loop %u: cannot make an event base: %s; raise the limit of open files",
                         index, strerror(errno));
    }
    *ret_loop = loop;
    return ATLAS_OK;
}

static void *run_loop(void *arg)
{
    struct loop *loop = arg;
    current_loop = loop;
    pthread_setname_np(pthread_self(), loop->name);
    event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
    return NULL;
}

atlas_status_t loop_start(struct loop *loop, const char *name, struct error *error)
{
    snprintf(loop->name, sizeof loop->name, "%.11s-%u", name, loop->index % 1000);
    int failure = pthread_create(&loop->thread, NULL, run_loop, loop);
    if (failure != 0) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "loop %s: cannot start its thread: %s",
                         loop->name, strerror(failure));
    }
    loop->is_started = true;
    return ATLAS_OK;
}

struct stop_message {
    struct loop_task task;
    struct loop *loop;
};

static void run_stop(struct loop_task *task)
{
    struct stop_message *message = CONTAINER_OF(task, struct stop_message, task);
    event_base_loopbreak(message->loop->base);
}

void loop_stop(struct loop *loop)
{
    if (loop == NULL || !loop->is_started) {
        return;
    }
    struct stop_message message = {.task = {.run = run_stop}, .loop = loop};
    loop_post(loop, &message.task);
    pthread_join(loop->thread, NULL);
    loop->is_started = false;
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    if (loop->wake_event != NULL) {
        event_free(loop->wake_event);
    }
    if (loop->defer_event != NULL) {
        event_free(loop->defer_event);
    }
    if (loop->base != NULL) {
        event_base_free(loop->base);
    }
    if (loop->wake_fd >= 0) {
        close(loop->wake_fd);
    }
    free(loop);
}

void loop_post(struct loop *loop, struct loop_task *task)
{
    struct loop_task *head = atomic_load_explicit(&loop->inbox, memory_order_relaxed);
    do {
        task->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&loop->inbox, &head, task, memory_order_release,
                                                    memory_order_relaxed));
    if (head == NULL) { /* whoever posts into an empty inbox wakes the loop */
        ssize_t ignored = write(loop->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
        (void)ignored; /* EAGAIN: the counter is full, so the loop is awake already */
    }
}

void loop_defer(struct loop *loop, struct loop_task *task)
{
    queue_push(&loop->deferred, task);
    activate_defer(loop);
}

void loop_flush(struct loop *loop, struct loop_task *task)
{
    queue_push(&loop->flushes, task);
    activate_defer(loop);
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

unsigned loop_index(const struct loop *loop)
{
    return loop->index;
}

void *loop_owner(const struct loop *loop)
{
    return loop->owner;
}

void loop_set_owner(struct loop *loop, void *owner)
{
    loop->owner = owner;
}

struct loop *loop_current(void)
{
    return current_loop;
}
