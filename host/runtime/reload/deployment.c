#include "runtime/reload/deployment.h"

#include <stdlib.h>
#include <string.h>

#include "base/config/config.h"
#include "base/log.h"
#include "runtime/call.h"
#include "runtime/generation.h"
#include "runtime/reload/candidate.h"
#include "runtime/reload/control.h"
#include "runtime/router.h"
#include "runtime/runtime.h"
#include "runtime/wait.h"

/* Plugins of one process at most. */
#define PLUGINS_MAX 64

struct generation_list {
    struct generation *items[PLUGINS_MAX * 4];
    size_t count;
};

struct deployment {
    struct route_table_owner owner;
    struct runtime *runtime;
    struct control *control;
    uint64_t epoch;
    struct generation_list active;
    struct generation_list draining; /* in older tables only */
    unsigned next_number;
    deployment_check_fn *check;
    void *check_self;
};

static void list_add(struct generation_list *list, struct generation *generation)
{
    list->items[list->count++] = generation;
}

static bool list_has(const struct generation_list *list, const struct generation *generation)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] == generation) {
            return true;
        }
    }
    return false;
}

static void list_remove(struct generation_list *list, const struct generation *generation)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] == generation) {
            list->items[i] = list->items[--list->count];
            return;
        }
    }
}

static struct generation *list_find(const struct generation_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i]->id, id) == 0) {
            return list->items[i];
        }
    }
    return NULL;
}

static void on_retired(struct route_table_owner *owner, struct route_table *table);

atlas_status_t deployment_create(struct runtime *runtime, struct control *control,
                                 struct deployment **ret_deployment, struct error *error)
{
    struct deployment *deployment = calloc(1, sizeof *deployment);
    if (deployment == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "deployment: out of memory");
    }
    deployment->owner.retire = on_retired;
    deployment->runtime = runtime;
    deployment->control = control;
    *ret_deployment = deployment;
    return ATLAS_OK;
}

void deployment_destroy(struct deployment *deployment)
{
    free(deployment);
}

size_t deployment_active(const struct deployment *deployment,
                         struct generation *const **ret_generations)
{
    *ret_generations = deployment->active.items;
    return deployment->active.count;
}

void deployment_set_check(struct deployment *deployment, deployment_check_fn *check, void *self)
{
    deployment->check = check;
    deployment->check_self = self;
}

/* PLAN: the candidates that differ from what runs. Everything wrong goes to the report. */
struct plan {
    struct candidate candidates[PLUGINS_MAX];
    size_t candidate_count;
    struct generation_list kept;
    struct generation_list fresh;
};

static void plan_plugin(const struct deployment *deployment, struct plan *plan,
                        const struct config_plugin *plugin, struct report *report)
{
    struct candidate *candidate = &plan->candidates[plan->candidate_count];
    struct generation *running = list_find(&deployment->active, plugin->id);
    if (!candidate_read(plugin, report, candidate)) {
        candidate_finish(candidate);
        return;
    }
    if (running != NULL &&
        memcmp(running->content, candidate->content, sizeof running->content) == 0) {
        list_add(&plan->kept, running);
        candidate_finish(candidate);
        return;
    }
    plan->candidate_count++;
}

static void plan_process(const struct deployment *deployment, struct plan *plan,
                         const struct config *config, struct report *report)
{
    const char *name = runtime_process(deployment->runtime);
    const struct config_process *process = config_process(config, name);
    if (process == NULL) {
        report_add(report, "processes: there is no process \"%s\" in the configuration any more",
                   name);
        return;
    }
    if (process->plugins.count > PLUGINS_MAX) {
        report_add(report, "processes: process \"%s\" has %zu plugins, at most %d can be loaded",
                   name, process->plugins.count, PLUGINS_MAX);
        return;
    }
    for (size_t i = 0; i < process->plugins.count; i++) {
        const struct config_plugin *plugin = config_plugin(config, process->plugins.items[i]);
        if (plugin == NULL) {
            report_add(report,
                       "processes: process \"%s\" names the plugin \"%s\", which is not "
                       "among plugins; add it there or remove it here",
                       name, process->plugins.items[i]);
            continue;
        }
        plan_plugin(deployment, plan, plugin, report);
    }
}

static void check_generations(const struct deployment *deployment,
                              const struct candidate *candidate, struct report *report)
{
    int64_t limit = runtime_config(deployment->runtime)->reload.generations;
    int64_t count = 1;
    for (size_t i = 0; i < deployment->draining.count; i++) {
        count += strcmp(deployment->draining.items[i]->id, candidate->plugin->id) == 0;
    }
    count += list_find(&deployment->active, candidate->plugin->id) != NULL;
    if (count > limit) {
        report_add(report,
                   "plugin %s: %lld generations of it are loaded already, which is the limit "
                   "(reload.generations); wait until older calls have ended",
                   candidate->plugin->id, (long long)count - 1);
    }
}

/* STAGE to WARM for all candidates; the first failure ends it. */
static bool make_fresh(struct deployment *deployment, struct plan *plan, struct report *report)
{
    for (size_t i = 0; i < plan->candidate_count; i++) {
        struct candidate *candidate = &plan->candidates[i];
        struct generation *generation;
        struct error error;
        bool is_reload = list_find(&deployment->active, candidate->plugin->id) != NULL;
        check_generations(deployment, candidate, report);
        if (report->count > 0) {
            return false;
        }
        if (generation_load(deployment->runtime, candidate, ++deployment->next_number, &generation,
                            &error) != ATLAS_OK) {
            report_add(report, "%s", error.text);
            return false;
        }
        list_add(&plan->fresh, generation);
        if (generation_create(generation, is_reload, &error) != ATLAS_OK) {
            report_add(report, "%s", error.text);
            return false;
        }
    }
    return true;
}

/* Tables of one set of generations, one for each loop. */
struct tables {
    struct route_table *items[256];
    unsigned count;
};

static void free_tables(struct tables *tables)
{
    for (unsigned i = 0; i < tables->count; i++) {
        route_table_free(tables->items[i]);
    }
    tables->count = 0;
}

static bool make_tables(struct deployment *deployment, const struct generation_list *list,
                        struct tables *ret_tables, struct report *report)
{
    struct error error;
    ret_tables->count = 0;
    for (unsigned i = 0; i < runtime_worker_count(deployment->runtime); i++) {
        if (route_table_create(&deployment->owner, deployment->epoch + 1, list->items, list->count,
                               &ret_tables->items[i], &error) != ATLAS_OK) {
            report_add(report, "%s", error.text);
            free_tables(ret_tables);
            return false;
        }
        ret_tables->count++;
    }
    return true;
}

static void swap_table(struct worker *worker, void *arg)
{
    struct route_table *older = worker->routes;
    worker->routes = arg;
    if (older != NULL) {
        route_table_release(older);
    }
}

/* COMMIT: cannot fail. Older tables come back by on_retired. */
static void commit_tables(struct deployment *deployment, struct tables *tables)
{
    deployment->epoch++;
    for (unsigned i = 0; i < tables->count; i++) {
        struct route_table *table = tables->items[i];
        for (size_t g = 0; g < table->generation_count; g++) {
            table->generations[g]->table_references++;
        }
        runtime_run_on(runtime_worker(deployment->runtime, i), swap_table, table);
    }
}

static void log_generation(const char *message, const struct generation *generation)
{
    log_info(message, LOG_TEXT("plugin", generation->id), LOG_TEXT("version", generation->version),
             LOG_INT("generation", generation->number));
}

static void unload_if_unused(struct deployment *deployment, struct generation *generation)
{
    if (generation->state == GENERATION_ENDED && generation->table_references == 0) {
        list_remove(&deployment->draining, generation);
        log_generation("plugin unloaded", generation);
        generation_unload(generation);
    }
}

static void release_table(struct loop_task *task)
{
    struct route_table *table = CONTAINER_OF(task, struct route_table, retired);
    struct deployment *deployment = CONTAINER_OF(table->owner, struct deployment, owner);
    for (size_t i = 0; i < table->generation_count; i++) {
        struct generation *generation = table->generations[i];
        generation->table_references--;
        unload_if_unused(deployment, generation);
    }
    route_table_free(table);
}

/* On the table's loop: no call of its epoch is left there. */
static void on_retired(struct route_table_owner *owner, struct route_table *table)
{
    table->retired.run = release_table;
    control_post(CONTAINER_OF(owner, struct deployment, owner)->control, &table->retired);
}

static bool is_unused(void *arg)
{
    return ((const struct generation *)arg)->table_references == 0;
}

/* Cancels the call if it runs code of the generation (NULL: of any), else what it calls there. */
static void cancel_tree(struct call *call, const struct generation *generation)
{
    if (generation == NULL || call->generation == generation) {
        call_cancel(call, ATLAS_UNAVAILABLE);
        return;
    }
    for (struct call *child = call->children; child != NULL; child = child->next_sibling) {
        cancel_tree(child, generation);
    }
}

static void cancel_calls(struct worker *worker, void *arg)
{
    for (struct call *call = worker->calls; call != NULL; call = call->next_call) {
        cancel_tree(call, arg);
    }
}

static void cancel_on_every_loop(struct deployment *deployment, struct generation *generation)
{
    for (unsigned i = 0; i < runtime_worker_count(deployment->runtime); i++) {
        runtime_run_on(runtime_worker(deployment->runtime, i), cancel_calls, generation);
    }
}

/* Background work and consumers have stopped: waits for calls in flight, bounded, then ends it.
 * What is held longer (a call that does not heed its cancellation) is unloaded when it lets go. */
static void drain(struct deployment *deployment, struct generation *generation)
{
    struct control *control = deployment->control;
    int64_t drain_ms = runtime_config(deployment->runtime)->reload.drain_ms;
    if (generation->is_active) {
        log_error("an old generation could not be stopped and stays loaded",
                  LOG_TEXT("plugin", generation->id), LOG_INT("generation", generation->number));
        return;
    }
    if (!control_wait(control, drain_ms, is_unused, generation)) {
        log_warn("calls of an old generation did not end in time, cancelling them",
                 LOG_TEXT("plugin", generation->id), LOG_INT("generation", generation->number),
                 LOG_INT("drain_ms", drain_ms));
        cancel_on_every_loop(deployment, generation);
        control_wait(control, drain_ms, is_unused, generation);
    }
    generation->state = GENERATION_ENDED;
    unload_if_unused(deployment, generation);
}

static void start_drain(struct deployment *deployment, struct generation *generation)
{
    generation->state = GENERATION_DRAINING;
    list_add(&deployment->draining, generation);
    generation_deactivate(generation);
}

/* The new set serves; the old generations' background work ends before the new ones' begins. */
static void switch_over(struct deployment *deployment, const struct plan *plan,
                        const struct generation_list *next)
{
    struct generation_list older = {.count = 0};
    for (size_t i = 0; i < deployment->active.count; i++) {
        if (!list_has(next, deployment->active.items[i])) {
            list_add(&older, deployment->active.items[i]);
        }
    }
    deployment->active = *next;
    for (size_t i = 0; i < older.count; i++) {
        start_drain(deployment, older.items[i]);
    }
    for (size_t i = 0; i < plan->fresh.count; i++) {
        plan->fresh.items[i]->state = GENERATION_ACTIVE;
        generation_activate(plan->fresh.items[i]);
        log_generation("plugin serves", plan->fresh.items[i]);
    }
    for (size_t i = 0; i < older.count; i++) {
        drain(deployment, older.items[i]);
    }
}

static bool apply_plan(struct deployment *deployment, struct plan *plan, struct report *report)
{
    struct tables tables;
    if (!make_fresh(deployment, plan, report)) {
        return false;
    }
    struct generation_list next = plan->kept;
    for (size_t i = 0; i < plan->fresh.count; i++) {
        list_add(&next, plan->fresh.items[i]);
    }
    if (deployment->check != NULL) {
        deployment->check(deployment->check_self, next.items, next.count, report);
    }
    if (report->count > 0 || !make_tables(deployment, &next, &tables, report)) {
        return false;
    }
    bool is_same = plan->fresh.count == 0 && next.count == deployment->active.count;
    if (is_same && deployment->epoch > 0) {
        free_tables(&tables);
        log_info("nothing to reload: no file and no configuration of a plugin has changed");
        return true;
    }
    commit_tables(deployment, &tables);
    switch_over(deployment, plan, &next);
    return true;
}

bool deployment_apply(struct deployment *deployment, const struct config *config,
                      struct report *report)
{
    struct plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL) {
        report_add(report, "deployment: out of memory");
        return false;
    }
    plan_process(deployment, plan, config, report);
    bool is_applied = report->count == 0 && apply_plan(deployment, plan, report);
    if (!is_applied) {
        for (size_t i = 0; i < plan->fresh.count; i++) {
            generation_unload(plan->fresh.items[i]);
        }
    }
    for (size_t i = 0; i < plan->candidate_count; i++) {
        candidate_finish(&plan->candidates[i]);
    }
    free(plan);
    return is_applied;
}

void deployment_end(struct deployment *deployment)
{
    if (deployment->epoch == 0) {
        return; /* nothing was ever routed to; the loops may not even have been started */
    }
    struct generation_list none = {.count = 0};
    struct plan plan = {.candidate_count = 0};
    struct report report;
    struct tables tables;
    report_init(&report);
    if (make_tables(deployment, &none, &tables, &report)) {
        commit_tables(deployment, &tables);
        /* The listeners have drained: whoever is still here had the time of shutdown.drain_timeout.
         */
        cancel_on_every_loop(deployment, NULL);
        switch_over(deployment, &plan, &none);
    }
    report_finish(&report);
}
