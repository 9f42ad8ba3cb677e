/* Log lines: every value can be read back, whatever bytes it has and wherever a line is cut. */
#include "base/log.h"

#include "support/unit.h"

#include <stdio.h>
#include <unistd.h>

#define LINE_SIZE 8192

static char line[LINE_SIZE];

/* What the next line is written to instead of standard error. */
static FILE *capture;
static int standard_error;

static void begin_capture(void)
{
    capture = tmpfile();
    CU_ASSERT_PTR_NOT_NULL_FATAL(capture);
    standard_error = dup(STDERR_FILENO);
    dup2(fileno(capture), STDERR_FILENO);
}

/* Leaves what was written in line. */
static void end_capture(void)
{
    dup2(standard_error, STDERR_FILENO);
    close(standard_error);
    rewind(capture);
    line[fread(line, 1, sizeof line - 1, capture)] = '\0';
    fclose(capture);
}

/* The line that has this value, from its key on. */
static const char *written(const char *value, size_t len)
{
    begin_capture();
    log_info("m", LOG_BYTES("key", value, len));
    end_capture();
    const char *found = strstr(line, " key=");
    return found == NULL ? "" : found + 1;
}

#define WRITTEN(text) written(text, sizeof(text) - 1)

static void test_line_has_its_fields_in_order(void)
{
    begin_capture();
    log_warn("it happened", LOG_TEXT("who", "order"), LOG_INT("count", -3), LOG_TEXT("none", NULL));
    end_capture();
    CU_ASSERT_EQUAL(strncmp(line, "time=2", 6), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(line, "Z level=warn process=atlas msg=\"it happened\" who=order "
                                        "count=-3 none=\"\"\n"));
}

static void test_value_is_quoted_where_it_needs_it(void)
{
    CU_ASSERT_STRING_EQUAL(WRITTEN("plain/1.5:[x]"), "key=plain/1.5:[x]\n");
    CU_ASSERT_STRING_EQUAL(WRITTEN(""), "key=\"\"\n");
    CU_ASSERT_STRING_EQUAL(WRITTEN("a b"), "key=\"a b\"\n");
    CU_ASSERT_STRING_EQUAL(WRITTEN("a=b"), "key=\"a=b\"\n");
    CU_ASSERT_STRING_EQUAL(WRITTEN("a\"b\\c"), "key=\"a\\\"b\\\\c\"\n");
    CU_ASSERT_STRING_EQUAL(WRITTEN("caf\xc3\xa9"), "key=\"caf\xc3\xa9\"\n");
}

/* The escapes are those of JSON, which readers of logfmt know; no byte reaches a terminal as a
 * command. */
static void test_no_byte_breaks_the_line(void)
{
    CU_ASSERT_STRING_EQUAL(WRITTEN("a\nb\tc\r"), "key=\"a\\nb\\tc\\r\"\n");
    CU_ASSERT_STRING_EQUAL(WRITTEN("\x1b[31m\x7f"), "key=\"\\u001b[31m\\u007f\"\n");
    CU_ASSERT_STRING_EQUAL(WRITTEN("a\0b"), "key=\"a\\u0000b\"\n");
    CU_ASSERT_STRING_EQUAL(WRITTEN("\xc2\x9b 31m"), "key=\"\\u009b 31m\"\n");
    CU_ASSERT_STRING_EQUAL(WRITTEN("x\xff\xc3y\xe2\x82"),
                           "key=\"x\\ufffd\\ufffdy\\ufffd\\ufffd\"\n");
}

static void check_cut(const char *value, size_t len, const char *end)
{
    const char *text = written(value, len);
    size_t text_len = strlen(text);
    CU_ASSERT_EQUAL(strlen(line), 4096);
    CU_ASSERT_STRING_EQUAL(text + text_len - strlen(end), end);
}

static void test_long_line_is_cut_and_can_be_read(void)
{
    static char value[LINE_SIZE];
    memset(value, 'a', sizeof value);
    const char *text = written(value, sizeof value);
    CU_ASSERT_TRUE(strlen(line) <= 4096);
    CU_ASSERT_STRING_EQUAL(text + strlen(text) - 5, "aa...\n" + 1);
    value[0] = ' ';
    check_cut(value, sizeof value, "aa...\"\n");
}

/* Neither an escape nor a character is cut in two. */
static void test_cut_is_between_characters(void)
{
    static char value[LINE_SIZE];
    for (size_t start = 0; start < 6; start++) {
        memset(value, '\x1b', sizeof value);
        memset(value, 'a', start);
        const char *text = written(value, sizeof value);
        CU_ASSERT_STRING_EQUAL(text + strlen(text) - 11, "\\u001b...\"\n");
        for (size_t i = start; i + 1 < sizeof value; i += 2) {
            memcpy(value + i, "\xc3\xa9", 2);
        }
        text = written(value, sizeof value);
        CU_ASSERT_STRING_EQUAL(text + strlen(text) - 7, "\xc3\xa9...\"\n");
    }
}

static void test_fields_behind_a_cut_are_left_out(void)
{
    static char value[4060];
    memset(value, 'b', sizeof value - 1);
    begin_capture();
    log_info(value, LOG_TEXT("key", "value"), LOG_INT("number", 5));
    end_capture();
    CU_ASSERT_TRUE(strlen(line) <= 4096);
    CU_ASSERT_STRING_EQUAL(line + strlen(line) - 5, "b...\n");
}

static void test_what_may_flood_is_told_once_a_second(void)
{
    int64_t told_ns = 0;
    CU_ASSERT_TRUE(log_is_due(&told_ns));
    CU_ASSERT_FALSE(log_is_due(&told_ns));
    told_ns -= INT64_C(1000000000);
    CU_ASSERT_TRUE(log_is_due(&told_ns));
}

UNIT_MAIN("log", UNIT_TEST(test_line_has_its_fields_in_order),
          UNIT_TEST(test_value_is_quoted_where_it_needs_it),
          UNIT_TEST(test_no_byte_breaks_the_line), UNIT_TEST(test_long_line_is_cut_and_can_be_read),
          UNIT_TEST(test_cut_is_between_characters),
          UNIT_TEST(test_fields_behind_a_cut_are_left_out),
          UNIT_TEST(test_what_may_flood_is_told_once_a_second))
