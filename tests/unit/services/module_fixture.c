#include "module_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "base/report.h"
#include "runtime/loader/manifest.h"
#include "runtime/loader/plugin_config.h"
#include "support/run_on.h"

#define LIFECYCLE_MS 60000

static struct config *config;
static struct runtime *runtime;
static const struct module *module;

static void fail(const char *what, const char *why)
{
    printf("%s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void load_config(const char *groups)
{
    char path[] = "/tmp/atlas-test-XXXXXX";
    struct report report;
    FILE *file = fdopen(mkstemp(path), "w");
    fprintf(file,
            "processes = ( { name = \"test\"; plugins = [ ]; loops = %d; } );\nlisteners = ( );\n"
            "plugins = { };\n%s\n",
            FIXTURE_LOOPS, groups);
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

void fixture_create(const char *groups)
{
    struct error error;
    load_config(groups);
    struct runtime_options options = {.config = config, .process = "test"};
    if (runtime_create(&options, &runtime, &error) != ATLAS_OK) {
        fail("runtime", error.text);
    }
}

const struct config *fixture_config(void)
{
    return config;
}

void fixture_start(const struct module *tested)
{
    struct error error;
    module = tested;
    runtime_add_module(runtime, module);
    if (runtime_start(runtime, &error) != ATLAS_OK) {
        fail("runtime", error.text);
    }
}

void fixture_destroy(void)
{
    runtime_destroy(runtime);
    config_release(config);
}

/* --- generations --- */

struct made {
    struct generation generation;
    struct generation_loop loops[FIXTURE_LOOPS];
    struct report report;
    bool is_reload;
};

static void configure(struct made *made, const char *topic)
{
    char text[300];
    int len = snprintf(text, sizeof text,
                       "plugin test 1.0.0\nabi 1.0\nconfig topic string default=%s\n", topic);
    report_init(&made->report);
    made->generation.manifest = manifest_parse(text, (size_t)len, "test.so", &made->report);
    if (made->generation.manifest == NULL) {
        fail("manifest", report_line(&made->report, 0));
    }
    made->generation.config =
        plugin_config_create(made->generation.manifest, NULL, "test", &made->report);
    if (made->generation.config == NULL) {
        fail("configuration of the plugin", report_line(&made->report, 0));
    }
}

static void release(struct made *made)
{
    plugin_config_destroy(made->generation.config);
    manifest_destroy(made->generation.manifest);
    report_finish(&made->report);
    free(made);
}

static struct made *make(const char *id, const char *topic, const struct atlas_consumer *consumers,
                         size_t count)
{
    static unsigned number;
    struct made *made = calloc(1, sizeof *made);
    configure(made, topic);
    snprintf(made->generation.id, sizeof made->generation.id, "%s", id);
    made->generation.number = ++number;
    made->generation.runtime = runtime;
    made->generation.plugin.consumers = consumers;
    made->generation.plugin.consumer_count = count;
    made->generation.interfaces.call = &call_interface;
    made->generation.interfaces.kafka = module->slot == MODULE_KAFKA ? module->table : NULL;
    made->generation.interfaces.redis = module->slot == MODULE_REDIS ? module->table : NULL;
    made->generation.loop_count = FIXTURE_LOOPS;
    made->generation.loops = made->loops;
    return made;
}

static atlas_status_t run_attach(struct call *call, void *arg)
{
    struct made *made = arg;
    struct error error;
    atlas_status_t status =
        module->attach(module->self, call, &made->generation, made->is_reload, &error);
    return status == ATLAS_OK ? ATLAS_OK : call_fail(call, status, "%s", error.text);
}

static atlas_status_t run_attach_loop(struct call *call, void *arg)
{
    struct error error;
    return module->attach_loop(module->self, call, arg, &error);
}

static atlas_status_t run_detach(struct call *call, void *arg)
{
    module->detach(module->self, call, arg);
    return ATLAS_OK;
}

static atlas_status_t run_activate(struct call *call, void *arg)
{
    module->activate(module->self, call, arg);
    return ATLAS_OK;
}

static atlas_status_t run_deactivate(struct call *call, void *arg)
{
    return module->deactivate(module->self, call, arg) ? ATLAS_OK : ATLAS_DEADLINE_EXCEEDED;
}

atlas_status_t fixture_call(struct generation *generation, unsigned loop, int64_t timeout_ms,
                            atlas_status_t (*fn)(struct call *call, void *arg), void *arg,
                            struct error *error)
{
    struct error ignored;
    return run_on(runtime_worker(runtime, loop), generation, "test", timeout_ms, fn, arg,
                  error != NULL ? error : &ignored);
}

struct generation *fixture_load(const char *id, const char *topic,
                                const struct atlas_consumer *consumers, size_t count,
                                bool is_reload, struct error *error)
{
    struct made *made = make(id, topic, consumers, count);
    made->is_reload = is_reload;
    if (fixture_call(&made->generation, 0, LIFECYCLE_MS, run_attach, made, error) != ATLAS_OK) {
        release(made);
        return NULL;
    }
    for (unsigned i = 0; module->attach_loop != NULL && i < FIXTURE_LOOPS; i++) {
        fixture_call(&made->generation, i, LIFECYCLE_MS, run_attach_loop, &made->generation, NULL);
    }
    return &made->generation;
}

void fixture_activate(struct generation *generation)
{
    fixture_call(generation, 0, LIFECYCLE_MS, run_activate, generation, NULL);
}

void fixture_deactivate(struct generation *generation)
{
    fixture_deactivate_within(generation, LIFECYCLE_MS);
}

bool fixture_deactivate_within(struct generation *generation, int64_t timeout_ms)
{
    return fixture_call(generation, 0, timeout_ms, run_deactivate, generation, NULL) == ATLAS_OK;
}

void fixture_unload(struct generation *generation)
{
    if (module->detach != NULL) {
        fixture_call(generation, 0, LIFECYCLE_MS, run_detach, generation, NULL);
    }
    release(CONTAINER_OF(generation, struct made, generation));
}

bool fixture_eventually(bool (*is_true)(void *arg), void *arg)
{
    int64_t end_ns = clock_monotonic_ns() + 30 * NS_PER_S;
    while (!is_true(arg)) {
        if (clock_monotonic_ns() > end_ns) {
            return false;
        }
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    return true;
}
