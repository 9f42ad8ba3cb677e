/*
 * Fibers: functions with a stack of their own that can stop in the middle and go on later, on the
 * same loop and thread. Only fiber.c switches stacks, and only it knows the sanitizers and
 * valgrind.
 */
#ifndef RUNTIME_FIBER_H
#define RUNTIME_FIBER_H

#include "base/loop.h"

struct fiber;
struct fiber_pool;

/* What a fiber runs, for reports of an overflow and of a loop that is held. Borrowed texts. */
struct fiber_label {
    const char *operation; /* "/atlas.order.v1.Order/GetOrder", "order background outbox" */
    const char *plugin;    /* "host" outside of any */
};

/* Makes the fibers of one loop: at most limit at once, each with stack_size bytes (rounded up to
 * pages; reserved, not committed) and a guard below. */
atlas_status_t fiber_pool_create(struct loop *loop, unsigned limit, size_t stack_size,
                                 struct fiber_pool **ret_pool, struct error *error);

/* Frees the pool. No fiber of it may be alive. NULL is allowed. */
void fiber_pool_destroy(struct fiber_pool *pool);

/* Fibers that are alive now. On the loop only. */
unsigned fiber_pool_alive(const struct fiber_pool *pool);

/* Runs fn(arg) on a fiber: at once up to its first wait if the caller is the loop, in this pass if
 * the caller is a fiber. RESOURCE_EXHAUSTED if limit fibers are alive or no stack is to be had.
 * The label is copied, its texts borrowed until the fiber ends. On the loop only. */
atlas_status_t fiber_start(struct fiber_pool *pool, const struct fiber_label *label,
                           void (*fn)(void *arg), void *arg);

/* The fiber that runs now; NULL outside of any. Any thread. */
struct fiber *fiber_current(void);

/* Stops the current fiber until somebody calls fiber_resume. On a fiber only. */
void fiber_suspend(void);

/* Lets a suspended fiber go on, in this pass of its loop; once per suspension. On its loop only. */
void fiber_resume(struct fiber *fiber);

/* Names what the current fiber runs from here on, and returns the former label; for nested calls.
 */
struct fiber_label fiber_set_label(struct fiber_label label);

/* The current fiber is not named so any more, if it was: the texts are about to go. Also outside of
 * any fiber. */
void fiber_drop_label(const char *operation);

/* The label of the current fiber; NULL outside of any. Any thread, also in a signal handler. */
const struct fiber_label *fiber_label(void);

/* A number that changes whenever a fiber of the pool begins or stops to run; odd while one runs.
 * Any thread. */
uint64_t fiber_pool_pulse(const struct fiber_pool *pool);

/* A fiber that crashes (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) still ends the process by that
 * signal, but first a line on stderr names the fiber's label, and says whether the fiber ran into
 * its guard. Once per process, before loops start. */
atlas_status_t fiber_install_crash_report(struct error *error);

/* Gives the calling thread the alternate signal stack that the report needs. */
void fiber_prepare_thread(void);

#endif
