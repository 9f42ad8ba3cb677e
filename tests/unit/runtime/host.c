#include "host.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config/config_load.h"
#include "runtime/call_run.h"
#include "runtime/client.h"
#include "runtime/generation.h"
#include "runtime/loader/staged_file.h"
#include "runtime/reload/control.h"
#include "runtime/reload/deployment.h"
#include "runtime/router.h"
#include "runtime/wait.h"
#include "support/run_on.h"
#include "support/unit.h"

#define BARE_PLUGIN ATLAS_BUILD_DIR "/tests/unit/plugins/good.so"

static void die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void copy_plugin(struct test_host *host, int extra_bytes)
{
    char staged[160];
    snprintf(staged, sizeof staged, "%s.new", host->plugin_path);
    FILE *from = fopen(ECHO_PLUGIN, "rb");
    FILE *to = fopen(staged, "wb");
    if (from == NULL || to == NULL) {
        die(ECHO_PLUGIN, "cannot be copied");
    }
    char buffer[8192];
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, from)) > 0;) {
        fwrite(buffer, 1, n, to);
    }
    for (int i = 0; i < extra_bytes; i++) {
        fputc(0, to);
    }
    fclose(from);
    fclose(to);
    rename(staged, host->plugin_path);
}

static struct config *load_config(struct test_host *host, struct report *report)
{
    char text[1024];
    char path[128];
    snprintf(path, sizeof path, "%s/atlas.cfg", host->folder);
    snprintf(text, sizeof text,
             "processes = ( { name = \"test\"; loops = 2; plugins = [ \"echo\"%s ]; } );\n"
             "run_dir = \"run\";\n"
             "plugins = { echo = { path = \"%s\"; config = { }; };\n"
             "            bare = { path = \"" BARE_PLUGIN "\"; }; };\n"
             "reload = { drain_timeout = \"5s\"; };\n"
             "calls = { arena_limit = \"1MiB\"; message_limit = \"512KiB\"; };\n",
             host->has_second ? ", \"bare\"" : "", host->plugin_path);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        die(path, "cannot be written");
    }
    fputs(text, file);
    fclose(file);
    const char *files[] = {path};
    struct config_source source = {.files = files, .file_count = 1, .program_folder = "."};
    return config_load(&source, report);
}

static void check_started(bool is_started, const struct report *report)
{
    if (!is_started) {
        die("test host", report_line(report, 0) != NULL ? report_line(report, 0) : "no reason");
    }
}

void test_host_start(struct test_host *host)
{
    struct report report;
    struct error error;
    report_init(&report);
    host->has_second = false;
    snprintf(host->folder, sizeof host->folder, "/tmp/atlas-test-XXXXXX");
    if (mkdtemp(host->folder) == NULL) {
        die(host->folder, "cannot be made");
    }
    snprintf(host->plugin_path, sizeof host->plugin_path, "%s/echo.so", host->folder);
    copy_plugin(host, 0);
    host->config = load_config(host, &report);
    check_started(host->config != NULL, &report);
    struct runtime_options options = {.config = host->config, .process = "test"};
    if (staged_folder_open(host->config->run_dir, &error) != ATLAS_OK ||
        control_create(&host->control, &error) != ATLAS_OK ||
        runtime_create(&options, &host->runtime, &error) != ATLAS_OK ||
        deployment_create(host->runtime, host->control, &host->deployment, &error) != ATLAS_OK) {
        die("test host", error.text);
    }
    runtime_add_module(host->runtime, &client_module);
    if (runtime_start(host->runtime, &error) != ATLAS_OK) {
        die("test host", error.text);
    }
    check_started(deployment_apply(host->deployment, host->config, &report), &report);
    report_finish(&report);
}

void test_host_stop(struct test_host *host)
{
    char command[128];
    int64_t until_ns = clock_monotonic_ns() + 20 * NS_PER_S;
    control_heed_ends(host->control, 1);
    deployment_quiesce(host->deployment, until_ns);
    if (!deployment_end(host->deployment, until_ns)) {
        die("test host", "calls do not end");
    }
    runtime_destroy(host->runtime);
    deployment_destroy(host->deployment);
    control_destroy(host->control);
    staged_folder_close(host->config->run_dir);
    config_release(host->config);
    snprintf(command, sizeof command, "rm -rf %s", host->folder);
    if (system(command) != 0) {
        die(host->folder, "cannot be removed");
    }
}

void test_host_touch_plugin(struct test_host *host)
{
    static int extra_bytes;
    copy_plugin(host, ++extra_bytes);
}

void test_host_break_plugin(struct test_host *host)
{
    unlink(host->plugin_path);
    FILE *file = fopen(host->plugin_path, "wb");
    if (file != NULL) {
        fputs("no shared object", file);
        fclose(file);
    }
}

bool test_host_reload(struct test_host *host, struct report *report)
{
    report_init(report);
    struct config *config = load_config(host, report);
    bool is_done = config != NULL && deployment_apply(host->deployment, config, report);
    config_release(config);
    return is_done;
}

static void test_call_on_finished(struct call *call)
{
    struct test_call *test = call->peer;
    test->status = call->status;
    test->generation = call->generation->number;
    memcpy(test->message, call->message, sizeof test->message);
    if (call->has_reply && call->reply.len <= sizeof test->reply) {
        memcpy(test->reply, call->reply.data, call->reply.len);
        test->reply_len = call->reply.len;
    }
    test->call = NULL;
    call_destroy(call);
    atomic_store(&test->has_ended, true);
}

static const struct call_operations test_call_operations = {.finished = test_call_on_finished};

static void start_on_loop(struct worker *worker, void *arg)
{
    struct test_call *test = arg;
    const struct route *route = route_table_find(worker->routes, test->path, strlen(test->path));
    if (route == NULL) {
        die(test->path, "no route");
    }
    struct call *call = call_create(worker, worker->routes, route);
    call->operations = &test_call_operations;
    call->peer = test;
    call->request = test->request;
    call->deadline_ns =
        test->timeout_ms > 0 ? call->start_ns + test->timeout_ms * NS_PER_MS : INT64_MAX;
    test->call = call;
    call_start(call);
}

void test_host_run(struct test_host *host, atlas_status_t (*fn)(struct call *call, void *arg),
                   void *arg, atlas_status_t expected)
{
    struct error error = {.text = ""};
    struct generation *const *generations;
    CU_ASSERT_EQUAL_FATAL(deployment_active(host->deployment, &generations), 1);
    atlas_status_t status =
        run_on(runtime_worker(host->runtime, 0), generations[0], "test", 10000, fn, arg, &error);
    CU_ASSERT_EQUAL(status, expected);
    if (status != expected) {
        fprintf(stderr, "%s: %s\n", atlas_status_name(status), error.text);
    }
}

void test_call_start(struct test_call *test)
{
    atomic_store(&test->has_ended, false);
    runtime_run_on(test->worker, start_on_loop, test);
}

void test_call_wait(struct test_call *test)
{
    int64_t until_ns = clock_monotonic_ns() + 20 * NS_PER_S;
    while (!atomic_load(&test->has_ended)) {
        if (clock_monotonic_ns() > until_ns) {
            die(test->path, "did not end");
        }
        nanosleep(&(struct timespec){0, 100000}, NULL);
    }
}

static void cancel_on_loop(struct worker *worker, void *arg)
{
    (void)worker;
    struct test_call *test = arg;
    if (test->call != NULL) {
        call_cancel(test->call, ATLAS_CANCELLED);
    }
}

void test_call_cancel(struct test_call *test)
{
    runtime_run_on(test->worker, cancel_on_loop, test);
}
