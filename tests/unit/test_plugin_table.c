/*
 * Tables of plugins that were built with other headers. This file is built twice: as part of this
 * host, and as part of a later one, whose structs have all grown by a member.
 */
#include "runtime/loader/plugin_table.h"

#include "base/arena.h"
#include "runtime/loader/manifest.h"
#include "support/unit.h"

#include <dlfcn.h>
#include <string.h>

#define PLUGINS ATLAS_BUILD_DIR "/tests/unit/plugins/"

/* The member that only grown headers have. */
#ifdef GROWN_HOST
#define GROWN(item) ((item)->grown)
#else
#define GROWN(item) ((void)(item), 0)
#endif

static struct arena arena;
static struct error error;
static struct atlas_plugin table;

static const char *service_names[] = {"atlas.test.v1.One", "atlas.test.v1.Two"};
static const char *interface_names[] = {"atlas.kafka/1", "atlas.postgres/1", "atlas.metrics/1"};
static struct manifest manifest = {
    .id = "full", .abi_major = 1, .required = {interface_names, 3}, .services = {service_names, 2}};

/* Loads a plugin, to the end of the process, and reads its table. */
static atlas_status_t read_plugin(const char *name)
{
    char path[512];
    atlas_plugin_v1_fn *entry = NULL;

    snprintf(path, sizeof path, PLUGINS "%s.so", name);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(library);
    void *symbol = dlsym(library, ATLAS_PLUGIN_ENTRY);
    CU_ASSERT_PTR_NOT_NULL_FATAL(symbol);
    memcpy(&entry, &symbol, sizeof entry);
    return plugin_table_read(entry(ATLAS_ABI_MINOR), name, &manifest, &arena, &table, &error);
}

static void check_services(void)
{
    CU_ASSERT_EQUAL_FATAL(table.service_count, 2);
    const struct atlas_service *one = table.services[0];
    CU_ASSERT_STRING_EQUAL(one->name, "atlas.test.v1.One");
    CU_ASSERT_EQUAL_FATAL(one->method_count, 2);
    CU_ASSERT_STRING_EQUAL(one->methods[0].name, "First");
    CU_ASSERT_STRING_EQUAL(one->methods[1].name, "Second");
    CU_ASSERT_EQUAL(one->methods[1].flags, 2);
    CU_ASSERT_EQUAL(one->methods[1].size, sizeof(struct atlas_method));
    CU_ASSERT_EQUAL(one->methods[1].handle(NULL), ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(table.services[1]->methods[0].name, "Third");
}

/* The second element is found only with the plugin's own size. */
static void check_all(void)
{
    check_services();
    CU_ASSERT_EQUAL_FATAL(table.consumer_count, 2);
    CU_ASSERT_STRING_EQUAL(table.consumers[1].name, "second");
    CU_ASSERT_EQUAL(table.consumers[1].handle(NULL, NULL, 0, NULL), ATLAS_OK);
    CU_ASSERT_EQUAL_FATAL(table.background_count, 2);
    CU_ASSERT_STRING_EQUAL(table.backgrounds[1].name, "second");
    CU_ASSERT_STRING_EQUAL(table.backgrounds[1].interval_key, "pause");
    CU_ASSERT_EQUAL_FATAL(table.metric_count, 2);
    CU_ASSERT_STRING_EQUAL(table.metrics[1].name, "full_second_total");
    CU_ASSERT_EQUAL_FATAL(table.postgres->migration_count, 2);
    CU_ASSERT_STRING_EQUAL(table.postgres->migrations[1].name, "second");
    CU_ASSERT_EQUAL(table.postgres->migrations[1].number, 2);
    CU_ASSERT_EQUAL_FATAL(table.postgres->statement_count, 2);
    CU_ASSERT_STRING_EQUAL(table.postgres->statements[1].name, "second");
    CU_ASSERT_EQUAL(table.postgres->statements[1].flags, 1);
    CU_ASSERT_EQUAL(GROWN(&table.consumers[1]), 0);
    CU_ASSERT_EQUAL(plugin_table_check(&table, "full", &manifest, &error), ATLAS_OK);
}

/* For the later host this is an old plugin: its structs are smaller. */
static void test_plugin_of_this_abi_is_read(void)
{
    CU_ASSERT_EQUAL_FATAL(read_plugin("full"), ATLAS_OK);
    check_all();
    CU_ASSERT_EQUAL(GROWN(&table), 0);
    CU_ASSERT_EQUAL(GROWN(&table.services[0]->methods[1]), 0);
}

/* For this host this is a new plugin: its structs are larger. */
static void test_plugin_of_a_later_abi_is_read(void)
{
    CU_ASSERT_EQUAL_FATAL(read_plugin("full_grown"), ATLAS_OK);
    check_all();
}

static void test_members_of_a_later_abi_are_for_a_later_host(void)
{
    static const struct {
        const char *name;
        const char *type;
    } plugins[] = {
        {"full_grown_method", "struct atlas_method"},
        {"full_grown_statement", "struct atlas_pg_statement"},
    };

    for (size_t i = 0; i < sizeof plugins / sizeof plugins[0]; i++) {
#ifdef GROWN_HOST
        CU_ASSERT_EQUAL_FATAL(read_plugin(plugins[i].name), ATLAS_OK);
        check_all();
        CU_ASSERT_EQUAL(
            GROWN(&table.services[0]->methods[1]) + GROWN(&table.postgres->statements[1]), 7);
#else
        CU_ASSERT_EQUAL(read_plugin(plugins[i].name), ATLAS_FAILED_PRECONDITION);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, plugins[i].type));
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "uses members"));
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "use a host of ABI"));
#endif
    }
}

/* --- Tables that are wrong --- */

static atlas_status_t run(struct atlas_call *call)
{
    (void)call;
    return ATLAS_OK;
}

static atlas_status_t read_backgrounds(const struct atlas_background *backgrounds, size_t count)
{
    struct atlas_plugin wrong = {
        .size = sizeof wrong, .backgrounds = backgrounds, .background_count = count};

    return plugin_table_read(&wrong, "wrong.so", &manifest, &arena, &table, &error);
}

static void test_element_without_its_size_is_refused(void)
{
    const struct atlas_background backgrounds[] = {{.name = "first", .run = run}};

    CU_ASSERT_EQUAL(read_backgrounds(backgrounds, 1), ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "wrong.so: plugin full has a struct "
                                              "atlas_background of 0 bytes"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "set .size = sizeof(struct atlas_background)"));
}

static void test_elements_of_two_sizes_are_refused(void)
{
    const struct atlas_background backgrounds[] = {
        {.size = sizeof backgrounds[0], .name = "first", .run = run},
        {.name = "second", .run = run}};

    CU_ASSERT_EQUAL(read_backgrounds(backgrounds, 2), ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "in one array: set .size"));
}

static void test_count_without_array_is_refused(void)
{
    CU_ASSERT_EQUAL(read_backgrounds(NULL, 2), ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "no array of them"));

    const struct atlas_background one = {.size = sizeof one, .name = "first", .run = run};
    CU_ASSERT_EQUAL(read_backgrounds(&one, 1u << 20), ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "at most 4096"));
}

static void test_background_without_function_is_refused(void)
{
    const struct atlas_background backgrounds[] = {
        {.size = sizeof backgrounds[0], .name = "first"}};
    struct manifest bare = {.id = "bare"};

    CU_ASSERT_EQUAL_FATAL(read_backgrounds(backgrounds, 1), ATLAS_OK);
    CU_ASSERT_EQUAL(plugin_table_check(&table, "wrong.so", &bare, &error),
                    ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "background 0 of its table has no name or no run"));
}

static void test_service_twice_is_refused(void)
{
    const struct atlas_service service = {.size = sizeof service, .name = service_names[0]};
    const struct atlas_service *const services[] = {&service, &service};
    const struct atlas_plugin wrong = {
        .size = sizeof wrong, .services = services, .service_count = 2};

    CU_ASSERT_EQUAL_FATAL(plugin_table_read(&wrong, "wrong.so", &manifest, &arena, &table, &error),
                          ATLAS_OK);
    CU_ASSERT_EQUAL(plugin_table_check(&table, "wrong.so", &manifest, &error),
                    ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "lists the service atlas.test.v1.One twice"));
}

/* Declared, and never looked at: the author would wonder why. */
static void test_declaration_without_its_interface_is_refused(void)
{
    static const struct {
        size_t without; /* of interface_names */
        const char *words;
    } cases[] = {
        {0, "declares consumers, but its manifest does not ask for atlas.kafka/1: add the line "
            "\"requires atlas.kafka/1\""},
        {1, "declares a PostgreSQL schema"},
        {2, "declares metrics"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct manifest less = manifest;
        const char *others[3] = {interface_names[0], interface_names[1], interface_names[2]};
        others[cases[i].without] = "atlas.client/1";
        less.required.items = others;
        CU_ASSERT_EQUAL_FATAL(read_plugin("full"), ATLAS_OK);
        CU_ASSERT_EQUAL(plugin_table_check(&table, "full.so", &less, &error),
                        ATLAS_FAILED_PRECONDITION);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, cases[i].words));
    }
}

static void test_metric_of_another_name_is_refused(void)
{
    const struct atlas_metric metrics[] = {
        {.size = sizeof metrics[0], .name = "other_total", .help = "A count."}};
    const struct atlas_plugin wrong = {.size = sizeof wrong, .metrics = metrics, .metric_count = 1};
    struct manifest bare = {.id = "full", .required = {interface_names, 3}};

    CU_ASSERT_EQUAL_FATAL(plugin_table_read(&wrong, "wrong.so", &bare, &arena, &table, &error),
                          ATLAS_OK);
    CU_ASSERT_EQUAL(plugin_table_check(&table, "wrong.so", &bare, &error),
                    ATLAS_FAILED_PRECONDITION);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "name it full_<what>_<unit>"));
}

static const struct unit_test tests[] = {
    UNIT_TEST(test_plugin_of_this_abi_is_read),
    UNIT_TEST(test_plugin_of_a_later_abi_is_read),
    UNIT_TEST(test_members_of_a_later_abi_are_for_a_later_host),
    UNIT_TEST(test_element_without_its_size_is_refused),
    UNIT_TEST(test_elements_of_two_sizes_are_refused),
    UNIT_TEST(test_count_without_array_is_refused),
    UNIT_TEST(test_background_without_function_is_refused),
    UNIT_TEST(test_service_twice_is_refused),
    UNIT_TEST(test_declaration_without_its_interface_is_refused),
    UNIT_TEST(test_metric_of_another_name_is_refused),
};

int main(void)
{
    arena_init(&arena, NULL, SIZE_MAX);
    int status = unit_run("plugin_table", tests, sizeof tests / sizeof tests[0]);
    arena_finish(&arena);
    return status;
}
