/* The listeners of one process: those whose services its plugins serve. Control thread only. */
#ifndef HOST_LISTENERS_H
#define HOST_LISTENERS_H

#include "base/error.h"
#include "base/report.h"

struct control;
struct deployment;
struct listeners;
struct runtime;

/* Binds the addresses of the runtime's configuration; connections queue until listeners_accept.
 * From then on listeners follow the deployment: what a newer configuration names is opened, closed
 * or given other services as part of the same transaction. False, and everything wrong in the
 * report, if one cannot be opened; ret_listeners is for listeners_close in any case. The runtime
 * runs. */
bool listeners_open(struct runtime *runtime, struct deployment *deployment,
                    struct listeners **ret_listeners, struct report *report);

/* Starts to accept. */
void listeners_accept(struct listeners *listeners);

/* Stops accepting without losing a connection; peers are told to go. NULL is allowed. */
void listeners_stop(struct listeners *listeners);

/* Waits until calls have ended and peers have gone, a moment also for accepted connections that
 * have not asked for anything yet, until until_ns (monotonic) or an interruption of the control
 * thread at the latest. False if some are left. NULL is allowed. */
bool listeners_wait(struct listeners *listeners, struct control *control, int64_t until_ns);

/* Waits for what was cancelled, until until_ns at the latest. False if some are left. NULL is
 * allowed. */
bool listeners_wait_for_cancelled(struct listeners *listeners, struct control *control,
                                  int64_t until_ns);

/* Cancels the calls that are left. */
void listeners_cancel(struct listeners *listeners);

/* Frees them once nothing is left, while the loops still run. NULL is allowed. */
void listeners_close(struct listeners *listeners);

#endif
