/* Sizes and durations as text: one table of units for parsing and for writing. */
#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
    enum units_kind kind;
    const char *suffix;
    int64_t factor;
};

/* From the largest of a kind to the smallest, which units_format relies on. */
static const struct unit units[] = {
    {UNITS_DURATION_MS, "h", INT64_C(3600000)},
    {UNITS_DURATION_MS, "m", 60000},
    {UNITS_DURATION_MS, "s", 1000},
    {UNITS_DURATION_MS, "ms", 1},
    {UNITS_BYTES, "GiB", INT64_C(1) << 30},
    {UNITS_BYTES, "MiB", 1 << 20},
    {UNITS_BYTES, "KiB", 1 << 10},
    {UNITS_BYTES, "B", 1},
    {UNITS_PLAIN, "", 1},
};

static const char *const kind_names[] = {"whole number", "duration", "size"};
static const char *const kind_examples[] = {
    "digits only",
    "write it like \"250ms\", \"5s\", \"2m\" or \"1h\"",
    "write it like \"512B\", \"64KiB\", \"4MiB\" or \"1GiB\"",
};

static const struct unit *find_unit(enum units_kind kind, const char *suffix)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (units[i].kind == kind && strcmp(units[i].suffix, suffix) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

/* Reads digits up to the unit. False without a digit or when the number does not fit. */
static bool parse_digits(const char **cursor, int64_t *ret_number)
{
    int64_t number = 0;
    const char *p = *cursor;

    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(number, INT64_C(10), &number) ||
            __builtin_add_overflow(number, (int64_t)(*p - '0'), &number)) {
            return false;
        }
    }
    if (p == *cursor) {
        return false;
    }
    *cursor = p;
    *ret_number = number;
    return true;
}

static bool parse_value(enum units_kind kind, const char *text, int64_t *ret_value)
{
    const struct unit *unit = NULL;
    const char *cursor = text;
    int64_t number = 0;
    bool is_negative = kind == UNITS_PLAIN && text[0] == '-';

    if (is_negative) {
        cursor++;
    }
    if (!parse_digits(&cursor, &number)) {
        return false;
    }
    unit = find_unit(kind, cursor);
    if (unit == NULL || __builtin_mul_overflow(number, unit->factor, &number)) {
        return false;
    }
    *ret_value = is_negative ? -number : number;
    return true;
}

atlas_status_t units_parse(enum units_kind kind, const char *text, struct units_bounds bounds,
                           int64_t *ret_value, char *error, size_t error_size)
{
    int64_t value = 0;

    if (!parse_value(kind, text, &value)) {
        snprintf(error, error_size, "\"%.64s\" is no %s: %s", text, kind_names[kind],
                 kind_examples[kind]);
        return ATLAS_INVALID_ARGUMENT;
    }

    atlas_status_t status = units_check(kind, value, bounds, error, error_size);
    if (status == ATLAS_OK) {
        *ret_value = value;
    }
    return status;
}

atlas_status_t units_check(enum units_kind kind, int64_t value, struct units_bounds bounds,
                           char *error, size_t error_size)
{
    char given[UNITS_TEXT_SIZE];
    char limit[UNITS_TEXT_SIZE];

    if (value < bounds.min) {
        snprintf(error, error_size, "%s is too small: at least %s",
                 units_format(kind, value, given), units_format(kind, bounds.min, limit));
        return ATLAS_INVALID_ARGUMENT;
    }
    if (value > bounds.max) {
        snprintf(error, error_size, "%s is too large: at most %s", units_format(kind, value, given),
                 units_format(kind, bounds.max, limit));
        return ATLAS_INVALID_ARGUMENT;
    }
    return ATLAS_OK;
}

const char *units_format(enum units_kind kind, int64_t value, char *buffer)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        bool is_exact = value % units[i].factor == 0 && (value != 0 || units[i].factor == 1);
        if (units[i].kind == kind && is_exact) {
            snprintf(buffer, UNITS_TEXT_SIZE, "%" PRId64 "%s", value / units[i].factor,
                     units[i].suffix);
            break;
        }
    }
    return buffer;
}
