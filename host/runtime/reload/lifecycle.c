/* The life of one generation: load, create, activate, deactivate, unload. */
#include "runtime/generation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config/config.h"
#include "base/descriptors.h"
#include "base/log.h"
#include "runtime/call.h"
#include "runtime/call_metrics.h"
#include "runtime/interfaces.h"
#include "runtime/loader/manifest.h"
#include "runtime/loader/plugin_config.h"
#include "runtime/loader/plugin_library.h"
#include "runtime/loader/staged_file.h"
#include "runtime/reload/background.h"
#include "runtime/reload/candidate.h"
#include "runtime/runtime.h"

static const struct config_reload *limits_of(const struct generation *generation)
{
    return &runtime_config(generation->runtime)->reload;
}

static struct worker *home_of(const struct generation *generation)
{
    return runtime_worker(generation->runtime, generation->home);
}

static bool has_module(const struct generation *generation, const struct module *module)
{
    return module != NULL && manifest_asks_for(generation->manifest, module->interface_id);
}

static struct generation *allocate(struct runtime *runtime, struct candidate *candidate,
                                   unsigned number)
{
    struct generation *generation = calloc(1, sizeof *generation);
    if (generation == NULL) {
        return NULL;
    }
    generation->runtime = runtime;
    generation->number = number;
    generation->loop_count = runtime_worker_count(runtime);
    generation->loops = calloc(generation->loop_count, sizeof *generation->loops);
    if (generation->loops == NULL) {
        free(generation);
        return NULL;
    }
    snprintf(generation->id, sizeof generation->id, "%s", candidate->manifest->id);
    snprintf(generation->version, sizeof generation->version, "%s", candidate->manifest->version);
    memcpy(generation->content, candidate->content, sizeof generation->content);
    for (const char *c = generation->id; *c != '\0'; c++) {
        generation->home = generation->home * 31 + (unsigned char)*c;
    }
    generation->home %= generation->loop_count;
    generation->settings = candidate->plugin;
    generation->manifest = candidate->manifest;
    generation->config = candidate->config;
    candidate->manifest = NULL;
    candidate->config = NULL;
    return generation;
}

static atlas_status_t read_descriptors(struct generation *generation, struct error *error)
{
    const struct manifest *manifest = generation->manifest;
    if (manifest->descriptors == NULL) {
        return ATLAS_OK;
    }
    return descriptors_create(
        (struct atlas_bytes){manifest->descriptors, manifest->descriptors_len},
        &generation->descriptors, error);
}

static atlas_status_t check(struct generation *generation, const char *path, struct error *error)
{
    char text[256] = "";
    if (generation->plugin.check == NULL) {
        return ATLAS_OK;
    }
    atlas_status_t status =
        generation->plugin.check(plugin_config_public(generation->config), text, sizeof text);
    text[sizeof text - 1] = '\0';
    return status == ATLAS_OK ? ATLAS_OK
                              : error_set(error, status, "%s refuses its configuration: %s", path,
                                          text[0] != '\0' ? text : "it gives no reason");
}

static atlas_status_t map_copy(struct generation *generation, struct candidate *candidate,
                               struct error *error)
{
    const char *path = candidate->plugin->path;
    const char *run_dir = runtime_config(generation->runtime)->run_dir;
    atlas_status_t status =
        interfaces_grant(generation->runtime, generation->manifest, &generation->interfaces, error);
    if (status == ATLAS_OK) {
        status = staged_file_write(candidate->image, run_dir, generation->id, generation->number,
                                   &generation->staged_path, error);
    }
    if (status == ATLAS_OK) {
        status = plugin_library_open(generation->staged_path, path, generation->manifest,
                                     &generation->library, error);
    }
    if (status == ATLAS_OK) {
        generation->plugin = *plugin_library_table(generation->library);
        status = read_descriptors(generation, error);
    }
    if (status == ATLAS_OK) {
        status = background_check(&generation->plugin, generation->manifest, error);
        if (status != ATLAS_OK) {
            return error_prefix(error, "%s", path);
        }
    }
    return status == ATLAS_OK ? check(generation, path, error) : status;
}

atlas_status_t generation_load(struct runtime *runtime, struct candidate *candidate,
                               unsigned number, struct generation **ret_generation,
                               struct error *error)
{
    struct generation *generation = allocate(runtime, candidate, number);
    if (generation == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "plugin %s: out of memory",
                         candidate->plugin->id);
    }
    atlas_status_t status = map_copy(generation, candidate, error);
    if (status != ATLAS_OK) {
        generation_unload(generation);
        return status;
    }
    *ret_generation = generation;
    return ATLAS_OK;
}

struct step {
    struct generation *generation;
    bool is_reload;
};

/* Fails the lifecycle function that runs in call, with the words of an error. */
static atlas_status_t fail_with(struct call *call, const struct error *error)
{
    return call_fail(call, error->status, "%s", error->text);
}

static atlas_status_t run_attach(struct call *call, void *arg)
{
    const struct step *step = arg;
    struct generation *generation = step->generation;
    struct error error;
    for (unsigned slot = 0; slot < MODULE_COUNT; slot++) {
        const struct module *module = runtime_module(generation->runtime, slot);
        if (has_module(generation, module) && module->attach != NULL &&
            module->attach(module->self, call, generation, step->is_reload, &error) != ATLAS_OK) {
            return fail_with(call, &error);
        }
    }
    return ATLAS_OK;
}

static atlas_status_t run_attach_loop(struct call *call, void *arg)
{
    struct generation *generation = ((const struct step *)arg)->generation;
    struct error error;
    generation->loops[call->worker->index].is_attached = true;
    for (unsigned slot = 0; slot < MODULE_COUNT; slot++) {
        const struct module *module = runtime_module(generation->runtime, slot);
        if (has_module(generation, module) && module->attach_loop != NULL &&
            module->attach_loop(module->self, call, generation, &error) != ATLAS_OK) {
            return fail_with(call, &error);
        }
    }
    return ATLAS_OK;
}

static atlas_status_t run_create(struct call *call, void *arg)
{
    struct generation *generation = ((const struct step *)arg)->generation;
    if (generation->plugin.create != NULL) {
        atlas_status_t status = generation->plugin.create(
            &call->public, plugin_config_public(generation->config), &generation->instance);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    generation->is_created = true;
    const char *misuse = plugin_config_misuse(generation->config);
    if (misuse != NULL) {
        return call_fail(
            call, ATLAS_FAILED_PRECONDITION,
            "create() asked for the key %s, which the manifest does not declare; add a "
            "line \"config ...\" to ATLAS_PLUGIN_MANIFEST",
            misuse);
    }
    return ATLAS_OK;
}

static atlas_status_t run_loop_create(struct call *call, void *arg)
{
    struct generation *generation = ((const struct step *)arg)->generation;
    struct generation_loop *loop = &generation->loops[call->worker->index];
    if (generation->plugin.loop_create != NULL) {
        atlas_status_t status = generation->plugin.loop_create(&call->public, &loop->loop_state);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    loop->is_created = true;
    return ATLAS_OK;
}

static atlas_status_t run_warm(struct call *call, void *arg)
{
    struct generation *generation = ((const struct step *)arg)->generation;
    return generation->plugin.warm != NULL ? generation->plugin.warm(&call->public) : ATLAS_OK;
}

static atlas_status_t on_every_loop(struct generation *generation, const char *operation,
                                    int64_t timeout_ms,
                                    atlas_status_t (*fn)(struct call *call, void *arg), void *arg,
                                    struct error *error)
{
    for (unsigned i = 0; i < generation->loop_count; i++) {
        atlas_status_t status = runtime_call_on(runtime_worker(generation->runtime, i), generation,
                                                operation, timeout_ms, fn, arg, error);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    return ATLAS_OK;
}

static atlas_status_t create_steps(struct generation *generation, struct step *step,
                                   const char **ret_step, struct error *error)
{
    const struct config_reload *limits = limits_of(generation);
    struct worker *home = home_of(generation);
    *ret_step = "attach";
    atlas_status_t status =
        runtime_call_on(home, generation, "attach", limits->create_ms, run_attach, step, error);
    if (status == ATLAS_OK) {
        status =
            on_every_loop(generation, "attach", limits->create_ms, run_attach_loop, step, error);
    }
    if (status == ATLAS_OK) {
        *ret_step = "create";
        status =
            runtime_call_on(home, generation, "create", limits->create_ms, run_create, step, error);
    }
    if (status == ATLAS_OK) {
        *ret_step = "loop_create";
        status = on_every_loop(generation, "loop_create", limits->create_ms, run_loop_create, step,
                               error);
    }
    if (status == ATLAS_OK) {
        *ret_step = "warm";
        status = runtime_call_on(home, generation, "warm", limits->warm_ms, run_warm, step, error);
    }
    return status;
}

atlas_status_t generation_create(struct generation *generation, bool is_reload, struct error *error)
{
    struct step step = {generation, is_reload};
    const char *name;
    atlas_status_t status = create_steps(generation, &step, &name, error);
    if (status != ATLAS_OK) {
        error_prefix(error, "plugin %s %s: %s", generation->id, generation->version, name);
        return status;
    }
    generation->state = GENERATION_CREATED;
    return ATLAS_OK;
}

static atlas_status_t run_activate(struct call *call, void *arg)
{
    struct generation *generation = arg;
    for (unsigned slot = 0; slot < MODULE_COUNT; slot++) {
        const struct module *module = runtime_module(generation->runtime, slot);
        if (has_module(generation, module) && module->activate != NULL) {
            module->activate(module->self, call, generation);
        }
    }
    background_start(call, generation);
    return ATLAS_OK;
}

static atlas_status_t run_deactivate(struct call *call, void *arg)
{
    struct generation *generation = arg;
    if (generation->plugin.drain != NULL) {
        generation->plugin.drain(&call->public);
    }
    background_stop(call, generation);
    for (unsigned slot = 0; slot < MODULE_COUNT; slot++) {
        const struct module *module = runtime_module(generation->runtime, slot);
        if (has_module(generation, module) && module->deactivate != NULL) {
            module->deactivate(module->self, call, generation);
        }
    }
    return ATLAS_OK;
}

static void report_step(const struct generation *generation, const char *step,
                        atlas_status_t status, const struct error *error)
{
    if (status != ATLAS_OK) {
        log_error("a step of a plugin's life failed, continuing",
                  LOG_TEXT("plugin", generation->id), LOG_INT("generation", generation->number),
                  LOG_TEXT("step", step), LOG_TEXT("status", atlas_status_name(status)),
                  LOG_TEXT("why", error->text));
    }
}

void generation_activate(struct generation *generation)
{
    struct error error;
    atlas_status_t status =
        runtime_call_on(home_of(generation), generation, "activate", limits_of(generation)->warm_ms,
                        run_activate, generation, &error);
    report_step(generation, "activate", status, &error);
    generation->is_active = true;
    generation->settings = NULL; /* the configuration it came from may go */
}

void generation_deactivate(struct generation *generation)
{
    struct error error;
    if (!generation->is_active) {
        return;
    }
    atlas_status_t status =
        runtime_call_on(home_of(generation), generation, "drain", limits_of(generation)->drain_ms,
                        run_deactivate, generation, &error);
    generation->is_active = status != ATLAS_OK; /* it did not run: consumers still do */
    report_step(generation, "drain", status, &error);
}

static atlas_status_t run_loop_destroy(struct call *call, void *arg)
{
    struct generation *generation = arg;
    struct generation_loop *loop = &generation->loops[call->worker->index];
    if (loop->is_created && generation->plugin.loop_destroy != NULL) {
        generation->plugin.loop_destroy(&call->public, loop->loop_state);
    }
    loop->is_created = false;
    for (unsigned slot = 0; loop->is_attached && slot < MODULE_COUNT; slot++) {
        const struct module *module = runtime_module(generation->runtime, slot);
        if (has_module(generation, module) && module->detach_loop != NULL) {
            module->detach_loop(module->self, call, generation);
        }
    }
    loop->is_attached = false;
    return ATLAS_OK;
}

static atlas_status_t run_destroy(struct call *call, void *arg)
{
    struct generation *generation = arg;
    if (generation->is_created && generation->plugin.destroy != NULL) {
        generation->plugin.destroy(&call->public, generation->instance);
    }
    generation->is_created = false;
    return ATLAS_OK;
}

static atlas_status_t run_detach(struct call *call, void *arg)
{
    struct generation *generation = arg;
    for (unsigned slot = 0; slot < MODULE_COUNT; slot++) {
        const struct module *module = runtime_module(generation->runtime, slot);
        if (has_module(generation, module) && module->detach != NULL) {
            module->detach(module->self, call, generation);
        }
    }
    return ATLAS_OK;
}

/* In the reverse order of create_steps. */
static void destroy_instance(struct generation *generation)
{
    int64_t timeout_ms = limits_of(generation)->destroy_ms;
    struct worker *home = home_of(generation);
    struct error error;
    atlas_status_t status =
        on_every_loop(generation, "loop_destroy", timeout_ms, run_loop_destroy, generation, &error);
    report_step(generation, "loop_destroy", status, &error);
    status =
        runtime_call_on(home, generation, "destroy", timeout_ms, run_destroy, generation, &error);
    report_step(generation, "destroy", status, &error);
    status =
        runtime_call_on(home, generation, "detach", timeout_ms, run_detach, generation, &error);
    report_step(generation, "detach", status, &error);
}

unsigned generation_method_count(const struct generation *generation)
{
    unsigned count = 0;
    for (size_t i = 0; i < generation->plugin.service_count; i++) {
        count += generation->plugin.services[i]->method_count;
    }
    return count;
}

void generation_unload(struct generation *generation)
{
    if (generation == NULL) {
        return;
    }
    unsigned method_count = generation_method_count(generation); /* while it is mapped */
    if (generation->library != NULL) {
        destroy_instance(generation);
        if (!plugin_library_close(generation->library)) {
            log_warn("a plugin stays mapped after unloading, continuing",
                     LOG_TEXT("plugin", generation->id), LOG_INT("generation", generation->number));
        }
    }
    staged_file_remove(generation->staged_path);
    descriptors_destroy(generation->descriptors);
    plugin_config_destroy(generation->config);
    manifest_destroy(generation->manifest);
    for (unsigned i = 0; i < generation->loop_count; i++) {
        call_metrics_free(generation->loops[i].metrics, method_count);
    }
    free(generation->loops);
    free(generation);
}
