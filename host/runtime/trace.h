/* W3C trace context: https://www.w3.org/TR/trace-context/ */
#ifndef RUNTIME_TRACE_H
#define RUNTIME_TRACE_H

#include "runtime/call.h"

/* Reads "00-<trace id>-<span id>-<flags>"; anything malformed is false and leaves
 * ret_trace as it is. */
bool trace_parse(struct atlas_bytes text, struct trace_context *ret_trace);

/* Begins a trace: ids that are unique, not secret. On the worker's loop. */
void trace_begin(struct worker *worker, struct trace_context *ret_trace);

/* The length of the header, and room for it with its NUL. */
#define TRACE_TEXT_SIZE 56

/* Writes the header into the buffer; an empty text if there is no context. */
void trace_write(const struct trace_context *trace, char buffer[TRACE_TEXT_SIZE]);

/* Writes the header in the arena; empty if there is no context or no memory. */
struct atlas_bytes trace_format(const struct trace_context *trace, struct arena *arena);

#endif
