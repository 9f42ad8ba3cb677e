/* The manifest: every kind of line, and every way to get one wrong. */
#include "runtime/loader/manifest.h"

#include "base/report.h"
#include "support/unit.h"

#include <string.h>

#define HEAD "plugin order 1.2.3\nabi 1.0\n"

static struct report report;

static struct manifest *parse(const char *text)
{
    report_finish(&report);
    report_init(&report);
    return manifest_parse(text, strlen(text), "order.so", &report);
}

/* Refused, with these words in the first finding. */
static bool is_refused(const char *text, const char *words)
{
    struct manifest *manifest = parse(text);
    bool is_good = manifest == NULL && strstr(report_line(&report, 0), words) != NULL;

    if (!is_good) {
        printf("\n%s-> %s, wanted %s\n", text,
               report.count ? report_line(&report, 0) : "(accepted)", words);
    }
    manifest_destroy(manifest);
    return is_good;
}

static void test_every_line_is_read(void)
{
    struct manifest *manifest = parse(HEAD "requires atlas.postgres/1\noptional atlas.kafka/1\n"
                                           "service atlas.order.v1.Order\n"
                                           "calls atlas.tracker.v1.Tracker\n"
                                           "config topic string default=order-events\n"
                                           "config base_fare integer min=0 max=100 default=3\n"
                                           "config pause duration default=5s max=1h\n"
                                           "config room bytes default=64KiB\n"
                                           "config factor number default=1.5 min=-2\n"
                                           "config strict boolean default=true\n"
                                           "config region string\n");

    CU_ASSERT_PTR_NOT_NULL_FATAL(manifest);
    CU_ASSERT_STRING_EQUAL(manifest->id, "order");
    CU_ASSERT_STRING_EQUAL(manifest->version, "1.2.3");
    CU_ASSERT_EQUAL(manifest->abi_major, 1);
    CU_ASSERT_STRING_EQUAL(manifest->required.items[0], "atlas.postgres/1");
    CU_ASSERT_STRING_EQUAL(manifest->services.items[0], "atlas.order.v1.Order");
    CU_ASSERT_STRING_EQUAL(manifest->calls.items[0], "atlas.tracker.v1.Tracker");
    CU_ASSERT_TRUE(manifest_asks_for(manifest, "atlas.kafka/1"));
    CU_ASSERT_FALSE(manifest_asks_for(manifest, "atlas.redis/1"));
    CU_ASSERT_EQUAL_FATAL(manifest->key_count, 7);
    CU_ASSERT_EQUAL(manifest->keys[1].bounds.max, 100);
    CU_ASSERT_EQUAL(manifest->keys[2].bounds.max, 3600000);
    CU_ASSERT_EQUAL(manifest->keys[2].bounds.min, 0);
    CU_ASSERT_DOUBLE_EQUAL(manifest->keys[4].number_min, -2.0, 0);
    CU_ASSERT_PTR_NULL(manifest->keys[6].fallback);
    manifest_destroy(manifest);
}

static void test_missing_heads_are_refused(void)
{
    CU_ASSERT_TRUE(is_refused("", "none said \"plugin"));
    CU_ASSERT_TRUE(is_refused("plugin order 1.2.3\n", "none said \"abi"));
    CU_ASSERT_TRUE(is_refused("abi 1.0\n", "none said \"plugin"));
    CU_ASSERT_TRUE(
        is_refused("plugin order 1.2.3\nabi 1.0", "line 2: does not end with a newline"));
}

static void test_wrong_lines_are_refused(void)
{
    CU_ASSERT_TRUE(is_refused(HEAD "plugin order 1.2.3\n", "line 3: names the plugin a second"));
    CU_ASSERT_TRUE(is_refused(HEAD "abi 1.0\n", "names the ABI a second time"));
    CU_ASSERT_TRUE(is_refused("plugin Order 1.2.3\n", "is not \"plugin <id> <version>\""));
    CU_ASSERT_TRUE(is_refused("plugin order 1.2\n", "is not \"plugin <id> <version>\""));
    CU_ASSERT_TRUE(is_refused("plugin order 1.02.3\n", "is not \"plugin <id> <version>\""));
    CU_ASSERT_TRUE(is_refused("plugin ../x 1.2.3\n", "is not \"plugin <id> <version>\""));
    CU_ASSERT_TRUE(is_refused(HEAD "\n", "one blank between"));
    CU_ASSERT_TRUE(is_refused(HEAD "service  a.B\n", "one blank between"));
    CU_ASSERT_TRUE(is_refused(HEAD "service a.B \n", "one blank between"));
    CU_ASSERT_TRUE(is_refused(HEAD "service\ta.B\n", "one blank between"));
    CU_ASSERT_TRUE(is_refused(HEAD "service Order\n", "one dotted name"));
    CU_ASSERT_TRUE(is_refused(HEAD "service a.B\nservice a.B\n", "line 4: names a.B a second"));
    CU_ASSERT_TRUE(is_refused(HEAD "frobnicate a.B\n", "starts with \"frobnicate\""));
    CU_ASSERT_TRUE(is_refused(HEAD "a b c d e f g h i\n", "one blank between"));
}

static void test_wrong_config_lines_are_refused(void)
{
    CU_ASSERT_TRUE(is_refused(HEAD "config a\n", "is not \"config <key> <type>"));
    CU_ASSERT_TRUE(is_refused(HEAD "config A string\n", "\"A\" cannot be a key"));
    CU_ASSERT_TRUE(is_refused(HEAD "config a text\n", "is not \"config <key> <type>"));
    CU_ASSERT_TRUE(is_refused(HEAD "config a string\nconfig a string\n", "declares a a second"));
    CU_ASSERT_TRUE(is_refused(HEAD "config a string min=1\n", "a string has no min or max"));
    CU_ASSERT_TRUE(is_refused(HEAD "config a integer min=x\n", "is no whole number"));
    CU_ASSERT_TRUE(
        is_refused(HEAD "config a integer default=5 min=6\n", "5 is too small: at least 6"));
    CU_ASSERT_TRUE(is_refused(HEAD "config a integer min=6 max=5\n", "5 is too small"));
    CU_ASSERT_TRUE(is_refused(HEAD "config a duration default=5\n", "is no duration"));
    CU_ASSERT_TRUE(is_refused(HEAD "config a number default=nan\n", "is no number"));
    CU_ASSERT_TRUE(is_refused(HEAD "config a number default=1e999\n", "is no number"));
    CU_ASSERT_TRUE(is_refused(HEAD "config a number default=3 max=2\n", "is no number between"));
    CU_ASSERT_TRUE(is_refused(HEAD "config a boolean default=yes\n", "neither true nor false"));
    CU_ASSERT_TRUE(is_refused(HEAD "config a string defalt=x\n", "\"defalt=x\" is not understood"));
    CU_ASSERT_TRUE(is_refused(HEAD "config a string default=x default=y\n", "is not understood"));
}

static void test_size_is_bounded(void)
{
    static char text[MANIFEST_TEXT_LIMIT + 64];
    size_t len = (size_t)snprintf(text, sizeof text, HEAD);

    for (int i = 0; i < 600; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "service a.B%d\n", i);
    }
    CU_ASSERT_TRUE(is_refused(text, "line 513: is one too many"));
    memset(text, 'x', sizeof text - 1);
    CU_ASSERT_TRUE(is_refused(text, "longer than 64KiB"));
    CU_ASSERT_PTR_NULL(manifest_parse(HEAD "\0" HEAD, sizeof HEAD + 5, "order.so", &report));
}

static void test_versions_are_compared_by_parts(void)
{
    unsigned parts[3];

    CU_ASSERT_TRUE(manifest_parse_version("10.0.12", parts));
    CU_ASSERT_EQUAL(parts[0], 10);
    CU_ASSERT_EQUAL(parts[2], 12);
    CU_ASSERT_FALSE(manifest_parse_version("1.2.3.4", parts));
    CU_ASSERT_FALSE(manifest_parse_version("1.2.", parts));
    CU_ASSERT_FALSE(manifest_parse_version("1234567.0.0", parts));
}

UNIT_MAIN("manifest", UNIT_TEST(test_every_line_is_read), UNIT_TEST(test_missing_heads_are_refused),
          UNIT_TEST(test_wrong_lines_are_refused), UNIT_TEST(test_wrong_config_lines_are_refused),
          UNIT_TEST(test_size_is_bounded), UNIT_TEST(test_versions_are_compared_by_parts))
