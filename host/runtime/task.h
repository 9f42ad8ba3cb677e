/* Tasks: the children that a call spawned on fibers of their own. */
#ifndef RUNTIME_TASK_H
#define RUNTIME_TASK_H

#include "runtime/call.h"

/* As spawn and join in struct atlas_call_interface. */
atlas_status_t task_spawn(struct call *call, struct atlas_task *task);
atlas_status_t task_join(struct call *call);

/* The function that spawned has returned: from here on nobody is told how its tasks end, since
 * their structs may have lain on its stack. */
void task_leave(struct call *call);

#endif
