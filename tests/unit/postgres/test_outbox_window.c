/* The floor of the outbox: it never passes an id that a running transaction may still commit. */
#include "services/outbox/outbox_window.h"

#include "services/postgres/pg_migration.h"
#include "services/postgres/pg_prepared.h"
#include "support/unit.h"

/* oldest running, transaction number taken, last id drawn */
static struct outbox_reading reading(int64_t oldest, int64_t taken, int64_t last_id,
                                     bool is_drained)
{
    return (struct outbox_reading){oldest, taken, last_id, is_drained};
}

static bool note(struct outbox_window *window, struct outbox_reading r)
{
    return outbox_window_note(window, &r);
}

static void test_floor_rises_when_all_is_quiet(void)
{
    struct outbox_window window = {.floor = 0};
    CU_ASSERT_FALSE(note(&window, reading(100, 100, 7, true))); /* notes id 7 */
    CU_ASSERT(note(&window, reading(100, 100, 7, true)));       /* nothing runs below 100 */
    CU_ASSERT_EQUAL(window.floor, 8);
}

/* Transaction 90 has drawn id 5 and runs on, while id 7 was committed and relayed. */
static void test_floor_waits_for_a_running_transaction(void)
{
    struct outbox_window window = {.floor = 0};
    note(&window, reading(90, 101, 7, true));
    CU_ASSERT_FALSE(note(&window, reading(90, 102, 7, true)));
    CU_ASSERT_FALSE(note(&window, reading(90, 200, 9, true)));
    CU_ASSERT_EQUAL(window.floor, 0);
    /* 90 has ended, and what it wrote has been relayed with this reading */
    CU_ASSERT(note(&window, reading(201, 201, 9, true)));
    CU_ASSERT_EQUAL(window.floor, 8); /* of the id that was noted, not of later ones */
}

/* A transaction that drew an id before it was noted has a number by then; the barrier is a number
 * taken later, which lies above it. Without one there is no barrier. */
static void test_barrier_is_a_number_taken_later(void)
{
    struct outbox_window window = {.floor = 0};
    CU_ASSERT_FALSE(outbox_window_wants_xact(&window));
    note(&window, reading(100, 0, 7, true));
    CU_ASSERT_EQUAL(window.barrier, 0);
    CU_ASSERT(outbox_window_wants_xact(&window));
    CU_ASSERT_FALSE(note(&window, reading(100, 103, 7, true))); /* 100 to 102 run: barrier 103 */
    CU_ASSERT_FALSE(outbox_window_wants_xact(&window));
    CU_ASSERT_FALSE(note(&window, reading(102, 103, 7, true)));
    CU_ASSERT(note(&window, reading(103, 103, 7, true)));
}

static void test_floor_waits_until_the_table_is_drained(void)
{
    struct outbox_window window = {.floor = 0};
    note(&window, reading(100, 100, 7, false));
    CU_ASSERT_FALSE(note(&window, reading(100, 100, 7, false)));
    CU_ASSERT_FALSE(note(&window, reading(100, 100, 7, false)));
    CU_ASSERT(note(&window, reading(100, 100, 7, true)));
}

static void test_an_unused_sequence_moves_nothing(void)
{
    struct outbox_window window = {.floor = 8};
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_FALSE(note(&window, reading(100, 100, 7, true)));
    }
    CU_ASSERT_EQUAL(window.candidate, 0);
    CU_ASSERT_EQUAL(window.floor, 8);
}

static void test_versions_compare_by_number(void)
{
    CU_ASSERT(pg_migration_compare_versions("1.2.3", "1.10.0") < 0);
    CU_ASSERT(pg_migration_compare_versions("2.0.0", "1.99.99") > 0);
    CU_ASSERT_EQUAL(pg_migration_compare_versions("1.0.0", "1.0.0"), 0);
    CU_ASSERT_EQUAL(pg_migration_compare_versions("1", "1.0.0"), 0);
}

static void test_prepared_set_is_bounded_and_forgets(void)
{
    static struct pg_prepared set;
    uint64_t added = 0;
    for (uint64_t hash = 1; pg_prepared_add(&set, hash * PG_PREPARED_SLOTS); hash++) {
        added = hash; /* all of them want the same slot */
    }
    CU_ASSERT(added > 100 && added < PG_PREPARED_SLOTS);
    for (uint64_t hash = 1; hash <= added; hash += 2) {
        pg_prepared_remove(&set, hash * PG_PREPARED_SLOTS);
    }
    for (uint64_t hash = 1; hash <= added; hash++) {
        CU_ASSERT_EQUAL(pg_prepared_has(&set, hash * PG_PREPARED_SLOTS), hash % 2 == 0);
    }
    pg_prepared_clear(&set);
    CU_ASSERT_FALSE(pg_prepared_has(&set, 2 * PG_PREPARED_SLOTS));
}

static void test_statement_hash_knows_types(void)
{
    static const uint8_t one[] = {1, 0};
    static const uint8_t two[] = {1, 2, 0};
    CU_ASSERT_NOT_EQUAL(pg_prepared_hash("SELECT $1", one), pg_prepared_hash("SELECT $1", two));
    CU_ASSERT_NOT_EQUAL(pg_prepared_hash("SELECT 1", NULL), pg_prepared_hash("SELECT 2", NULL));
}

UNIT_MAIN("outbox_window", UNIT_TEST(test_floor_rises_when_all_is_quiet),
          UNIT_TEST(test_floor_waits_for_a_running_transaction),
          UNIT_TEST(test_barrier_is_a_number_taken_later),
          UNIT_TEST(test_floor_waits_until_the_table_is_drained),
          UNIT_TEST(test_an_unused_sequence_moves_nothing),
          UNIT_TEST(test_versions_compare_by_number),
          UNIT_TEST(test_prepared_set_is_bounded_and_forgets),
          UNIT_TEST(test_statement_hash_knows_types))
