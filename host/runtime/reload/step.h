/*
 * A step: a function of a plugin's life that the control thread runs on a fiber of a loop. Several
 * may run at once:
 *
 *     step_start(control, &steps[i])   for each
 *     step_await(control, &steps[i])   for each
 */
#ifndef RUNTIME_RELOAD_STEP_H
#define RUNTIME_RELOAD_STEP_H

#include "base/error.h"

struct call;
struct control;
struct generation;
struct worker;

typedef atlas_status_t step_fn(struct call *call, void *arg);

struct step {
    struct worker *worker;         /* where */
    struct generation *generation; /* whose; may be NULL */
    const char *operation;         /* "create", for messages; borrowed */
    int64_t deadline_ns;           /* monotonic; its waits end then, also if it begins later */
    bool is_interruptible;         /* is cancelled when the process shall end */
    step_fn *run;
    void *arg;

    /* The result, once step_await has returned. */
    atlas_status_t status;
    struct error error; /* the call's message, if status is not OK */

    /* The step's own. */
    struct control *control;
    char label[96];    /* "order create": what logs and a crash name */
    struct call *call; /* on its loop; NULL once it has ended */
    bool has_ended;
};

/* Begins the step on its loop. It is borrowed until step_await has returned. Control thread. */
void step_start(struct control *control, struct step *step);

/* Waits until the step has ended and returns its status. Its waits end at the deadline; code that
 * neither waits nor returns is not ended by anything, and the watchdog names it. Control thread. */
atlas_status_t step_await(struct control *control, struct step *step);

/* Both. */
atlas_status_t step_run(struct control *control, struct step *step);

#endif
