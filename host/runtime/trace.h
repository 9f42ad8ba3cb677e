/* W3C trace context: https://www.w3.org/TR/trace-context/ */
#ifndef RUNTIME_TRACE_H
#define RUNTIME_TRACE_H

#include "runtime/call.h"

/* Reads "00-<trace id>-<span id>-<flags>"; anything malformed is false and leaves
 * ret_trace as it is. */
bool trace_parse(struct atlas_bytes text, struct trace_context *ret_trace);

/* Begins a trace: ids that are unique, not secret. On the worker's loop. */
void trace_begin(struct worker *worker, struct trace_context *ret_trace);

/* Writes the header in the arena; empty if there is no context or no memory. */
struct atlas_bytes trace_format(const struct trace_context *trace, struct arena *arena);

#endif
