/* From a file to an instance that serves, and back: what the control thread does with one
 * generation. */
#include "runtime/reload/generation_life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "base/descriptors.h"
#include "base/log.h"
#include "runtime/call_metrics.h"
#include "runtime/generation.h"
#include "runtime/interfaces.h"
#include "runtime/loader/manifest.h"
#include "runtime/loader/plugin_config.h"
#include "runtime/loader/plugin_library.h"
#include "runtime/loader/staged_file.h"
#include "runtime/reload/background.h"
#include "runtime/reload/candidate.h"
#include "runtime/reload/control.h"
#include "runtime/reload/life_steps.h"
#include "runtime/reload/step.h"
#include "runtime/runtime.h"

static struct generation *allocate(struct runtime *runtime, const struct config_reload *limits,
                                   struct candidate *candidate, unsigned number)
{
    struct generation *generation = calloc(1, sizeof *generation);
    if (generation == NULL) {
        return NULL;
    }
    generation->runtime = runtime;
    generation->limits = limits;
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
                              : error_set(error, status, "%s: refuses its configuration: %s", path,
                                          text[0] != '\0' ? text : "it gives no reason");
}

static atlas_status_t map_copy(struct generation *generation, struct candidate *candidate,
                               struct error *error)
{
    const char *path = candidate->label; /* "plugin <id>: <path>" */
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

atlas_status_t generation_load(struct runtime *runtime, const struct config_reload *limits,
                               struct candidate *candidate, unsigned number,
                               struct generation **ret_generation, struct error *error)
{
    struct generation *generation = allocate(runtime, limits, candidate, number);
    if (generation == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "plugin %s: out of memory",
                         candidate->plugin->id);
    }
    atlas_status_t status = map_copy(generation, candidate, error);
    if (status != ATLAS_OK) {
        generation_unload(NULL, generation);
        return status;
    }
    *ret_generation = generation;
    return ATLAS_OK;
}

static struct step make_step(struct generation *generation, const char *operation, unsigned loop,
                             step_fn *run, int64_t timeout_ms)
{
    return (struct step){
        .worker = runtime_worker(generation->runtime, loop),
        .generation = generation,
        .operation = operation,
        .deadline_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS,
        .run = run,
        .arg = generation,
    };
}

/* One part of the way up; the process may be asked to end meanwhile. */
static atlas_status_t climb(struct control *control, struct generation *generation,
                            const char *operation, unsigned loop, step_fn *run, int64_t timeout_ms,
                            struct error *error)
{
    struct step step = make_step(generation, operation, loop, run, timeout_ms);
    step.is_interruptible = true;
    if (step_run(control, &step) == ATLAS_OK) {
        return ATLAS_OK;
    }
    return error_set(error, step.status, "plugin %s %s: %s: %s", generation->id,
                     generation->version, operation,
                     control_is_interrupted(control) ? "the process was asked to end meanwhile"
                                                     : step.error.text);
}

static atlas_status_t climb_on_every_loop(struct control *control, struct generation *generation,
                                          const char *operation, step_fn *run, struct error *error)
{
    for (unsigned i = 0; i < generation->loop_count; i++) {
        atlas_status_t status =
            climb(control, generation, operation, i, run, generation->limits->create_ms, error);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    return ATLAS_OK;
}

atlas_status_t generation_create(struct control *control, struct generation *generation,
                                 bool is_reload, struct error *error)
{
    const struct config_reload *limits = generation->limits;
    unsigned home = generation->home;
    generation->is_reload = is_reload;
    atlas_status_t status =
        climb(control, generation, "attach", home, life_attach, limits->create_ms, error);
    if (status == ATLAS_OK) {
        status = climb_on_every_loop(control, generation, "attach", life_attach_loop, error);
    }
    if (status == ATLAS_OK) {
        status = climb(control, generation, "create", home, life_create, limits->create_ms, error);
    }
    if (status == ATLAS_OK) {
        status = climb_on_every_loop(control, generation, "loop_create", life_loop_create, error);
    }
    if (status == ATLAS_OK) {
        status = climb(control, generation, "warm", home, life_warm, limits->warm_ms, error);
    }
    if (status == ATLAS_OK) {
        generation->state = GENERATION_CREATED;
    }
    return status;
}

/* What follows cannot be refused: a failure is told and the way goes on. */
static bool await_and_tell(struct control *control, struct step *step)
{
    if (step_await(control, step) == ATLAS_OK) {
        return true;
    }
    log_error(
        "a step of a plugin's life failed, continuing", LOG_TEXT("plugin", step->generation->id),
        LOG_INT("generation", step->generation->number), LOG_TEXT("step", step->operation),
        LOG_TEXT("status", atlas_status_name(step->status)), LOG_TEXT("reason", step->error.text));
    return false;
}

void generation_activate(struct control *control, struct generation *generation)
{
    struct step step = make_step(generation, "activate", generation->home, life_activate,
                                 generation->limits->warm_ms);
    step_start(control, &step);
    await_and_tell(control, &step);
    generation->is_active = true;
    generation->settings = NULL; /* the configuration it came from may go */
}

void generation_deactivate(struct control *control, struct generation *const *generations,
                           size_t count, int64_t until_ns)
{
    struct step *steps = calloc(count + 1, sizeof *steps);
    if (steps == NULL) {
        log_error("consumers and background work cannot be stopped: out of memory");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct generation *generation = generations[i];
        if (generation->is_active) {
            steps[i] = make_step(generation, "drain", generation->home, life_deactivate, 0);
            steps[i].deadline_ns = until_ns;
            steps[i].is_interruptible = true;
            step_start(control, &steps[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (generations[i]->is_active) {
            /* One that could not run leaves consumers behind, which still need the instance. */
            generations[i]->is_active = !await_and_tell(control, &steps[i]);
        }
    }
    free(steps);
}

static void descend(struct control *control, struct generation *generation, const char *operation,
                    unsigned loop, step_fn *run)
{
    struct step step = make_step(generation, operation, loop, run, generation->limits->destroy_ms);
    step_start(control, &step);
    await_and_tell(control, &step);
}

/* In the reverse order of generation_create. */
static void destroy_instance(struct control *control, struct generation *generation)
{
    for (unsigned i = 0; i < generation->loop_count; i++) {
        descend(control, generation, "loop_destroy", i, life_loop_destroy);
    }
    descend(control, generation, "destroy", generation->home, life_destroy);
    descend(control, generation, "detach", generation->home, life_detach);
}

void generation_unload(struct control *control, struct generation *generation)
{
    if (generation == NULL) {
        return;
    }
    unsigned method_count = generation_method_count(generation); /* while it is mapped */
    if (generation->library != NULL) {
        if (control != NULL) {
            destroy_instance(control, generation);
        }
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
