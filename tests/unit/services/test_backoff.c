/* Pauses between attempts. */
#include "services/backoff.h"

#include "support/unit.h"

static void test_pause_doubles_up_to_the_bound(void)
{
    const int64_t full[] = {100, 200, 400, 800, 1000, 1000};
    for (unsigned i = 0; i < 6; i++) {
        int64_t pause = backoff_ms(i + 1, 100, 1000);
        CU_ASSERT_TRUE(pause <= full[i] && pause >= full[i] - full[i] / 4);
    }
}

static void test_many_failures_do_not_overflow(void)
{
    CU_ASSERT_TRUE(backoff_ms(4000000000u, 1, INT64_MAX) > INT64_MAX / 2);
}

static void test_pause_is_never_zero(void)
{
    CU_ASSERT_EQUAL(backoff_ms(1, 0, 0), 1);
    CU_ASSERT_EQUAL(backoff_ms(0, 1, 1), 1);
}

UNIT_MAIN("backoff", UNIT_TEST(test_pause_doubles_up_to_the_bound),
          UNIT_TEST(test_many_failures_do_not_overflow), UNIT_TEST(test_pause_is_never_zero))
