/*
 * A loop: one thread with one event_base. Other threads reach it by messages only.
 *
 * One pass of a loop is: events that are ready; then fibers and other work that became ready
 * (loop_defer); then flushes (loop_flush), so that a connection writes once for all that happened
 * in the pass.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct event_base;
struct loop;

/* Something to do on a loop. Embed it; it belongs to the loop from posting until run is called. */
struct loop_task {
    void (*run)(struct loop_task *task);
    struct loop_task *next;
};

/* The object that embeds a member of that name. */
#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Makes a loop; it runs once loop_start is called. RESOURCE_EXHAUSTED when the system refuses. */
atlas_status_t loop_create(unsigned index, struct loop **ret_loop, struct error *error);

/* Starts the thread, named "<name>-<index>". */
atlas_status_t loop_start(struct loop *loop, const char *name, struct error *error);

/* Asks the loop to end after the current pass and waits for its thread. */
void loop_stop(struct loop *loop);

/* Frees a loop that was stopped or never started. NULL is allowed. */
void loop_destroy(struct loop *loop);

/* Runs on the loop's thread, in the order of posting per sender. Any thread. */
void loop_post(struct loop *loop, struct loop_task *task);

/* Runs in this pass, after the events that are ready. On the loop only. */
void loop_defer(struct loop *loop, struct loop_task *task);

/* Runs at the end of this pass, after all deferred work. On the loop only. */
void loop_flush(struct loop *loop, struct loop_task *task);

/* The loop's base, index, and owner (what the layer above hangs on it). */
struct event_base *loop_base(struct loop *loop);
unsigned loop_index(const struct loop *loop);
void *loop_owner(const struct loop *loop);
void loop_set_owner(struct loop *loop, void *owner);

/* The loop whose thread this is; NULL on other threads. */
struct loop *loop_current(void);

#endif
