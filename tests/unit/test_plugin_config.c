/* A plugin's configuration against its manifest: what create() reads, and what is refused. */
#include "runtime/loader/plugin_config.h"

#include "base/arena.h"
#include "base/config/config_tree.h"
#include "base/report.h"
#include "runtime/loader/manifest.h"
#include "support/unit.h"

#include <string.h>

static const char text[] = "plugin order 1.2.3\nabi 1.0\n"
                           "config topic string default=order-events\n"
                           "config base_fare integer min=0 max=100 default=3\n"
                           "config pause duration default=5s max=1h\n"
                           "config room bytes default=64KiB\n"
                           "config factor number default=1.5 min=-2 max=4\n"
                           "config strict boolean default=true\n"
                           "config region string\n";

static struct arena arena;
static struct report report;
static struct manifest *manifest;

/* The configuration that a group written as on the command line makes; NULL if it is refused. */
static struct plugin_config *make(const char *group)
{
    struct config_node *root = NULL;
    struct error error;

    report_finish(&report);
    report_init(&report);
    if (manifest == NULL) {
        arena_init(&arena, NULL, SIZE_MAX);
        manifest = manifest_parse(text, strlen(text), "order.so", &report);
    }
    CU_ASSERT_EQUAL_FATAL(config_tree_setting(&arena, group, &root, &error), ATLAS_OK);
    return plugin_config_create(manifest, root->first, "atlas.cfg:7", &report);
}

static bool is_reported(const char *part)
{
    for (size_t i = 0; report_line(&report, i) != NULL; i++) {
        if (strstr(report_line(&report, i), part) != NULL) {
            return true;
        }
    }
    return false;
}

static void test_defaults_are_filled_in(void)
{
    struct plugin_config *config = make("config={ region = \"eu\"; }");

    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    const struct atlas_config *public = plugin_config_public(config);
    CU_ASSERT_STRING_EQUAL(public->string(public, "topic"), "order-events");
    CU_ASSERT_STRING_EQUAL(public->string(public, "region"), "eu");
    CU_ASSERT_EQUAL(public->integer(public, "base_fare"), 3);
    CU_ASSERT_EQUAL(public->duration_ms(public, "pause"), 5000);
    CU_ASSERT_EQUAL(public->bytes(public, "room"), 65536);
    CU_ASSERT_DOUBLE_EQUAL(public->number(public, "factor"), 1.5, 0);
    CU_ASSERT_TRUE(public->boolean(public, "strict"));
    CU_ASSERT_PTR_NULL(plugin_config_misuse(config));
    plugin_config_destroy(config);
}

static void test_values_of_the_file_win(void)
{
    struct plugin_config *config = make(
        "config={ region = \"\"; base_fare = 100; pause = \"1h\"; room = \"1MiB\"; factor = -2; "
        "strict = false; topic = \"t\"; }");

    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    const struct atlas_config *public = plugin_config_public(config);
    CU_ASSERT_STRING_EQUAL(public->string(public, "topic"), "t");
    CU_ASSERT_EQUAL(public->integer(public, "base_fare"), 100);
    CU_ASSERT_EQUAL(public->duration_ms(public, "pause"), 3600000);
    CU_ASSERT_EQUAL(public->bytes(public, "room"), 1048576);
    CU_ASSERT_DOUBLE_EQUAL(public->number(public, "factor"), -2.0, 0);
    CU_ASSERT_FALSE(public->boolean(public, "strict"));
    plugin_config_destroy(config);
}

static void test_undeclared_key_is_remembered(void)
{
    struct plugin_config *config = make("config={ region = \"eu\"; }");

    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    const struct atlas_config *public = plugin_config_public(config);
    CU_ASSERT_EQUAL(public->integer(public, "topic"), 0);
    CU_ASSERT_STRING_EQUAL(public->string(public, "absent"), "");
    CU_ASSERT_STRING_EQUAL(plugin_config_misuse(config), "topic (integer)");
    plugin_config_destroy(config);
}

static void test_everything_wrong_is_reported(void)
{
    CU_ASSERT_PTR_NULL(make("config={ base_fare = 101; pause = 5; room = \"1MB\"; factor = 4.5; "
                            "strict = \"yes\"; topic = 7; regoin = \"eu\"; }"));
    CU_ASSERT_EQUAL(report.count, 8);
    CU_ASSERT_TRUE(is_reported("plugins.order.config.base_fare: 101 is too large: at most 100"));
    CU_ASSERT_TRUE(is_reported("plugins.order.config.pause: is the number 5: give a duration"));
    CU_ASSERT_TRUE(is_reported("plugins.order.config.room: \"1MB\" is no size"));
    CU_ASSERT_TRUE(is_reported("plugins.order.config.factor: 4.5 is out of bounds"));
    CU_ASSERT_TRUE(is_reported("strict: is the string \"yes\": give true or false"));
    CU_ASSERT_TRUE(is_reported("topic: is the number 7: give a string"));
    CU_ASSERT_TRUE(is_reported("regoin: is not known: did you mean \"region\"?"));
    CU_ASSERT_TRUE(is_reported("atlas.cfg:7: plugins.order.config.region: is missing"));
}

static void test_group_must_be_a_group(void)
{
    CU_ASSERT_PTR_NULL(make("config=5"));
    CU_ASSERT_TRUE(is_reported("plugins.order.config: is the number 5: give a group"));
}

static void test_digest_follows_the_values(void)
{
    struct plugin_config *one = make("config={ region = \"eu\"; }");
    struct plugin_config *same = make("config={ region = \"eu\"; base_fare = 3; }");
    struct plugin_config *other = make("config={ region = \"eu\"; base_fare = 4; }");

    CU_ASSERT_TRUE_FATAL(one != NULL && same != NULL && other != NULL);
    CU_ASSERT_EQUAL(memcmp(plugin_config_digest(one), plugin_config_digest(same), DIGEST_SIZE), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(plugin_config_digest(one), plugin_config_digest(other), DIGEST_SIZE),
                        0);
    plugin_config_destroy(one);
    plugin_config_destroy(same);
    plugin_config_destroy(other);
    manifest_destroy(manifest);
    arena_finish(&arena);
    report_finish(&report);
}

UNIT_MAIN("plugin_config", UNIT_TEST(test_defaults_are_filled_in),
          UNIT_TEST(test_values_of_the_file_win), UNIT_TEST(test_undeclared_key_is_remembered),
          UNIT_TEST(test_everything_wrong_is_reported), UNIT_TEST(test_group_must_be_a_group),
          UNIT_TEST(test_digest_follows_the_values))
