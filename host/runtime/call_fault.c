#include "runtime/call_fault.h"

#include "base/log.h"
#include "runtime/call.h"
#include "runtime/generation.h"
#include "runtime/trace.h"
#include "runtime/worker.h"

static bool is_fault(atlas_status_t status)
{
    return status == ATLAS_UNKNOWN || status == ATLAS_INTERNAL || status == ATLAS_DATA_LOSS;
}

void call_fault_log(const struct call *call, atlas_status_t status, const char *message)
{
    const struct generation *generation = call->generation;
    char trace[TRACE_TEXT_SIZE];
    if (!is_fault(status) || !log_is_due(&call->worker->fault_told_ns)) {
        return;
    }
    trace_write(&call->trace, trace);
    log_warn("call failed", LOG_TEXT("plugin", generation != NULL ? generation->id : "host"),
             LOG_TEXT("operation", call->operation), LOG_TEXT("status", atlas_status_name(status)),
             LOG_TEXT("reason", message), LOG_TEXT("trace", trace));
}
