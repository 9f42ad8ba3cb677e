/* The rule of statuses: what is done, what comes again. */
#include "inbound/kafka/kafka_batch.h"

#include "support/unit.h"

#define UNSET KAFKA_STATUS_UNSET

static void test_all_done(void)
{
    atlas_status_t statuses[] = {ATLAS_OK, ATLAS_OK};
    CU_ASSERT_EQUAL(kafka_batch_settle(statuses, 2, ATLAS_OK), 2);
}

static void test_permanent_failures_count_as_settled(void)
{
    atlas_status_t statuses[] = {ATLAS_OK, ATLAS_INVALID_ARGUMENT, ATLAS_OK};
    CU_ASSERT_EQUAL(kafka_batch_settle(statuses, 3, ATLAS_OK), 3);
    CU_ASSERT_EQUAL(statuses[1], ATLAS_INVALID_ARGUMENT);
}

static void test_first_transient_failure_ends_what_is_settled(void)
{
    atlas_status_t statuses[] = {ATLAS_OK, ATLAS_INTERNAL, ATLAS_UNAVAILABLE, ATLAS_OK,
                                 ATLAS_ABORTED};
    CU_ASSERT_EQUAL(kafka_batch_settle(statuses, 5, ATLAS_OK), 2);
}

static void test_unset_statuses_take_that_of_the_handler(void)
{
    atlas_status_t statuses[] = {ATLAS_OK, UNSET, UNSET};
    CU_ASSERT_EQUAL(kafka_batch_settle(statuses, 3, ATLAS_DEADLINE_EXCEEDED), 1);
    atlas_status_t permanent[] = {UNSET, ATLAS_OK};
    CU_ASSERT_EQUAL(kafka_batch_settle(permanent, 2, ATLAS_FAILED_PRECONDITION), 2);
    CU_ASSERT_EQUAL(permanent[0], ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_EQUAL(permanent[1], ATLAS_OK);
    atlas_status_t fine[] = {UNSET, UNSET};
    CU_ASSERT_EQUAL(kafka_batch_settle(fine, 2, ATLAS_OK), 2);
}

UNIT_MAIN("kafka_batch", UNIT_TEST(test_all_done),
          UNIT_TEST(test_permanent_failures_count_as_settled),
          UNIT_TEST(test_first_transient_failure_ends_what_is_settled),
          UNIT_TEST(test_unset_statuses_take_that_of_the_handler))
