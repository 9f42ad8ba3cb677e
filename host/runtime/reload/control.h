/*
 * The control thread: one place where generations are loaded, committed, drained and unloaded, in
 * plain blocking code. Others send it commands, and ask it to end.
 */
#ifndef RUNTIME_RELOAD_CONTROL_H
#define RUNTIME_RELOAD_CONTROL_H

#include "base/error.h"
#include "base/loop.h"

struct control;

/* Makes the queue of commands; the thread that calls control_run becomes the control thread. */
atlas_status_t control_create(struct control **ret_control, struct error *error);

/* NULL is allowed. */
void control_destroy(struct control *control);

/* Sends a command; run is called on the control thread. Any thread; not in a signal handler. */
void control_post(struct control *control, struct loop_task *task);

/* Runs commands until control_end was called. On the control thread. */
void control_run(struct control *control);

/* Lets control_run return, and interrupts what the control thread waits for. Each further call
 * interrupts what it waits for then: a second signal hurries the end. Any thread. */
void control_end(struct control *control);

/* The control thread acts on the first count calls of control_end from here on: only further ones
 * interrupt. */
void control_heed_ends(struct control *control, unsigned count);

/* True once somebody asked to end. Any thread. */
bool control_is_ending(struct control *control);

/* True if somebody asked to end and that is not heeded yet. Any thread. */
bool control_is_interrupted(struct control *control);

/* Runs commands until is_done(arg), until_ns (monotonic), or an interruption; returns is_done(arg).
 * On the control thread, inside a command: for waiting until loops have let go of something. */
bool control_wait(struct control *control, int64_t until_ns, bool (*is_done)(void *arg), void *arg);

/* Waits for control_notify of that flag and runs no command meanwhile; if is_interruptible, until
 * an interruption at the latest. Returns the flag. On the control thread. */
bool control_await(struct control *control, const bool *flag, bool is_interruptible);

/* Sets the flag and wakes the control thread. Any thread. */
void control_notify(struct control *control, bool *flag);

#endif
