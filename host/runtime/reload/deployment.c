#include "runtime/reload/deployment.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "base/log.h"
#include "runtime/reload/control.h"
#include "runtime/reload/drain.h"
#include "runtime/reload/epoch.h"
#include "runtime/reload/generation_life.h"
#include "runtime/reload/plan.h"
#include "runtime/runtime.h"

struct deployment {
    struct route_table_owner owner;
    struct runtime *runtime;
    struct control *control;
    struct config_reload
        limits;      /* of the configuration that was applied last, or is being applied */
    uint64_t epoch;  /* number of the newest; 0: none yet */
    unsigned tables; /* that were routed to and are not freed yet, on all loops */
    struct generation_list active;
    struct generation_list draining; /* in older tables only */
    unsigned next_number;
    struct deployment_follower followers[FOLLOWERS_MAX];
    unsigned follower_count;
};

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

void deployment_add_follower(struct deployment *deployment,
                             const struct deployment_follower *follower)
{
    assert(deployment->follower_count < FOLLOWERS_MAX);
    deployment->followers[deployment->follower_count++] = *follower;
}

static void check_generations(const struct deployment *deployment,
                              const struct candidate *candidate, struct report *report)
{
    int64_t limit = deployment->limits.generations;
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

/* STAGE to WARM of one candidate. */
static bool make_one(struct deployment *deployment, struct plan *plan, struct candidate *candidate,
                     struct report *report)
{
    struct generation *generation;
    struct error error;
    bool is_reload = list_find(&deployment->active, candidate->plugin->id) != NULL;
    check_generations(deployment, candidate, report);
    if (report->count > 0) {
        return false;
    }
    if (generation_load(deployment->runtime, &deployment->limits, candidate,
                        ++deployment->next_number, &generation, &error) != ATLAS_OK) {
        report_add(report, "%s", error.text);
        return false;
    }
    list_add(&plan->fresh, generation);
    if (generation_create(deployment->control, generation, is_reload, &error) != ATLAS_OK) {
        report_add(report, "%s", error.text);
        return false;
    }
    return true;
}

/* For all candidates; the first failure ends it. */
static bool make_fresh(struct deployment *deployment, struct plan *plan, struct report *report)
{
    for (size_t i = 0; i < plan->candidate_count; i++) {
        if (!make_one(deployment, plan, &plan->candidates[i], report)) {
            return false;
        }
    }
    return true;
}

static bool make_epoch(struct deployment *deployment, const struct generation_list *list,
                       struct epoch *ret_epoch, struct report *report)
{
    struct error error;
    if (epoch_make(deployment->runtime, &deployment->owner, deployment->epoch + 1, list->items,
                   list->count, ret_epoch, &error) != ATLAS_OK) {
        report_add(report, "%s", error.text);
        return false;
    }
    return true;
}

/* COMMIT: cannot fail. Older tables come back by on_retired. */
static void commit(struct deployment *deployment, const struct epoch *epoch)
{
    deployment->epoch++;
    deployment->tables += epoch->count;
    epoch_commit(deployment->runtime, epoch);
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
        generation_unload(deployment->control, generation);
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
    deployment->tables--;
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

/* Waits for the calls in flight of an old generation; false if the process shall end meanwhile. */
static bool wait_for_calls(struct deployment *deployment, struct generation *generation,
                           int64_t drain_ms)
{
    int64_t until_ns = clock_monotonic_ns() + drain_ms * NS_PER_MS;
    return control_wait(deployment->control, until_ns, is_unused, generation) ||
           !control_is_interrupted(deployment->control);
}

/* Background work and consumers have stopped: waits for calls in flight, bounded, then ends it.
 * What is held longer (a call that does not heed its cancellation) is unloaded when it lets go. */
static void drain(struct deployment *deployment, struct generation *generation)
{
    int64_t drain_ms = deployment->limits.drain_ms;
    if (generation->is_active) {
        log_error("an old generation could not be stopped and stays loaded",
                  LOG_TEXT("plugin", generation->id), LOG_INT("generation", generation->number));
        return;
    }
    if (!wait_for_calls(deployment, generation, drain_ms)) {
        return; /* deployment_end takes it over */
    }
    if (!is_unused(generation)) {
        log_warn("calls of an old generation did not end in time, cancelling them",
                 LOG_TEXT("plugin", generation->id), LOG_INT("generation", generation->number),
                 LOG_INT("drain_ms", drain_ms));
        drain_cancel_calls(deployment->runtime, generation);
        if (!wait_for_calls(deployment, generation, drain_ms)) {
            return;
        }
    }
    generation->state = GENERATION_ENDED;
    unload_if_unused(deployment, generation);
}

static int64_t drain_end_ns(const struct deployment *deployment)
{
    return clock_monotonic_ns() + deployment->limits.drain_ms * NS_PER_MS;
}

/* Takes what is not in the next set out of the active one. */
static void retire(struct deployment *deployment, const struct generation_list *next,
                   struct generation_list *ret_older)
{
    ret_older->count = 0;
    for (size_t i = 0; i < deployment->active.count; i++) {
        struct generation *generation = deployment->active.items[i];
        if (!list_has(next, generation)) {
            generation->state = GENERATION_DRAINING;
            list_add(&deployment->draining, generation);
            list_add(ret_older, generation);
        }
    }
    deployment->active = *next;
}

/* The new set serves; the old generations' background work ends before the new ones' begins. */
static void switch_over(struct deployment *deployment, const struct plan *plan,
                        const struct generation_list *older)
{
    generation_deactivate(deployment->control, older->items, older->count,
                          drain_end_ns(deployment));
    for (size_t i = 0; i < plan->fresh.count; i++) {
        plan->fresh.items[i]->state = GENERATION_ACTIVE;
        generation_activate(deployment->control, plan->fresh.items[i]);
        log_generation("plugin serves", plan->fresh.items[i]);
    }
    for (size_t i = 0; i < older->count; i++) {
        drain(deployment, older->items[i]);
    }
}

/* The first count of them, which have prepared. */
static void abandon_followers(const struct deployment *deployment, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        deployment->followers[i].abandon(deployment->followers[i].self);
    }
}

/* Asks the followers and makes the tables: the last that may refuse. */
static bool prepare(struct deployment *deployment, const struct config *config,
                    const struct generation_list *next, bool *ret_is_asked_for,
                    struct epoch *ret_epoch, struct report *report)
{
    *ret_is_asked_for = false;
    for (unsigned i = 0; i < deployment->follower_count; i++) {
        const struct deployment_follower *follower = &deployment->followers[i];
        if (follower->prepare(follower->self, config, next->items, next->count, report)) {
            *ret_is_asked_for = true;
        }
        if (report->count > 0) {
            abandon_followers(deployment, i); /* who refused has cleaned up */
            return false;
        }
    }
    if (!make_epoch(deployment, next, ret_epoch, report)) {
        abandon_followers(deployment, deployment->follower_count);
        return false;
    }
    return true;
}

/* COMMIT with all that changes along with it. */
static void commit_all(struct deployment *deployment, const struct epoch *epoch,
                       const struct generation_list *next, struct generation_list *ret_older)
{
    for (unsigned i = 0; i < deployment->follower_count; i++) {
        if (deployment->followers[i].precede != NULL) {
            deployment->followers[i].precede(deployment->followers[i].self);
        }
    }
    commit(deployment, epoch);
    retire(deployment, next, ret_older);
    for (unsigned i = 0; i < deployment->follower_count; i++) {
        deployment->followers[i].commit(deployment->followers[i].self);
    }
}

static bool apply_plan(struct deployment *deployment, const struct config *config,
                       struct plan *plan, struct report *report)
{
    struct generation_list older;
    struct epoch epoch;
    bool is_asked_for;
    if (!make_fresh(deployment, plan, report)) {
        return false;
    }
    struct generation_list next = plan->kept;
    for (size_t i = 0; i < plan->fresh.count; i++) {
        list_add(&next, plan->fresh.items[i]);
    }
    if (!prepare(deployment, config, &next, &is_asked_for, &epoch, report)) {
        return false;
    }
    bool is_same = plan->fresh.count == 0 && next.count == deployment->active.count;
    if (is_same && !is_asked_for && deployment->epoch > 0) {
        epoch_discard(&epoch);
        abandon_followers(deployment, deployment->follower_count);
        log_info("nothing to reload: no file and no configuration of a plugin has changed");
        return true;
    }
    commit_all(deployment, &epoch, &next, &older);
    switch_over(deployment, plan, &older);
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
    const struct config_reload former = deployment->limits;
    deployment->limits = config->reload; /* those of its steps too */
    plan_make(plan, config, runtime_process(deployment->runtime), &deployment->active, report);
    bool is_applied = report->count == 0 && apply_plan(deployment, config, plan, report);
    for (size_t i = 0; !is_applied && i < plan->fresh.count; i++) {
        generation_unload(deployment->control, plan->fresh.items[i]);
    }
    if (!is_applied) {
        deployment->limits = former;
    }
    plan_finish(plan);
    free(plan);
    return is_applied;
}

void deployment_quiesce(struct deployment *deployment, int64_t until_ns)
{
    generation_deactivate(deployment->control, deployment->active.items, deployment->active.count,
                          until_ns);
    generation_deactivate(deployment->control, deployment->draining.items,
                          deployment->draining.count, until_ns);
}

/* Nor is a table of an older epoch left: those of an emptied process hold no generation. */
static bool all_unloaded(void *arg)
{
    const struct deployment *deployment = arg;
    return deployment->draining.count == 0 &&
           deployment->tables == runtime_worker_count(deployment->runtime);
}

/* Nothing is routed to any more: generations end as their calls do. */
static void end_all(struct deployment *deployment)
{
    struct generation_list all = deployment->draining;
    for (size_t i = 0; i < all.count; i++) {
        if (!all.items[i]->is_active) {
            all.items[i]->state = GENERATION_ENDED;
            unload_if_unused(deployment, all.items[i]);
        }
    }
}

bool deployment_end(struct deployment *deployment, int64_t until_ns)
{
    struct generation_list none = {.count = 0};
    struct generation_list older;
    struct report report;
    struct epoch epoch;
    if (deployment->epoch == 0) {
        return true; /* nothing was ever routed to; the loops may not even have been started */
    }
    report_init(&report);
    bool is_made = make_epoch(deployment, &none, &epoch, &report);
    report_finish(&report);
    if (!is_made) {
        return false;
    }
    commit(deployment, &epoch);
    retire(deployment, &none, &older);
    drain_cancel_calls(deployment->runtime, NULL);
    end_all(deployment);
    if (!control_wait(deployment->control, until_ns, all_unloaded, deployment)) {
        drain_log_calls(deployment->runtime);
        return false;
    }
    return true;
}
