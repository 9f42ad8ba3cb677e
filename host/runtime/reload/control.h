/*
 * The control thread: one place where generations are loaded, committed, drained and unloaded, in
 * plain blocking code. Others send it commands.
 */
#ifndef RUNTIME_CONTROL_H
#define RUNTIME_CONTROL_H

#include "base/error.h"
#include "base/loop.h"

struct control;

/* Makes the queue of commands; the thread that calls control_run becomes the control thread. */
atlas_status_t control_create(struct control **ret_control, struct error *error);
void control_destroy(struct control *control);

/* Sends a command; run is called on the control thread. Any thread; not in a signal handler. */
void control_post(struct control *control, struct loop_task *task);

/* Runs commands until control_end was called. On the control thread. */
void control_run(struct control *control);

/* Lets control_run return after the current command. Any thread. */
void control_end(struct control *control);

/* Runs commands until is_done(arg) or the timeout; false at the timeout. On the control thread,
 * inside a command: for waiting until loops have let go of something. */
bool control_wait(struct control *control, int64_t timeout_ms, bool (*is_done)(void *arg),
                  void *arg);

#endif
