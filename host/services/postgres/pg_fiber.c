#include "services/postgres/pg_fiber.h"

#include <stdio.h>

#include "base/clock.h"
#include "runtime/call_run.h"
#include "runtime/generation.h"
#include "runtime/wait.h"

static void pg_fiber_on_finished(struct call *call)
{
    struct pg_fiber *fiber = call->peer;
    fiber->call = NULL;
    if (fiber->stopping != NULL) {
        wait_complete(fiber->stopping);
    }
    call_destroy(call);
}

static const struct call_operations operations = {.finished = pg_fiber_on_finished};

static atlas_status_t run(struct call *call, void *arg)
{
    struct pg_fiber *fiber = arg;
    fiber->has_begun = true;
    fiber->run(call, fiber->arg);
    return ATLAS_OK;
}

atlas_status_t pg_fiber_start(struct pg_fiber *fiber, struct call *starter, const char *name,
                              void (*fn)(struct call *call, void *arg), void *arg)
{
    snprintf(fiber->operation, sizeof fiber->operation, "%s %s", starter->generation->id, name);
    struct call *call =
        call_create_internal(starter->worker, starter->generation, fiber->operation);
    if (call == NULL) {
        return call_fail(starter, ATLAS_RESOURCE_EXHAUSTED, "no fiber is left for %s",
                         fiber->operation);
    }
    fiber->run = fn;
    fiber->arg = arg;
    fiber->call = call;
    fiber->has_begun = false;
    fiber->is_stopped = false;
    call->operations = &operations;
    call->peer = fiber;
    call_start_function(call, run, fiber);
    if (fiber->call == NULL && !fiber->has_begun) {
        return call_fail(starter, ATLAS_RESOURCE_EXHAUSTED, "no stack is left for %s",
                         fiber->operation);
    }
    return ATLAS_OK;
}

void pg_fiber_stop(struct pg_fiber *fiber, struct call *stopper)
{
    struct wait wait;
    fiber->is_stopped = true;
    if (fiber->call == NULL) {
        return;
    }
    wait_init(&wait, stopper);
    fiber->stopping = &wait;
    call_cancel(fiber->call, ATLAS_CANCELLED);
    wait_uninterrupted(&wait);
    fiber->stopping = NULL;
}

bool pg_fiber_sleep(struct call *call, int64_t ms)
{
    struct wait wait;
    wait_init(&wait, call); /* nobody completes it */
    wait_for_at_most(&wait, ms * NS_PER_MS);
    return call_check(call) == ATLAS_OK;
}
