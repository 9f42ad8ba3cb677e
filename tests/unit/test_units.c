/* Sizes and durations: what is accepted, what is refused and in which words. */
#include "base/units.h"

#include "support/unit.h"

#include <string.h>

static const struct units_bounds any = {0, INT64_MAX};

static char error[160];

static int64_t parse(enum units_kind kind, const char *text)
{
    int64_t value = -1;

    error[0] = '\0';
    return units_parse(kind, text, any, &value, error, sizeof error) == ATLAS_OK ? value : -1;
}

static void test_parse_accepts_every_unit(void)
{
    CU_ASSERT_EQUAL(parse(UNITS_DURATION_MS, "250ms"), 250);
    CU_ASSERT_EQUAL(parse(UNITS_DURATION_MS, "5s"), 5000);
    CU_ASSERT_EQUAL(parse(UNITS_DURATION_MS, "2m"), 120000);
    CU_ASSERT_EQUAL(parse(UNITS_DURATION_MS, "1h"), 3600000);
    CU_ASSERT_EQUAL(parse(UNITS_DURATION_MS, "0s"), 0);
    CU_ASSERT_EQUAL(parse(UNITS_BYTES, "512B"), 512);
    CU_ASSERT_EQUAL(parse(UNITS_BYTES, "64KiB"), 65536);
    CU_ASSERT_EQUAL(parse(UNITS_BYTES, "4MiB"), 4194304);
    CU_ASSERT_EQUAL(parse(UNITS_BYTES, "3GiB"), INT64_C(3221225472));
    CU_ASSERT_EQUAL(parse(UNITS_PLAIN, "3000000000"), INT64_C(3000000000));
}

static void test_parse_refuses_what_is_no_value(void)
{
    static const char *const refused[] = {"",   "5",    "s",   "5 s",  " 5s", "5s ", "-5s", "1.5s",
                                          "5S", "5sec", "+5s", "0x5s", "5ss", "ms",  "5msx"};

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        CU_ASSERT_EQUAL(parse(UNITS_DURATION_MS, refused[i]), -1);
        CU_ASSERT_PTR_NOT_NULL(strstr(error, "is no duration"));
    }
    CU_ASSERT_EQUAL(parse(UNITS_BYTES, "64kb"), -1);
    CU_ASSERT_EQUAL(parse(UNITS_BYTES, "64"), -1);
    CU_ASSERT_EQUAL(parse(UNITS_PLAIN, "12x"), -1);
}

static void test_parse_refuses_overflow(void)
{
    CU_ASSERT_EQUAL(parse(UNITS_DURATION_MS, "99999999999999999999s"), -1);
    CU_ASSERT_EQUAL(parse(UNITS_DURATION_MS, "9223372036854775807h"), -1);
    CU_ASSERT_EQUAL(parse(UNITS_BYTES, "9223372036854775807GiB"), -1);
    CU_ASSERT_EQUAL(parse(UNITS_PLAIN, "9223372036854775807"), INT64_MAX);
    CU_ASSERT_EQUAL(parse(UNITS_PLAIN, "9223372036854775808"), -1);
}

static void test_bounds_are_inclusive_and_named(void)
{
    static const struct units_bounds bounds = {1000, 60000};
    int64_t value = 7;

    CU_ASSERT_EQUAL(units_parse(UNITS_DURATION_MS, "1s", bounds, &value, error, sizeof error), 0);
    CU_ASSERT_EQUAL(units_parse(UNITS_DURATION_MS, "1m", bounds, &value, error, sizeof error), 0);
    CU_ASSERT_EQUAL(value, 60000);
    CU_ASSERT_EQUAL(units_parse(UNITS_DURATION_MS, "999ms", bounds, &value, error, sizeof error),
                    ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(error, "999ms is too small: at least 1s");
    CU_ASSERT_EQUAL(units_parse(UNITS_DURATION_MS, "61s", bounds, &value, error, sizeof error),
                    ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(error, "61s is too large: at most 1m");
    CU_ASSERT_EQUAL(value, 60000); /* untouched on failure */
}

static void test_format_uses_the_largest_exact_unit(void)
{
    char text[UNITS_TEXT_SIZE];

    CU_ASSERT_STRING_EQUAL(units_format(UNITS_DURATION_MS, 90000, text), "90s");
    CU_ASSERT_STRING_EQUAL(units_format(UNITS_DURATION_MS, 7200000, text), "2h");
    CU_ASSERT_STRING_EQUAL(units_format(UNITS_DURATION_MS, 0, text), "0ms");
    CU_ASSERT_STRING_EQUAL(units_format(UNITS_BYTES, 65536, text), "64KiB");
    CU_ASSERT_STRING_EQUAL(units_format(UNITS_BYTES, 65537, text), "65537B");
    CU_ASSERT_STRING_EQUAL(units_format(UNITS_PLAIN, -12, text), "-12");
}

UNIT_MAIN("units", UNIT_TEST(test_parse_accepts_every_unit),
          UNIT_TEST(test_parse_refuses_what_is_no_value), UNIT_TEST(test_parse_refuses_overflow),
          UNIT_TEST(test_bounds_are_inclusive_and_named),
          UNIT_TEST(test_format_uses_the_largest_exact_unit))
