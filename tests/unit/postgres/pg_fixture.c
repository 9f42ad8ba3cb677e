#include "pg_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "base/metrics.h"
#include "base/report.h"
#include "pg_server.h"
#include "runtime/runtime.h"
#include "support/names.h"
#include "support/run_on.h"

#define LIFECYCLE_MS 30000

static struct config *config;
static struct runtime *runtime;
static struct postgres *postgres;

static void fail(const char *what, const char *why)
{
    printf("%s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void load_config(const char *settings)
{
    char path[] = "/tmp/atlas-test-XXXXXX";
    struct report report;
    FILE *file = fdopen(mkstemp(path), "w");
    fprintf(file,
            "processes = ( { name = \"test\"; plugins = [ ]; loops = %d; } );\nlisteners = ( );\n"
            "plugins = { };\npostgres = { host = \"" FIXTURE_HOST "\"; port = %d; %s };\n",
            FIXTURE_LOOPS, pg_server_port(), settings);
    fclose(file);
    const char *files[] = {path};
    struct config_source source = {files, 1, NULL, 0, "/"};
    report_init(&report);
    config = config_load(&source, &report);
    unlink(path);
    if (config == NULL) {
        fail("configuration", report_line(&report, 0));
    }
    report_finish(&report);
}

void fixture_start(const char *settings, outbox_publish_fn *publish)
{
    struct error error;
    names_set(FIXTURE_HOST, "127.0.0.1");
    pg_server_create();
    pg_server_run("postgres", "CREATE DATABASE atlas");
    load_config(settings);
    struct runtime_options options = {.config = config, .process = "test"};
    if (runtime_create(&options, &runtime, &error) != ATLAS_OK ||
        postgres_create(config, publish, &postgres, &error) != ATLAS_OK) {
        fail("runtime", error.text);
    }
    runtime_add_module(runtime, postgres_module(postgres));
    if (runtime_start(runtime, &error) != ATLAS_OK) {
        fail("runtime", error.text);
    }
}

void fixture_stop(void)
{
    runtime_destroy(runtime);
    postgres_destroy(postgres);
    config_release(config);
    pg_server_destroy();
}

double fixture_metric(const char *name)
{
    size_t len;
    double sum = -1;
    char *text = metrics_render(&len);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        const char *value = strrchr(line, ' ');
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == '{' && value != NULL) {
            sum = (sum < 0 ? 0 : sum) + strtod(value, NULL);
        }
    }
    free(text);
    return sum;
}

void fixture_add_schema(const char *id)
{
    char sql[300];
    snprintf(sql, sizeof sql,
             "CREATE ROLE \"atlas_%s\" LOGIN; CREATE SCHEMA \"%s\" AUTHORIZATION \"atlas_%s\"", id,
             id, id);
    pg_server_run("atlas", sql);
}

/* --- Generations -------------------------------------------------------------------------------
 */

struct made {
    struct generation generation;
    struct config_plugin settings;
    char user[80];
    struct generation_loop loops[FIXTURE_LOOPS];
    bool is_reload;
};

static struct made *make(const char *id, const char *version, const struct atlas_pg_schema *schema)
{
    static _Atomic unsigned number;
    struct made *made = calloc(1, sizeof *made);
    snprintf(made->user, sizeof made->user, "atlas_%s", id);
    made->settings.id = id;
    made->settings.postgres_user = made->user;
    snprintf(made->generation.id, sizeof made->generation.id, "%s", id);
    snprintf(made->generation.version, sizeof made->generation.version, "%s", version);
    made->generation.number = ++number;
    made->generation.runtime = runtime;
    made->generation.settings = &made->settings;
    made->generation.plugin.postgres = schema;
    made->generation.interfaces.call = &call_interface;
    made->generation.interfaces.postgres = postgres_module(postgres)->table;
    made->generation.loop_count = FIXTURE_LOOPS;
    made->generation.loops = made->loops;
    return made;
}

static atlas_status_t run_attach(struct call *call, void *arg)
{
    const struct module *module = postgres_module(postgres);
    struct made *made = arg;
    struct error error;
    atlas_status_t status =
        module->attach(module->self, call, &made->generation, made->is_reload, &error);
    return status == ATLAS_OK ? ATLAS_OK : call_fail(call, status, "%s", error.text);
}

static atlas_status_t run_attach_loop(struct call *call, void *arg)
{
    const struct module *module = postgres_module(postgres);
    struct error error;
    return module->attach_loop(module->self, call, arg, &error);
}

static atlas_status_t run_detach_loop(struct call *call, void *arg)
{
    const struct module *module = postgres_module(postgres);
    module->detach_loop(module->self, call, arg);
    return ATLAS_OK;
}

static atlas_status_t run_detach(struct call *call, void *arg)
{
    const struct module *module = postgres_module(postgres);
    module->detach(module->self, call, arg);
    return ATLAS_OK;
}

static atlas_status_t run_activate(struct call *call, void *arg)
{
    const struct module *module = postgres_module(postgres);
    module->activate(module->self, call, arg);
    return ATLAS_OK;
}

static atlas_status_t run_deactivate(struct call *call, void *arg)
{
    const struct module *module = postgres_module(postgres);
    module->deactivate(module->self, call, arg);
    return ATLAS_OK;
}

atlas_status_t fixture_call(struct generation *generation, unsigned loop, int64_t timeout_ms,
                            atlas_status_t (*fn)(struct call *call, void *arg), void *arg,
                            struct error *error)
{
    struct error ignored;
    return run_on(runtime_worker(runtime, loop), generation, "test", timeout_ms, fn, arg,
                  error != NULL ? error : &ignored);
}

static void on_every_loop(struct generation *generation,
                          atlas_status_t (*fn)(struct call *call, void *arg))
{
    for (unsigned i = 0; i < FIXTURE_LOOPS; i++) {
        fixture_call(generation, i, LIFECYCLE_MS, fn, generation, NULL);
    }
}

struct generation *fixture_load(const char *id, const char *version,
                                const struct atlas_pg_schema *schema, bool is_reload,
                                struct error *error)
{
    struct made *made = make(id, version, schema);
    made->is_reload = is_reload;
    if (fixture_call(&made->generation, 0, LIFECYCLE_MS, run_attach, made, error) != ATLAS_OK) {
        free(made);
        return NULL;
    }
    on_every_loop(&made->generation, run_attach_loop);
    return &made->generation;
}

void fixture_activate(struct generation *generation)
{
    fixture_call(generation, 0, LIFECYCLE_MS, run_activate, generation, NULL);
}

void fixture_deactivate(struct generation *generation)
{
    fixture_call(generation, 0, LIFECYCLE_MS, run_deactivate, generation, NULL);
}

void fixture_unload(struct generation *generation)
{
    if (generation != NULL) {
        on_every_loop(generation, run_detach_loop);
        fixture_call(generation, 0, LIFECYCLE_MS, run_detach, generation, NULL);
        free(CONTAINER_OF(generation, struct made, generation));
    }
}

bool fixture_eventually(bool (*is_true)(void *arg), void *arg)
{
    int64_t end_ns = clock_monotonic_ns() + 20 * NS_PER_S;
    while (!is_true(arg)) {
        if (clock_monotonic_ns() > end_ns) {
            return false;
        }
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    return true;
}
