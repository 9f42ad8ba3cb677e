/* Values to PostgreSQL's binary format and back: every type, its bounds, and malformed bytes. */
#include "services/postgres/pg_value.h"

#include <string.h>

#include "services/postgres/pg_type.h"
#include "support/unit.h"

static struct arena arena;
static struct error error;

static struct atlas_pg_value integer(int64_t number)
{
    struct atlas_pg_value value = {.is_null = false};
    value.as.integer = number;
    return value;
}

static struct atlas_pg_value bytes(const char *text)
{
    struct atlas_pg_value value = {.is_null = false};
    value.as.bytes = (struct atlas_bytes){text, strlen(text)};
    return value;
}

/* Encodes and decodes; false if either fails. */
static bool round_trip(uint8_t type, struct atlas_pg_value value, struct atlas_pg_value *ret_value)
{
    const char *data;
    int len;
    return pg_value_encode(&arena, type, &value, &data, &len, &error) == ATLAS_OK &&
           pg_value_decode(&arena, type, data, (size_t)len, ret_value, &error) == ATLAS_OK;
}

static bool is_kept(uint8_t type, int64_t number)
{
    struct atlas_pg_value back;
    return round_trip(type, integer(number), &back) && back.as.integer == number;
}

static void test_integers_keep_their_range(void)
{
    arena_init(&arena, NULL, 1 << 20);
    CU_ASSERT(is_kept(ATLAS_PG_BOOL, 0) && is_kept(ATLAS_PG_BOOL, 1));
    CU_ASSERT(is_kept(ATLAS_PG_INT2, -32768) && is_kept(ATLAS_PG_INT2, 32767));
    CU_ASSERT(is_kept(ATLAS_PG_INT4, INT32_MIN) && is_kept(ATLAS_PG_INT4, INT32_MAX));
    CU_ASSERT(is_kept(ATLAS_PG_INT8, INT64_MIN) && is_kept(ATLAS_PG_INT8, INT64_MAX));
    CU_ASSERT_FALSE(is_kept(ATLAS_PG_INT2, 32768));
    CU_ASSERT_STRING_EQUAL(error.text, "32768 is out of the range of int2");
    CU_ASSERT_FALSE(is_kept(ATLAS_PG_INT4, INT64_C(2147483648)));
    CU_ASSERT_FALSE(is_kept(ATLAS_PG_BOOL, 2));
    arena_finish(&arena);
}

static void test_timestamps_count_from_1970(void)
{
    struct atlas_pg_value value = integer(INT64_C(946684800000000) + 1);
    const char *data;
    int len;
    arena_init(&arena, NULL, 1 << 20);
    CU_ASSERT_EQUAL(pg_value_encode(&arena, ATLAS_PG_TIMESTAMP, &value, &data, &len, &error),
                    ATLAS_OK);
    CU_ASSERT_EQUAL(len, 8);
    CU_ASSERT_EQUAL(memcmp(data, "\0\0\0\0\0\0\0\1", 8), 0); /* one microsecond into 2000 */
    CU_ASSERT(is_kept(ATLAS_PG_TIMESTAMP, 0));
    CU_ASSERT(is_kept(ATLAS_PG_TIMESTAMP, -1));
    CU_ASSERT(is_kept(ATLAS_PG_TIMESTAMP, INT64_MAX)); /* infinity */
    CU_ASSERT(is_kept(ATLAS_PG_TIMESTAMP, INT64_MIN));
    arena_finish(&arena);
}

static void test_floats_keep_their_bits(void)
{
    static const double numbers[] = {0.0, -0.0, 1.5, -1e300, 5e-324};
    struct atlas_pg_value back;
    arena_init(&arena, NULL, 1 << 20);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct atlas_pg_value value = {.is_null = false};
        value.as.number = numbers[i];
        CU_ASSERT(round_trip(ATLAS_PG_FLOAT8, value, &back));
        CU_ASSERT_EQUAL(memcmp(&back.as.number, &numbers[i], sizeof(double)), 0);
    }
    arena_finish(&arena);
}

static void test_uuids_are_checked_and_lowered(void)
{
    struct atlas_pg_value back;
    arena_init(&arena, NULL, 1 << 20);
    CU_ASSERT(round_trip(ATLAS_PG_UUID, bytes("0B5A6C1E-90AB-4CDE-8F01-23456789ABCD"), &back));
    CU_ASSERT_STRING_EQUAL(back.as.bytes.data, "0b5a6c1e-90ab-4cde-8f01-23456789abcd");
    CU_ASSERT_EQUAL(back.as.bytes.len, 36);
    CU_ASSERT_FALSE(round_trip(ATLAS_PG_UUID, bytes("0b5a6c1e-90ab-4cde-8f01-23456789abc"), &back));
    CU_ASSERT_FALSE(
        round_trip(ATLAS_PG_UUID, bytes("0b5a6c1e-90ab-4cde-8f01_23456789abcd"), &back));
    CU_ASSERT_FALSE(
        round_trip(ATLAS_PG_UUID, bytes("0b5a6c1e-90ab-4cde-8f01-23456789abcg"), &back));
    CU_ASSERT_FALSE(round_trip(ATLAS_PG_UUID, bytes(""), &back));
    CU_ASSERT_EQUAL(error.status, ATLAS_INVALID_ARGUMENT);
    arena_finish(&arena);
}

static void test_empty_text_is_not_null(void)
{
    struct atlas_pg_value value = {.is_null = false};
    const char *data = NULL;
    int len = -1;
    arena_init(&arena, NULL, 1 << 20);
    CU_ASSERT_EQUAL(pg_value_encode(&arena, ATLAS_PG_TEXT, &value, &data, &len, &error), ATLAS_OK);
    CU_ASSERT_PTR_NOT_NULL(data);
    CU_ASSERT_EQUAL(len, 0);
    value.is_null = true;
    CU_ASSERT_EQUAL(pg_value_encode(&arena, ATLAS_PG_TEXT, &value, &data, &len, &error), ATLAS_OK);
    CU_ASSERT_PTR_NULL(data);
    arena_finish(&arena);
}

static void test_text_of_a_result_ends_in_nul(void)
{
    struct atlas_pg_value back;
    arena_init(&arena, NULL, 1 << 20);
    CU_ASSERT_EQUAL(pg_value_decode(&arena, ATLAS_PG_TEXT, "abcdef", 3, &back, &error), ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(back.as.bytes.data, "abc");
    CU_ASSERT_EQUAL(back.as.bytes.len, 3);
    arena_finish(&arena);
}

static void test_arrays_keep_order_and_nulls(void)
{
    struct atlas_pg_value items[] = {bytes("a"), {.is_null = true}, bytes("")};
    struct atlas_pg_value value = {.is_null = false};
    struct atlas_pg_value back;
    value.as.array.items = items;
    value.as.array.count = 3;
    arena_init(&arena, NULL, 1 << 20);
    CU_ASSERT(round_trip(ATLAS_PG_TEXT_ARRAY, value, &back));
    CU_ASSERT_EQUAL_FATAL(back.as.array.count, 3);
    CU_ASSERT_STRING_EQUAL(back.as.array.items[0].as.bytes.data, "a");
    CU_ASSERT(back.as.array.items[1].is_null);
    CU_ASSERT_EQUAL(back.as.array.items[2].as.bytes.len, 0);
    value.as.array.count = 0;
    CU_ASSERT(round_trip(ATLAS_PG_INT8_ARRAY, value, &back));
    CU_ASSERT_EQUAL(back.as.array.count, 0);
    arena_finish(&arena);
}

static void test_array_item_failure_names_the_item(void)
{
    struct atlas_pg_value items[] = {bytes("0b5a6c1e-90ab-4cde-8f01-23456789abcd"), bytes("x")};
    struct atlas_pg_value value = {.is_null = false};
    struct atlas_pg_value back;
    value.as.array.items = items;
    value.as.array.count = 2;
    arena_init(&arena, NULL, 1 << 20);
    CU_ASSERT_FALSE(round_trip(ATLAS_PG_UUID_ARRAY, value, &back));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "item 1: \"x\" is no UUID"));
    arena_finish(&arena);
}

/* Every prefix of an array, and a count that promises more than there is. */
static void test_malformed_bytes_are_refused(void)
{
    struct atlas_pg_value items[] = {integer(1), integer(2)};
    struct atlas_pg_value value = {.is_null = false};
    struct atlas_pg_value back;
    const char *data;
    int len;
    value.as.array.items = items;
    value.as.array.count = 2;
    arena_init(&arena, NULL, 1 << 20);
    CU_ASSERT_EQUAL(pg_value_encode(&arena, ATLAS_PG_INT8_ARRAY, &value, &data, &len, &error),
                    ATLAS_OK);
    for (int cut = 0; cut < len; cut++) {
        CU_ASSERT_EQUAL(
            pg_value_decode(&arena, ATLAS_PG_INT8_ARRAY, data, (size_t)cut, &back, &error),
            ATLAS_INTERNAL);
    }
    char *changed = arena_copy(&arena, data, (size_t)len);
    changed[12] = 0x7f; /* the count */
    CU_ASSERT_EQUAL(
        pg_value_decode(&arena, ATLAS_PG_INT8_ARRAY, changed, (size_t)len, &back, &error),
        ATLAS_INTERNAL);
    CU_ASSERT_EQUAL(pg_value_decode(&arena, ATLAS_PG_INT4, "1234567", 7, &back, &error),
                    ATLAS_INTERNAL);
    arena_finish(&arena);
}

static void test_used_up_memory_is_an_error(void)
{
    struct atlas_pg_value back;
    arena_init(&arena, NULL, 16);
    CU_ASSERT_EQUAL(pg_value_decode(&arena, ATLAS_PG_TEXT, "0123456789abcdef0123456789abcdef", 32,
                                    &back, &error),
                    ATLAS_RESOURCE_EXHAUSTED);
    arena_finish(&arena);
}

static void test_columns_may_be_read_as_kin(void)
{
    CU_ASSERT(pg_type_accepts(ATLAS_PG_TEXT, 25));
    CU_ASSERT(pg_type_accepts(ATLAS_PG_TEXT, 1043));       /* varchar */
    CU_ASSERT_FALSE(pg_type_accepts(ATLAS_PG_TEXT, 3802)); /* jsonb */
    CU_ASSERT_FALSE(pg_type_accepts(ATLAS_PG_INT8, 23));
    CU_ASSERT_FALSE(pg_type_accepts(0, 0));
    CU_ASSERT_EQUAL(pg_type_oid(200), 0);
}

UNIT_MAIN("pg_value", UNIT_TEST(test_integers_keep_their_range),
          UNIT_TEST(test_timestamps_count_from_1970), UNIT_TEST(test_floats_keep_their_bits),
          UNIT_TEST(test_uuids_are_checked_and_lowered), UNIT_TEST(test_empty_text_is_not_null),
          UNIT_TEST(test_text_of_a_result_ends_in_nul), UNIT_TEST(test_arrays_keep_order_and_nulls),
          UNIT_TEST(test_array_item_failure_names_the_item),
          UNIT_TEST(test_malformed_bytes_are_refused), UNIT_TEST(test_used_up_memory_is_an_error),
          UNIT_TEST(test_columns_may_be_read_as_kin))
