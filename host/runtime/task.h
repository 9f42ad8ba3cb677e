/* Tasks: the children that a call spawned on fibers of their own. */
#ifndef RUNTIME_TASK_H
#define RUNTIME_TASK_H

#include "runtime/call.h"

/* As spawn and join in struct atlas_call_interface. */
atlas_status_t task_spawn(struct call *call, struct atlas_task *task);
atlas_status_t task_join(struct call *call);

#endif
