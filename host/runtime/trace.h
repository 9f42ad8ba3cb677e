/* W3C trace context: https://www.w3.org/TR/trace-context/ */
#ifndef RUNTIME_TRACE_H
#define RUNTIME_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "atlas/abi.h"

struct worker;

/* W3C trace context; all zero: none. */
struct trace_context {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t flags;
};

/* Reads "00-<trace id>-<span id>-<flags>"; anything malformed is false and leaves
 * ret_trace as it is. */
bool trace_parse(struct atlas_bytes text, struct trace_context *ret_trace);

/* Begins a trace: ids that are unique, not secret. On the worker's loop. */
void trace_begin(struct worker *worker, struct trace_context *ret_trace);

/* The length of the header, and room for it with its NUL. */
#define TRACE_TEXT_SIZE 56

/* Writes the header into the buffer; an empty text if there is no context. */
void trace_write(const struct trace_context *trace, char buffer[TRACE_TEXT_SIZE]);

#endif
