/* Running calls and ending them. On the call's loop. */
#ifndef RUNTIME_CALL_RUN_H
#define RUNTIME_CALL_RUN_H

#include "runtime/call.h"

/* Runs the handler of the call on the current fiber, nested in its parent, and returns its status;
 * the call is finished but not destroyed, finished() is not called. [waits] */
atlas_status_t call_run_nested(struct call *call);

/* Runs the route's handler on a fiber, up to its first wait, then returns. finished comes once. */
void call_start(struct call *call);

/* Runs fn in place of a handler, with the same end. arg is the transport's. */
void call_start_function(struct call *call, atlas_status_t (*fn)(struct call *call, void *arg),
                         void *arg);

/* Frees the call, its arena and its resources. NULL is allowed. */
void call_destroy(struct call *call);

#endif
