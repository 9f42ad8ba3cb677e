/* The configuration: what a good file becomes, what is said about a bad one, and what lies over it.
 */
#include "base/config/config_load.h"

#include "base/config/config_differs.h"
#include "base/report.h"
#include "support/unit.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/atlas-test-config-XXXXXX";
static struct report report;

static const char minimal[] =
    "processes = ( { name = \"all\"; plugins = [ \"order\" ]; loops = 2; } );\n"
    "listeners = ( { name = \"order\"; protocol = \"grpc\"; address = \"127.0.0.1:50052\";\n"
    "                services = [ \"atlas.order.v1.Order\" ]; } );\n"
    "plugins = { order = { path = \"lib/order.so\"; config = { fare = 3; }; }; };\n";

static const char *write_file(const char *name, const char *text)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, PATH_MAX, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (file != NULL) {
        fputs(text, file);
        fclose(file);
    }
    return path;
}

/* Reads text with up to two settings over it; the report is started anew. */
static struct config *load(const char *text, const char *setting, const char *other)
{
    const char *file = write_file("atlas.cfg", text);
    const char *settings[] = {setting, other};
    struct config_source source = {
        &file, 1, settings, (setting != NULL ? 1u : 0u) + (other != NULL ? 1u : 0u), "/opt/bin"};

    report_finish(&report);
    report_init(&report);
    return config_load(&source, &report);
}

static struct config *load_with(const char *extra)
{
    char text[8192];

    snprintf(text, sizeof text, "%s%s", minimal, extra);
    return load(text, NULL, NULL);
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

static void test_minimal_file_has_all_defaults(void)
{
    struct config *config = load(minimal, NULL, NULL);

    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    CU_ASSERT_EQUAL(config->process_count, 1);
    CU_ASSERT_EQUAL(config->processes[0].loops, 2);
    CU_ASSERT_PTR_NULL(config->processes[0].admin.text);
    CU_ASSERT_STRING_EQUAL(config->listeners[0].address.host, "127.0.0.1");
    CU_ASSERT_EQUAL(config->listeners[0].address.port, 50052);
    CU_ASSERT_EQUAL(config->calls.stack_bytes, 256 * 1024);
    CU_ASSERT_EQUAL(config->calls.nesting, 8);
    CU_ASSERT_EQUAL(config->kafka.reconnect_max_ms, 250);
    CU_ASSERT_EQUAL(config->log.level, 2);
    CU_ASSERT_STRING_EQUAL(config->postgres.dbname, "atlas");
    CU_ASSERT_PTR_EQUAL(config_process(config, NULL), &config->processes[0]);
    CU_ASSERT_PTR_NULL(config_process(config, "none"));
    config_release(config);
}

static void test_paths_are_relative_to_the_file(void)
{
    char expected[PATH_MAX];
    struct config *config =
        load_with("run_dir = \"../run\"; plugin_path = [ \"$ORIGIN/p\", \"q\" ];");

    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    snprintf(expected, sizeof expected, "%s/lib/order.so", folder);
    CU_ASSERT_STRING_EQUAL(config_plugin(config, "order")->path, expected);
    snprintf(expected, sizeof expected, "%s/../run", folder);
    CU_ASSERT_STRING_EQUAL(config->run_dir, expected);
    CU_ASSERT_STRING_EQUAL(config->plugin_path.items[0], "/opt/bin/p");
    snprintf(expected, sizeof expected, "%s/q", folder);
    CU_ASSERT_STRING_EQUAL(config->plugin_path.items[1], expected);
    config_release(config);
}

static void test_plugin_without_slash_is_found_on_the_path(void)
{
    char expected[PATH_MAX];
    write_file("order.so", "x");
    struct config *config = load_with("plugin_path = [ \"nowhere\", \".\" ];");

    config_release(config);
    config = load(minimal, "plugins.order.path=order.so", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    CU_ASSERT_STRING_EQUAL(config_plugin(config, "order")->path, "/opt/bin/../plugins/order.so");
    config_release(config);

    char setting[PATH_MAX + 32];
    snprintf(setting, sizeof setting, "plugin_path=[ \"/nowhere\", \"%s\" ]", folder);
    config = load(minimal, "plugins.order.path=order.so", setting);
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    snprintf(expected, sizeof expected, "%s/order.so", folder);
    CU_ASSERT_STRING_EQUAL(config_plugin(config, "order")->path, expected);
    config_release(config);
}

static void test_everything_wrong_is_reported_with_its_place(void)
{
    struct config *config =
        load_with("redis = { port = 70000; hots = \"x\"; command_timeout = 5; };\n"
                  "postgres = { statement_timeout = \"5 sec\"; };\n"
                  "colour = 1;\n"
                  "log = { level = \"loud\"; };\n"
                  "calls = { stack = \"1KiB\"; };\n");

    CU_ASSERT_PTR_NULL(config);
    CU_ASSERT_EQUAL(report.count, 7);
    CU_ASSERT_TRUE(is_reported("atlas.cfg:5: redis.port: 70000 is too large: at most 65535"));
    CU_ASSERT_TRUE(is_reported("redis.hots: is not known: did you mean \"host\"?"));
    CU_ASSERT_TRUE(
        is_reported("redis.command_timeout: is the number 5: give a duration in quotes"));
    CU_ASSERT_TRUE(
        is_reported("atlas.cfg:6: postgres.statement_timeout: \"5 sec\" is no duration"));
    CU_ASSERT_TRUE(is_reported("atlas.cfg:7: colour: is not known: remove it"));
    CU_ASSERT_TRUE(
        is_reported("log.level: \"loud\" is not known: choose one of error, warn, info"));
    CU_ASSERT_TRUE(is_reported("calls.stack: 1KiB is too small: at least 64KiB"));
}

static void test_missing_keys_are_reported(void)
{
    CU_ASSERT_PTR_NULL(load("processes = ( { name = \"a\"; } ); listeners = ( 5 );", NULL, NULL));
    CU_ASSERT_TRUE(is_reported("processes.a.plugins: is missing"));
    CU_ASSERT_TRUE(is_reported("listeners[0]: is the number 5: give a group"));
    CU_ASSERT_TRUE(is_reported("plugins: is missing"));
    CU_ASSERT_PTR_NULL(load(minimal, "plugins=1", NULL));
    CU_ASSERT_TRUE(is_reported("plugins: is the number 1: give a group plugins"));
}

static void test_syntax_error_names_file_and_line(void)
{
    CU_ASSERT_PTR_NULL(load("log = { level = \"info\"; };\nredis = {{;\n", NULL, NULL));
    CU_ASSERT_TRUE(is_reported("atlas.cfg:2: syntax error"));
    CU_ASSERT_EQUAL(report.count, 1);
}

/* libconfig itself reads 3000000000 as -1294967296. */
static void test_numbers_that_would_be_others_are_refused(void)
{
    static const char *const good[] = {"2147483647",
                                       "-2147483648",
                                       "3000000000L",
                                       "1.5e10",
                                       "0x7fFF",
                                       "\"3000000000\"",
                                       "1; # 3000000000\n",
                                       "1; // 3000000000\n",
                                       "1; /* 3000000000 */ a3000000000 = 1"};
    char text[256];

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(text, sizeof text, "plugins = { order = { config = { fare = %s; }; }; };\n",
                 good[i]);
        struct config *config = load_with(text);
        CU_ASSERT_PTR_NULL(config); /* plugins is there twice: nothing else is said */
        CU_ASSERT_FALSE(is_reported("the number"));
    }
    CU_ASSERT_PTR_NULL(load("log = { };\nfare = 3000000000;\n", NULL, NULL));
    CU_ASSERT_TRUE(is_reported("atlas.cfg:2: the number 3000000000 needs an L behind it"));
    CU_ASSERT_PTR_NULL(load("fare = ( 1,\n\n-3000000000 );\n", NULL, NULL));
    CU_ASSERT_TRUE(is_reported("atlas.cfg:3: the number -3000000000 needs an L behind it"));
    CU_ASSERT_PTR_NULL(load("fare = 99999999999999999999L;\n", NULL, NULL));
    CU_ASSERT_TRUE(is_reported("atlas.cfg:1: the number 99999999999999999999 is larger"));
    CU_ASSERT_PTR_NULL(load(minimal, "postgres.port=4294972729", NULL));
    CU_ASSERT_TRUE(is_reported("-D postgres.port=4294972729: the number 4294972729 needs an L"));
    struct config *config = load(minimal, "plugins.order.path=/tmp/3000000000/x.so", NULL);
    CU_ASSERT_PTR_NOT_NULL(config);
    config_release(config);
}

static void test_file_that_is_not_there_is_reported(void)
{
    const char *file = "/nonexistent/atlas.cfg";
    struct config_source source = {&file, 1, NULL, 0, "/"};

    report_finish(&report);
    report_init(&report);
    CU_ASSERT_PTR_NULL(config_load(&source, &report));
    CU_ASSERT_TRUE(is_reported("/nonexistent/atlas.cfg: cannot be read"));
}

static void test_settings_lie_over_the_file(void)
{
    struct config *config =
        load(minimal, "listeners.order.address=127.0.0.1:1234", "postgres.port=5433");

    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    CU_ASSERT_EQUAL(config->listeners[0].address.port, 1234);
    CU_ASSERT_EQUAL(config->listeners[0].services.count, 1);
    CU_ASSERT_EQUAL(config->postgres.port, 5433);
    config_release(config);

    config = load(minimal, "plugins.order.path=../x/order.so", "processes.all.admin=127.0.0.1:99");
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    CU_ASSERT_STRING_EQUAL(config_plugin(config, "order")->path, "../x/order.so");
    CU_ASSERT_EQUAL(config->processes[0].admin.port, 99);
    config_release(config);

    CU_ASSERT_PTR_NULL(load(minimal, "postgres.prot=1", "redis"));
    CU_ASSERT_TRUE(is_reported("-D redis: is no setting"));
}

static void test_finding_in_a_setting_names_the_setting(void)
{
    CU_ASSERT_PTR_NULL(load(minimal, "postgres.prot=1", NULL));
    CU_ASSERT_TRUE(
        is_reported("-D postgres.prot=1: postgres.prot: is not known: did you mean \"port\""));
}

static void test_second_file_lies_over_the_first(void)
{
    const char *files[2] = {write_file("one.cfg", minimal),
                            write_file("two.cfg",
                                       "listeners = { order = { address = \"[::1]:7\"; }; };\n"
                                       "plugins = { order = { config = { x = 1; }; }; };\n"
                                       "run_dir = \"r\";")};
    struct config_source source = {files, 2, NULL, 0, "/"};

    report_finish(&report);
    report_init(&report);
    struct config *config = config_load(&source, &report);
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    CU_ASSERT_STRING_EQUAL(config->listeners[0].address.host, "::1");
    CU_ASSERT_STRING_EQUAL(config->listeners[0].name, "order");
    CU_ASSERT_PTR_NOT_NULL(config_tree_find(config->plugins[0].config, "x"));
    CU_ASSERT_PTR_NOT_NULL(config_tree_find(config->plugins[0].config, "fare"));
    config_release(config);
}

static void test_include_is_relative_to_the_file(void)
{
    write_file("part.cfg", "redis = { port = 7000; };\nkafka = { linger = 3; };\n");

    CU_ASSERT_PTR_NULL(load_with("@include \"part.cfg\"\n"));
    CU_ASSERT_TRUE(is_reported("part.cfg:2: kafka.linger"));
    CU_ASSERT_EQUAL(report.count, 1);
    write_file("part.cfg", "redis = { port = 4294974296; };\n");
    CU_ASSERT_PTR_NULL(load_with("@include \"part.cfg\"\n"));
    CU_ASSERT_TRUE(is_reported("part.cfg:1: the number 4294974296 needs an L"));
}

static void test_checks_across_groups(void)
{
    CU_ASSERT_PTR_NULL(
        load(minimal, "processes=({name=\"a\";plugins=[\"ordr\",\"ordr\"];})", NULL));
    CU_ASSERT_TRUE(is_reported("processes.a.plugins: \"ordr\" is not in the group plugins: did you "
                               "mean \"order\"?"));
    CU_ASSERT_TRUE(is_reported("\"ordr\" is listed twice"));

    CU_ASSERT_PTR_NULL(load(minimal,
                            "listeners.two={protocol=\"grpc\";address=\"127.0.0.1:50052\";"
                            "services=[\"atlas.order.v1.Order\"];}",
                            NULL));
    CU_ASSERT_TRUE(is_reported("both have the address 127.0.0.1:50052"));
    CU_ASSERT_TRUE(is_reported("both serve atlas.order.v1.Order by gRPC"));

    CU_ASSERT_PTR_NULL(load(minimal, "calls.fibers=30000", "processes.all.loops=4"));
    CU_ASSERT_TRUE(
        is_reported("calls.fibers: 30000 (and 256 for the host) on each of the 4 loops"));

    CU_ASSERT_PTR_NULL(load(minimal, "redis.reconnect_min=\"30s\"", NULL));
    CU_ASSERT_TRUE(is_reported("redis.reconnect_min: is greater than redis.reconnect_max"));
}

static void test_a_process_has_a_bounded_number_of_plugins(void)
{
    char setting[2048];
    size_t len = (size_t)snprintf(setting, sizeof setting, "processes.all.plugins=[");

    for (int i = 0; i <= CONFIG_PLUGINS_MAX; i++) {
        len += (size_t)snprintf(setting + len, sizeof setting - len, "%s\"p%d\"", i == 0 ? "" : ",",
                                i);
    }
    snprintf(setting + len, sizeof setting - len, "]");

    CU_ASSERT_PTR_NULL(load(minimal, setting, NULL));
    CU_ASSERT_TRUE(is_reported("processes.all.plugins: names 65 plugins"));
}

/* What could only fail when a listener is opened or a pid file is made. */
static void test_checks_what_the_system_would_refuse(void)
{
    CU_ASSERT_PTR_NULL(load(minimal, "listeners.order.address=localhost:50052",
                            "processes.all.admin=\"[fe80::1::2]:8086\""));
    CU_ASSERT_TRUE(is_reported("listeners.order.address: \"localhost\" is no numeric address"));
    CU_ASSERT_TRUE(is_reported("processes.all.admin: \"fe80::1::2\" is no numeric address"));
    CU_ASSERT_EQUAL(report.count, 2);

    CU_ASSERT_PTR_NULL(load(minimal, "processes=({name=\"../all\";plugins=[\"order\"];})", NULL));
    CU_ASSERT_TRUE(is_reported("processes: the name \"../all\" has a \"/\""));

    struct config *config = load(minimal, "listeners.order.address=\"[::1]:50052\"",
                                 "processes.all.admin=\"0.0.0.0:8086\"");
    CU_ASSERT_PTR_NOT_NULL(config);
    config_release(config);
}

static void test_placement_is_given_once(void)
{
    CU_ASSERT_PTR_NULL(
        load_with("placements = ( { service = \"a.B\"; address = \"10.0.0.1:5\"; },\n"
                  "               { service = \"a.B\"; address = \"10.0.0.2:5\"; } );"));
    CU_ASSERT_TRUE(is_reported("placements: a.B is placed twice"));
    CU_ASSERT_EQUAL(report.count, 1);
}

static void test_service_address_prefers_placements(void)
{
    struct config *config = load_with(
        "placements = ( { service = \"atlas.order.v1.Order\"; address = \"10.0.0.1:5\"; } );");

    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    CU_ASSERT_STRING_EQUAL(config_service_address(config, "atlas.order.v1.Order")->text,
                           "10.0.0.1:5");
    CU_ASSERT_PTR_NULL(config_service_address(config, "atlas.other.v1.Other"));
    config_release(config);

    config = load(minimal, NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    CU_ASSERT_EQUAL(config_service_address(config, "atlas.order.v1.Order")->port, 50052);
    config_release(config);
}

static void test_passwords_come_from_text_file_or_variable(void)
{
    write_file("secret", "s3cret\nrest");
    setenv("ATLAS_TEST_PASSWORD", "from env", 1);
    struct config *config = load_with("postgres = { password_file = \"secret\"; };\n"
                                      "redis = { password_env = \"ATLAS_TEST_PASSWORD\"; };\n");

    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    CU_ASSERT_STRING_EQUAL(config->postgres.password.text, "s3cret");
    CU_ASSERT_STRING_EQUAL(config->redis.password.text, "from env");
    CU_ASSERT_STRING_EQUAL(config_plugin(config, "order")->postgres_user, "atlas_order");
    config_release(config);

    CU_ASSERT_PTR_NULL(load_with("postgres = { password = \"a\"; password_env = \"B\"; };\n"
                                 "redis = { password_file = \"absent\"; };\n"));
    CU_ASSERT_TRUE(is_reported("exclude each other"));
    CU_ASSERT_TRUE(is_reported("redis.password_file"));
}

/* Wherever a file is cut off (the last ";" may be), reading ends with a finding, never with a
 * crash. */
static void test_truncated_file_is_refused(void)
{
    char text[sizeof minimal];

    for (size_t len = 0; len + 3 < sizeof minimal; len++) {
        memcpy(text, minimal, len);
        text[len] = '\0';
        struct config *config = load(text, NULL, NULL);
        CU_ASSERT_PTR_NULL(config);
        CU_ASSERT_TRUE(report.count > 0);
        config_release(config);
    }
}

struct differences {
    char text[1024];
    size_t count;
};

static void note_difference(void *arg, const char *path, const char *former, const char *newer)
{
    struct differences *differences = arg;
    size_t len = strlen(differences->text);
    snprintf(differences->text + len, sizeof differences->text - len, "%s: %s -> %s\n", path,
             former, newer);
    differences->count++;
}

static void test_differences_name_key_and_values(void)
{
    static const char former_text[] = "grpc = { streams = 7; };\n"
                                      "redis = { password = \"old\"; host = \"one\"; };\n";
    static const char newer_text[] =
        "grpc = { streams = 8; body_timeout = \"90s\"; stream_buffer = \"1MiB\"; };\n"
        "redis = { password = \"new\"; host = \"two\"; };\n"
        "calls = { force_wire = true; };\nlog = { level = \"debug\"; };\nrun_dir = "
        "\"/tmp/other\";\n";
    static const char *const expected[] = {
        "log.level: info -> debug\n",
        "calls.force_wire: false -> true\n",
        "grpc.streams: 7 -> 8\n",
        "grpc.body_timeout: 30s -> 90s\n",
        "grpc.stream_buffer: 64KiB -> 1MiB\n",
        "redis.host: one -> two\n",
        "redis.password: (secret) -> (secret)\n",
        "-> /tmp/other\n",
    };
    struct differences differences = {.count = 0};
    struct config *former = load_with(former_text);
    struct config *newer = load_with(newer_text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(former);
    CU_ASSERT_PTR_NOT_NULL_FATAL(newer);

    config_differs(former, former, "all", note_difference, &differences);
    CU_ASSERT_EQUAL(differences.count, 0);
    config_differs(former, newer, "all", note_difference, &differences);
    CU_ASSERT_EQUAL(differences.count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        CU_ASSERT_PTR_NOT_NULL(strstr(differences.text, expected[i]));
    }
    config_release(former);
    config_release(newer);
}

static void test_differences_are_of_the_process_that_runs(void)
{
    struct differences differences = {.count = 0};
    struct config *former = load(minimal, NULL, NULL);
    struct config *newer =
        load(minimal, "processes.all.loops=3", "processes.all.admin=127.0.0.1:8086");
    CU_ASSERT_PTR_NOT_NULL_FATAL(former);
    CU_ASSERT_PTR_NOT_NULL_FATAL(newer);

    config_differs(former, newer, "another", note_difference, &differences);
    CU_ASSERT_EQUAL(differences.count, 0);
    config_differs(former, newer, "all", note_difference, &differences);
    CU_ASSERT_STRING_EQUAL(differences.text, "processes.all.loops: 2 -> 3\n"
                                             "processes.all.admin:  -> 127.0.0.1:8086\n");
    config_release(former);
    config_release(newer);
}

static void test_shipped_configuration_is_good(void)
{
    const char *file = ATLAS_SOURCE_DIR "/etc/atlas.cfg";
    struct config_source source = {&file, 1, NULL, 0, "/opt/bin"};

    report_finish(&report);
    report_init(&report);
    struct config *config = config_load(&source, &report);
    for (size_t i = 0; report_line(&report, i) != NULL; i++) {
        puts(report_line(&report, i));
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    CU_ASSERT_EQUAL(config->process_count, 6);
    CU_ASSERT_EQUAL(config->plugin_count, 5);
    config_release(config);
}

static void test_folder_is_removed(void)
{
    static const char *const names[] = {"atlas.cfg", "order.so", "one.cfg",
                                        "two.cfg",   "part.cfg", "secret"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unlink(write_file(names[i], ""));
    }
    CU_ASSERT_EQUAL(rmdir(folder), 0);
    report_finish(&report);
}

static const struct unit_test tests[] = {
    UNIT_TEST(test_minimal_file_has_all_defaults),
    UNIT_TEST(test_paths_are_relative_to_the_file),
    UNIT_TEST(test_plugin_without_slash_is_found_on_the_path),
    UNIT_TEST(test_everything_wrong_is_reported_with_its_place),
    UNIT_TEST(test_missing_keys_are_reported),
    UNIT_TEST(test_syntax_error_names_file_and_line),
    UNIT_TEST(test_numbers_that_would_be_others_are_refused),
    UNIT_TEST(test_file_that_is_not_there_is_reported),
    UNIT_TEST(test_settings_lie_over_the_file),
    UNIT_TEST(test_finding_in_a_setting_names_the_setting),
    UNIT_TEST(test_second_file_lies_over_the_first),
    UNIT_TEST(test_include_is_relative_to_the_file),
    UNIT_TEST(test_checks_across_groups),
    UNIT_TEST(test_a_process_has_a_bounded_number_of_plugins),
    UNIT_TEST(test_checks_what_the_system_would_refuse),
    UNIT_TEST(test_placement_is_given_once),
    UNIT_TEST(test_service_address_prefers_placements),
    UNIT_TEST(test_passwords_come_from_text_file_or_variable),
    UNIT_TEST(test_truncated_file_is_refused),
    UNIT_TEST(test_differences_name_key_and_values),
    UNIT_TEST(test_differences_are_of_the_process_that_runs),
    UNIT_TEST(test_shipped_configuration_is_good),
    UNIT_TEST(test_folder_is_removed),
};

int main(void)
{
    if (mkdtemp(folder) == NULL) {
        return EXIT_FAILURE;
    }
    report_init(&report);
    return unit_run("config", tests, sizeof tests / sizeof tests[0]);
}
