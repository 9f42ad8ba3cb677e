/* For tests: runs a function on a fiber of a loop and waits for it. */
#ifndef TESTS_SUPPORT_RUN_ON_H
#define TESTS_SUPPORT_RUN_ON_H

#include "base/clock.h"
#include "runtime/reload/control.h"
#include "runtime/reload/step.h"

/* Ends the function's waits after timeout_ms. ret_error may be NULL. Any thread that is no loop. */
static inline atlas_status_t run_on(struct worker *worker, struct generation *generation,
                                    const char *operation, int64_t timeout_ms, step_fn *run,
                                    void *arg, struct error *ret_error)
{
    struct control *control;
    struct error error;
    atlas_status_t status = control_create(&control, &error);
    if (status == ATLAS_OK) {
        struct step step = {.worker = worker,
                            .generation = generation,
                            .operation = operation,
                            .deadline_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS,
                            .run = run,
                            .arg = arg};
        status = step_run(control, &step);
        error = step.error;
        control_destroy(control);
    }
    if (ret_error != NULL) {
        *ret_error = error;
    }
    return status;
}

#endif
