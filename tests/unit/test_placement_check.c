/* Whether processes, listeners and plugins fit together, seen in manifests. */
#include "runtime/loader/placement_check.h"

#include "base/config/config_load.h"
#include "base/report.h"
#include "runtime/loader/manifest.h"
#include "support/unit.h"

#include <string.h>
#include <unistd.h>

#define HEAD(id) "plugin " id " 1.0.0\nabi 1.0\n"

static struct report report;

/* Two plugins: web calls a.Store, which store serves; what stands between is the test's. */
static const char store[] = HEAD("store") "service a.Store\n";
static const char web[] = HEAD("web") "service a.Web\ncalls a.Store\n";

static const char plugins[] = "plugins = { store = { }; web = { }; };\n";

static struct manifest *parse(const char *text)
{
    return text == NULL ? NULL : manifest_parse(text, strlen(text), "x.so", &report);
}

/* Checks a configuration of processes and listeners; the findings are in report. */
static void check(const char *lines, const char *store_text, const char *web_text)
{
    char path[] = "/tmp/atlas-test-placement-XXXXXX";
    int fd = mkstemp(path);
    const char *file = path;
    struct config_source source = {&file, 1, NULL, 0, "/"};

    report_finish(&report);
    report_init(&report);
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, lines, strlen(lines)), (ssize_t)strlen(lines));
    CU_ASSERT_EQUAL(write(fd, plugins, strlen(plugins)), (ssize_t)strlen(plugins));
    close(fd);

    struct config *config = config_load(&source, &report);
    unlink(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    struct manifest *own[] = {parse(store_text), parse(web_text)};
    const struct manifest *manifests[] = {own[0], own[1]};
    placement_check(config, manifests, &report);
    manifest_destroy(own[0]);
    manifest_destroy(own[1]);
    config_release(config);
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

#define BOTH "processes = ( { name = \"all\"; plugins = [ \"store\", \"web\" ]; } );\n"
#define SPLIT                                                                                      \
    "processes = ( { name = \"one\"; plugins = [ \"store\" ]; },"                                  \
    " { name = \"two\"; plugins = [ \"web\" ]; } );\n"
#define LISTENER(protocol, service)                                                                \
    "listeners = ( { name = \"l\"; protocol = \"" protocol "\"; address = \"127.0.0.1:5\";"        \
    " services = [ \"" service "\" ]; } );\n"

static void test_services_in_one_process_need_no_address(void)
{
    check(BOTH, store, web);
    CU_ASSERT_EQUAL(report.count, 0);
}

static void test_called_service_elsewhere_needs_an_address(void)
{
    check(SPLIT, store, web);
    CU_ASSERT_EQUAL(report.count, 1);
    CU_ASSERT_TRUE(
        is_reported("processes.two.plugins: web calls a.Store, which no plugin of the process "
                    "serves and no gRPC listener names"));
    check(SPLIT LISTENER("grpc", "a.Store"), store, web);
    CU_ASSERT_EQUAL(report.count, 0);
    check(SPLIT "placements = ( { service = \"a.Store\"; address = \"10.0.0.1:5\"; } );\n", store,
          web);
    CU_ASSERT_EQUAL(report.count, 0);
}

static void test_service_of_two_plugins_in_a_process_is_refused(void)
{
    check(BOTH, store, HEAD("web") "service a.Store\n");
    CU_ASSERT_TRUE(is_reported("store and web both serve a.Store"));
    check(SPLIT, store, HEAD("web") "service a.Store\n");
    CU_ASSERT_EQUAL(report.count, 0);
}

static void test_listener_must_name_a_service_that_is_served(void)
{
    check(BOTH LISTENER("grpc", "a.Stroe"), store, web);
    CU_ASSERT_TRUE(is_reported("listeners.l.services: no plugin serves a.Stroe"));
    check(BOTH LISTENER("grpc", "a.Web"), store, NULL);
    CU_ASSERT_EQUAL(report.count, 0); /* the plugin that could not be read may serve it */
}

static void test_placement_must_name_a_service_that_is_there(void)
{
    static const char placed[] =
        SPLIT "placements = ( { service = \"a.Store\"; address = \"10.0.0.1:5\"; },\n"
              "               { service = \"a.Wbe\"; address = \"10.0.0.1:6\"; } );\n";
    check(placed, store, web);
    CU_ASSERT_TRUE(is_reported("placements: no plugin calls or serves a.Wbe"));
    CU_ASSERT_EQUAL(report.count, 1);
    check(placed, store, NULL);
    CU_ASSERT_EQUAL(report.count, 0); /* the plugin that could not be read may call it */
}

static void test_rest_listener_needs_http_options(void)
{
    check(BOTH LISTENER("rest", "a.Web"), store, web);
    CU_ASSERT_TRUE(is_reported("plugin web has no descriptors of a.Web, which REST needs"));
    report_finish(&report);
}

UNIT_MAIN("placement_check", UNIT_TEST(test_services_in_one_process_need_no_address),
          UNIT_TEST(test_called_service_elsewhere_needs_an_address),
          UNIT_TEST(test_service_of_two_plugins_in_a_process_is_refused),
          UNIT_TEST(test_listener_must_name_a_service_that_is_served),
          UNIT_TEST(test_placement_must_name_a_service_that_is_there),
          UNIT_TEST(test_rest_listener_needs_http_options))
