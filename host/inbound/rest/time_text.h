/* The JSON forms of google.protobuf.Timestamp (RFC 3339) and google.protobuf.Duration ("1.5s"). */
#ifndef INBOUND_REST_TIME_TEXT_H
#define INBOUND_REST_TIME_TEXT_H

#include "atlas/abi.h"

struct buffer;

struct time_value {
    int64_t seconds; /* Timestamp: since 1970-01-01 UTC */
    int32_t nanos;   /* Duration: of the same sign as seconds */
};

/* "2026-11-22T18:13:49.5Z" or with an offset; years 0001 to 9999. False if it is anything else. */
bool timestamp_from_text(struct atlas_bytes text, struct time_value *ret_time);

/* "-1.5s"; up to 10,000 years. False if it is anything else. */
bool duration_from_text(struct atlas_bytes text, struct time_value *ret_time);

/* Appends the text, quoted, with 0, 3, 6 or 9 digits of the fraction. False if out of range. */
bool timestamp_put_json(struct buffer *out, struct time_value time);
bool duration_put_json(struct buffer *out, struct time_value time);

#endif
