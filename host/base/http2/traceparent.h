/* The traceparent header of W3C Trace Context, version 00. */
#ifndef BASE_HTTP2_TRACEPARENT_H
#define BASE_HTTP2_TRACEPARENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "00-<32 hex>-<16 hex>-<2 hex>", without the NUL. */
#define TRACEPARENT_SIZE 55

/* False, with nothing written, if the text is none or an id is zero. */
bool traceparent_parse(const char *text, size_t len, uint8_t ret_trace_id[16],
                       uint8_t ret_span_id[8], uint8_t *ret_flags);

/* Writes TRACEPARENT_SIZE characters and a NUL. */
void traceparent_format(const uint8_t trace_id[16], const uint8_t span_id[8], uint8_t flags,
                        char ret_text[TRACEPARENT_SIZE + 1]);

#endif
