#include "runtime/reload/step.h"

#include <stdio.h>

#include "runtime/call_run.h"
#include "runtime/generation.h"
#include "runtime/reload/control.h"
#include "runtime/runtime.h"
#include "runtime/wait.h"

static void end(struct step *step, atlas_status_t status, const char *why)
{
    step->status = status;
    if (status != ATLAS_OK) {
        error_set(&step->error, status, "%s", why);
    }
    step->call = NULL;
    control_notify(step->control, &step->has_ended); /* the last touch of the step */
}

static void step_on_finished(struct call *call)
{
    struct step *step = call->peer;
    char why[CALL_MESSAGE_SIZE];
    atlas_status_t status = call->status;
    snprintf(why, sizeof why, "%s", call->message);
    if (why[0] == '\0') {
        snprintf(why, sizeof why, "it returned %s and gave no reason; use atlas_fail",
                 atlas_status_name(status));
    }
    call_destroy(call);
    end(step, status, why);
}

static const struct call_operations step_operations = {.finished = step_on_finished};

/* A step that comes late because its loop was held runs all the same: only its waits end. Else what
 * it should stop would never stop. */
static atlas_status_t run_step(struct call *call, void *arg)
{
    const struct step *step = arg;
    call->deadline_ns = step->deadline_ns;
    return step->run(call, step->arg);
}

static void start_on_loop(struct worker *worker, void *arg)
{
    struct step *step = arg;
    struct call *call = call_create_internal(worker, step->generation, step->label);
    if (call == NULL) {
        end(step, ATLAS_RESOURCE_EXHAUSTED, "no memory for a call");
        return;
    }
    call->operations = &step_operations;
    call->peer = step;
    step->call = call;
    call_start_function(call, run_step, step);
}

void step_start(struct control *control, struct step *step)
{
    step->control = control;
    step->has_ended = false;
    step->call = NULL;
    snprintf(step->label, sizeof step->label, "%s%s%s",
             step->generation != NULL ? step->generation->id : "",
             step->generation != NULL ? " " : "", step->operation);
    runtime_run_on(step->worker, start_on_loop, step);
}

static void cancel_on_loop(struct worker *worker, void *arg)
{
    const struct step *step = arg;
    (void)worker;
    if (step->call != NULL) {
        call_cancel(step->call, ATLAS_CANCELLED);
    }
}

atlas_status_t step_await(struct control *control, struct step *step)
{
    if (!control_await(control, &step->has_ended, step->is_interruptible)) {
        runtime_run_on(step->worker, cancel_on_loop, step);
        control_await(control, &step->has_ended, false);
    }
    return step->status;
}

atlas_status_t step_run(struct control *control, struct step *step)
{
    step_start(control, step);
    return step_await(control, step);
}
