/*
 * Sizes and durations as people write them: "250ms" "5s" "2m" "1h" and "512B" "64KiB" "4MiB"
 * "1GiB". A whole number and a unit without a blank; no sign, no fraction, no bare number.
 * libconfig 1.5 reads 3000000000 as a negative number without a word, so large values are strings
 * everywhere.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "atlas/status.h"

/* Inclusive bounds of a value, in its own unit (milliseconds, bytes, or none). */
struct units_bounds {
    int64_t min;
    int64_t max;
};

/* What a number counts; says how it is parsed and written. */
enum units_kind {
    UNITS_PLAIN = 0,       /* "42" */
    UNITS_DURATION_MS = 1, /* "250ms" */
    UNITS_BYTES = 2,       /* "64KiB" */
};

/* Enough for every formatted value and its NUL. */
#define UNITS_TEXT_SIZE 32

/*
 * Parses a NUL-terminated text of a kind and checks the bounds. ATLAS_OK with the value in
 * milliseconds, bytes or as it is; ATLAS_INVALID_ARGUMENT with one clause in error that quotes the
 * text and names what is accepted, for example `"5 sec" is no duration: write it like "250ms",
 * "5s", "2m" or "1h"`. Never waits, allocates nothing.
 */
atlas_status_t units_parse(enum units_kind kind, const char *text, struct units_bounds bounds,
                           int64_t *ret_value, char *error, size_t error_size);

/* Checks a value against bounds; the same result and clause as units_parse. */
atlas_status_t units_check(enum units_kind kind, int64_t value, struct units_bounds bounds,
                           char *error, size_t error_size);

/* Writes a value in the largest unit that divides it: 90000 ms is "90s", 65536 bytes "64KiB".
 * buffer has UNITS_TEXT_SIZE bytes; returns buffer. */
const char *units_format(enum units_kind kind, int64_t value, char *buffer);

#endif
