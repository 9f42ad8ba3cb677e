#include "runtime/reload/drain.h"

#include "base/clock.h"
#include "base/log.h"
#include "runtime/call.h"
#include "runtime/generation.h"
#include "runtime/runtime.h"
#include "runtime/wait.h"

static void cancel_tree(struct call *call, const struct generation *generation)
{
    if (generation == NULL || call->generation == generation) {
        call_cancel(call, ATLAS_UNAVAILABLE);
        return;
    }
    for (struct call *child = call->children; child != NULL; child = child->next_sibling) {
        cancel_tree(child, generation);
    }
}

static void cancel_calls(struct worker *worker, void *arg)
{
    for (struct call *call = worker->calls; call != NULL; call = call->next_call) {
        cancel_tree(call, arg);
    }
}

void drain_cancel_calls(struct runtime *runtime, const struct generation *generation)
{
    for (unsigned i = 0; i < runtime_worker_count(runtime); i++) {
        runtime_run_on(runtime_worker(runtime, i), cancel_calls, (void *)(uintptr_t)generation);
    }
}

static void log_calls(struct worker *worker, void *arg)
{
    (void)arg;
    for (const struct call *call = worker->calls; call != NULL; call = call->next_call) {
        const struct generation *generation = call->generation;
        log_error("a call does not end", LOG_TEXT("operation", call->operation),
                  LOG_TEXT("plugin", generation != NULL ? generation->id : "host"),
                  LOG_INT("generation", generation != NULL ? generation->number : 0),
                  LOG_INT("loop", worker->index),
                  LOG_INT("age_ms", (clock_monotonic_ns() - call->start_ns) / NS_PER_MS));
    }
}

void drain_log_calls(struct runtime *runtime)
{
    for (unsigned i = 0; i < runtime_worker_count(runtime); i++) {
        runtime_run_on(runtime_worker(runtime, i), log_calls, NULL);
    }
}
