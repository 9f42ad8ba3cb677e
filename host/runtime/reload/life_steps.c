#include "runtime/reload/life_steps.h"

#include "runtime/call.h"
#include "runtime/generation.h"
#include "runtime/loader/manifest.h"
#include "runtime/loader/plugin_config.h"
#include "runtime/reload/background.h"
#include "runtime/runtime.h"

static bool has_module(const struct generation *generation, const struct module *module)
{
    return module != NULL && manifest_asks_for(generation->manifest, module->interface_id);
}

/* Fails the lifecycle function that runs in call, with the words of an error. */
static atlas_status_t fail_with(struct call *call, const struct error *error)
{
    return call_fail(call, error->status, "%s", error->text);
}

atlas_status_t life_attach(struct call *call, void *arg)
{
    struct generation *generation = arg;
    struct error error;
    for (unsigned slot = 0; slot < MODULE_COUNT; slot++) {
        const struct module *module = runtime_module(generation->runtime, slot);
        if (has_module(generation, module) && module->attach != NULL &&
            module->attach(module->self, call, generation, generation->is_reload, &error) !=
                ATLAS_OK) {
            return fail_with(call, &error);
        }
    }
    return ATLAS_OK;
}

atlas_status_t life_attach_loop(struct call *call, void *arg)
{
    struct generation *generation = arg;
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

atlas_status_t life_create(struct call *call, void *arg)
{
    struct generation *generation = arg;
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

atlas_status_t life_loop_create(struct call *call, void *arg)
{
    struct generation *generation = arg;
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

atlas_status_t life_warm(struct call *call, void *arg)
{
    struct generation *generation = arg;
    return generation->plugin.warm != NULL ? generation->plugin.warm(&call->public) : ATLAS_OK;
}

atlas_status_t life_activate(struct call *call, void *arg)
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

atlas_status_t life_deactivate(struct call *call, void *arg)
{
    struct generation *generation = arg;
    bool has_ended = true;
    if (generation->plugin.drain != NULL && !generation->is_drained) {
        generation->is_drained = true; /* consumers may have to be stopped again */
        generation->plugin.drain(&call->public);
    }
    has_ended = background_stop(call, generation);
    for (unsigned slot = 0; slot < MODULE_COUNT; slot++) {
        const struct module *module = runtime_module(generation->runtime, slot);
        if (has_module(generation, module) && module->deactivate != NULL) {
            has_ended = module->deactivate(module->self, call, generation) && has_ended;
        }
    }
    return has_ended ? ATLAS_OK
                     : call_fail(call, ATLAS_DEADLINE_EXCEEDED,
                                 "something of it runs still although it was cancelled");
}

atlas_status_t life_loop_destroy(struct call *call, void *arg)
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

atlas_status_t life_destroy(struct call *call, void *arg)
{
    struct generation *generation = arg;
    if (generation->is_created && generation->plugin.destroy != NULL) {
        generation->plugin.destroy(&call->public, generation->instance);
    }
    generation->is_created = false;
    return ATLAS_OK;
}

atlas_status_t life_detach(struct call *call, void *arg)
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
