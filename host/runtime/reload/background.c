#include "runtime/reload/background.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "base/log.h"
#include "runtime/call.h"
#include "runtime/call_run.h"
#include "runtime/generation.h"
#include "runtime/loader/manifest.h"
#include "runtime/loader/plugin_config.h"
#include "runtime/runtime.h"
#include "runtime/wait.h"

/* The pause after a failed round doubles up to this many times the interval. */
#define PAUSE_GROWTH_MAX 16

struct background {
    struct generation *generation;
    const struct atlas_background *declared;
    struct worker *worker;
    struct call *round; /* that runs now */
    struct event timer;
    struct wait *stop_wait;
    bool is_stopping;
    int64_t interval_ms;
    int64_t pause_ms;
    void *lease; /* leadership, if exclusive */
    char operation[128];
};

struct backgrounds {
    size_t count;
    struct background items[];
};

static void start_round(struct background *background);

static void background_on_timer(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    start_round(arg);
}

static void schedule(struct background *background, int64_t pause_ms)
{
    struct timeval pause = {pause_ms / 1000, pause_ms % 1000 * 1000};
    event_add(&background->timer, &pause);
}

static void note_end(struct background *background, const struct call *round)
{
    if (round->status == ATLAS_OK) {
        background->pause_ms = background->interval_ms;
        return;
    }
    if (background->pause_ms < background->interval_ms * PAUSE_GROWTH_MAX) {
        background->pause_ms *= 2;
    }
    log_warn("background round failed, continuing", LOG_TEXT("plugin", background->generation->id),
             LOG_INT("generation", background->generation->number),
             LOG_TEXT("background", background->declared->name),
             LOG_TEXT("status", atlas_status_name(round->status)),
             LOG_TEXT("reason", round->message), LOG_INT("next_ms", background->pause_ms));
}

static void background_on_finished(struct call *round)
{
    struct background *background = round->peer;
    background->round = NULL;
    if (!background->is_stopping) {
        note_end(background, round);
        schedule(background, background->pause_ms);
    } else if (background->stop_wait != NULL) {
        wait_complete(background->stop_wait);
    }
    call_destroy(round);
}

static const struct call_operations background_operations = {.finished = background_on_finished};

/* OK once this process leads, which it then goes on to do until the lease is lost. */
static atlas_status_t lead(struct background *background, struct call *call)
{
    const struct module *module = runtime_module(call->worker->runtime, MODULE_POSTGRES);
    if (module == NULL || module->lead == NULL) {
        return call_fail(call, ATLAS_FAILED_PRECONDITION,
                         "an exclusive background needs PostgreSQL to elect its process");
    }
    if (background->lease != NULL && !module->lead_check(module->self, background->lease)) {
        module->lead_end(module->self, call, background->lease);
        background->lease = NULL;
    }
    if (background->lease != NULL) {
        return ATLAS_OK;
    }
    return module->lead(module->self, call, background->generation, background->declared->name,
                        &background->lease);
}

static atlas_status_t run_round(struct call *call, void *arg)
{
    struct background *background = arg;
    if (background->declared->is_exclusive) {
        /* Waiting to lead takes as long as it takes. */
        int64_t deadline_ns = call->deadline_ns;
        call->deadline_ns = INT64_MAX;
        atlas_status_t status = lead(background, call);
        if (status != ATLAS_OK) {
            return status;
        }
        int64_t waited_ns = clock_monotonic_ns() - call->start_ns;
        call->deadline_ns = deadline_ns + waited_ns;
    }
    return background->declared->run(&call->public);
}

static void start_round(struct background *background)
{
    struct worker *worker = background->worker;
    if (background->is_stopping) {
        return;
    }
    struct call *round =
        call_create_internal(worker, background->generation, background->operation);
    if (round == NULL) {
        schedule(background, background->interval_ms); /* no fiber is left: next time */
        return;
    }
    int64_t timeout_ms = runtime_config(worker->runtime)->calls.background_ms;
    round->operations = &background_operations;
    round->peer = background;
    round->deadline_ns = round->start_ns + timeout_ms * NS_PER_MS;
    background->round = round;
    call_start_function(round, run_round, background);
}

static void init(struct background *background, struct call *call, struct generation *generation,
                 const struct atlas_background *declared)
{
    background->generation = generation;
    background->declared = declared;
    background->worker = call->worker;
    const struct atlas_config *config = plugin_config_public(generation->config);
    background->interval_ms = config->duration_ms(config, declared->interval_key);
    background->interval_ms = background->interval_ms > 0 ? background->interval_ms : 1;
    background->pause_ms = background->interval_ms;
    snprintf(background->operation, sizeof background->operation, "%s background %s",
             generation->id, declared->name);
    event_assign(&background->timer, loop_base(call->worker->loop), -1, 0, background_on_timer,
                 background);
}

static const struct manifest_key *find_key(const struct manifest *manifest, const char *name)
{
    for (size_t i = 0; name != NULL && i < manifest->key_count; i++) {
        if (strcmp(manifest->keys[i].key, name) == 0) {
            return &manifest->keys[i];
        }
    }
    return NULL;
}

atlas_status_t background_check(const struct atlas_plugin *plugin, const struct manifest *manifest,
                                struct error *error)
{
    for (size_t i = 0; i < plugin->background_count; i++) {
        const struct atlas_background *declared = &plugin->backgrounds[i];
        const struct manifest_key *key = find_key(manifest, declared->interval_key);
        if (key == NULL || key->type != MANIFEST_DURATION) {
            return error_set(
                error, ATLAS_FAILED_PRECONDITION,
                "background %s: its interval_key \"%s\" is no key of type duration; add "
                "\"config %s duration default=1s\" to the manifest",
                declared->name, declared->interval_key != NULL ? declared->interval_key : "",
                declared->interval_key != NULL ? declared->interval_key : "interval");
        }
    }
    return ATLAS_OK;
}

void background_start(struct call *call, struct generation *generation)
{
    size_t count = generation->plugin.background_count;
    struct backgrounds *all = calloc(1, sizeof *all + count * sizeof all->items[0]);
    if (all == NULL) {
        log_error("background work is not started: out of memory",
                  LOG_TEXT("plugin", generation->id));
        return;
    }
    generation->backgrounds = all;
    for (; all->count < count; all->count++) {
        struct background *background = &all->items[all->count];
        init(background, call, generation, &generation->plugin.backgrounds[all->count]);
        schedule(background, 0);
    }
}

/* The round was cancelled: it has the call's time to end, and in any case that of a cleanup
 * section, in which it may just be. */
static void wait_for_round(struct background *background, struct call *call)
{
    struct wait wait;
    wait_init(&wait, call);
    background->stop_wait = &wait;
    if (wait_for(&wait) != ATLAS_OK) {
        wait_uninterrupted_at_most(&wait, call->worker->limits.cleanup_limit_ms * NS_PER_MS);
    }
    background->stop_wait = NULL;
}

static bool stop(struct background *background, struct call *call)
{
    event_del(&background->timer);
    if (background->round != NULL) {
        wait_for_round(background, call);
    }
    if (background->round != NULL) {
        log_error("background work does not end although it was cancelled; let it return the "
                  "status that a wait gives",
                  LOG_TEXT("plugin", background->generation->id),
                  LOG_INT("generation", background->generation->number),
                  LOG_TEXT("background", background->declared->name));
        return false;
    }
    if (background->lease != NULL) {
        const struct module *module = runtime_module(call->worker->runtime, MODULE_POSTGRES);
        module->lead_end(module->self, call, background->lease);
        background->lease = NULL;
    }
    return true;
}

bool background_stop(struct call *call, struct generation *generation)
{
    struct backgrounds *all = generation->backgrounds;
    bool has_ended = true;
    for (size_t i = 0; all != NULL && i < all->count; i++) {
        all->items[i].is_stopping = true;
        if (all->items[i].round != NULL) {
            call_cancel(all->items[i].round, ATLAS_CANCELLED);
        }
    }
    for (size_t i = 0; all != NULL && i < all->count; i++) {
        has_ended = stop(&all->items[i], call) && has_ended;
    }
    if (has_ended) {
        generation->backgrounds = NULL;
        free(all);
    }
    return has_ended;
}
