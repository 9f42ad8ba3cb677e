/* The module's life cycle: attach, pools per loop, what runs in the background. */
#include "services/postgres/postgres.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config/config.h"
#include "base/log.h"
#include "base/readiness.h"
#include "runtime/generation.h"
#include "runtime/runtime.h"
#include "runtime/wait.h"
#include "services/postgres/pg_admit.h"
#include "services/postgres/pg_connect.h"
#include "services/postgres/pg_fiber.h"
#include "services/postgres/pg_lead.h"
#include "services/postgres/pg_outbox.h"
#include "services/postgres/pg_plugin.h"
#include "services/postgres/pg_query.h"

/* Pause before a database that did not fit is looked at again. */
#define REFUSED_PAUSE_MS 5000

/* One generation, in the list where later ones of its plugin find its pools. */
struct attached {
    struct postgres *postgres;
    struct pg_plugin *plugin;
    struct pg_fiber watch;             /* waits for a database that was away; home loop */
    struct readiness_check *readiness; /* while the schema is not known to fit; else NULL */
    struct attached *next;
    unsigned loop_count;
    struct pg_pool *pools[]; /* one per loop; NULL: none there */
};

struct postgres {
    struct module module;
    const struct config *config;
    struct pg_settings settings; /* what plugins have in common */
    const struct pg_outbox_interface *outboxes;
    pthread_mutex_t mutex; /* of the list and its pools; not on the way of calls */
    struct attached *list;
};

/* --- The list ----------------------------------------------------------------------------------
 */

static struct attached *attached_of(const struct generation *generation)
{
    struct pg_plugin *plugin = generation->attached[MODULE_POSTGRES];
    return plugin != NULL ? plugin->owner : NULL;
}

static void list_add(struct postgres *postgres, struct attached *attached)
{
    pthread_mutex_lock(&postgres->mutex);
    attached->next = postgres->list;
    postgres->list = attached;
    pthread_mutex_unlock(&postgres->mutex);
}

static void list_remove(struct postgres *postgres, struct attached *attached)
{
    pthread_mutex_lock(&postgres->mutex);
    for (struct attached **link = &postgres->list; *link != NULL; link = &(*link)->next) {
        if (*link == attached) {
            *link = attached->next;
            break;
        }
    }
    pthread_mutex_unlock(&postgres->mutex);
}

static void set_pool(struct attached *attached, unsigned loop, struct pg_pool *pool)
{
    pthread_mutex_lock(&attached->postgres->mutex);
    attached->pools[loop] = pool;
    pthread_mutex_unlock(&attached->postgres->mutex);
}

/* --- Attach ------------------------------------------------------------------------------------
 */

/* Frees the plugin if there is no memory. */
static atlas_status_t create_outbox(struct postgres *postgres, struct call *call,
                                    struct pg_plugin *plugin, struct error *error)
{
    plugin->outboxes = postgres->outboxes;
    if (!pg_plugin_has_outbox(plugin)) {
        return ATLAS_OK;
    }
    plugin->outbox = plugin->outboxes->create(plugin->outboxes, plugin, call->worker->loop);
    if (plugin->outbox == NULL) {
        pg_plugin_free(plugin);
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    return ATLAS_OK;
}

static atlas_status_t create_attached(struct postgres *postgres, struct call *call,
                                      struct generation *generation, struct attached **ret_attached,
                                      struct error *error)
{
    struct pg_settings settings;
    size_t size = sizeof(struct attached) + generation->loop_count * sizeof(struct pg_pool *);
    struct attached *attached = calloc(1, size);
    if (attached == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    settings = postgres->settings;
    pg_settings_set_plugin(&settings, &postgres->config->postgres, generation->settings,
                           generation->id);
    atlas_status_t status = pg_plugin_create(generation->id, generation->version, &settings,
                                             generation->plugin.postgres, &attached->plugin, error);
    if (status == ATLAS_OK) {
        status = create_outbox(postgres, call, attached->plugin, error);
    }
    if (status != ATLAS_OK) {
        free(attached);
        return status;
    }
    attached->postgres = postgres;
    attached->loop_count = generation->loop_count;
    attached->plugin->owner = attached;
    *ret_attached = attached;
    return ATLAS_OK;
}

static void add_readiness(struct attached *attached, const struct error *error)
{
    char name[80];
    snprintf(name, sizeof name, "schema %s", attached->plugin->id);
    attached->readiness = readiness_add(name);
    readiness_set_failed(attached->readiness, "%s", error->text);
}

/* Migrations and check now, or later if the server is away and nobody is served by it yet. */
static atlas_status_t prepare_or_defer(struct attached *attached, struct call *call, bool is_reload,
                                       struct error *error)
{
    struct pg_plugin *plugin = attached->plugin;
    if (plugin->schema == NULL) {
        pg_plugin_open(plugin);
        return ATLAS_OK;
    }
    atlas_status_t status = pg_admit(plugin, call, error);
    if (status == ATLAS_OK) {
        pg_plugin_open(plugin);
    } else if (status == ATLAS_UNAVAILABLE && !is_reload) {
        log_warn("postgres is away; the plugin answers UNAVAILABLE until it comes, continuing",
                 LOG_TEXT("plugin", plugin->id), LOG_TEXT("reason", error->text));
        add_readiness(attached, error);
        status = ATLAS_OK;
    }
    return status;
}

static void detach(void *self, struct call *call, struct generation *generation);

static atlas_status_t attach(void *self, struct call *call, struct generation *generation,
                             bool is_reload, struct error *error)
{
    struct attached *attached;
    atlas_status_t status = create_attached(self, call, generation, &attached, error);
    if (status != ATLAS_OK) {
        return status;
    }
    generation->attached[MODULE_POSTGRES] = attached->plugin;
    list_add(self, attached);
    status = prepare_or_defer(attached, call, is_reload, error);
    if (status != ATLAS_OK) {
        detach(self, call, generation);
    }
    return status;
}

static void detach(void *self, struct call *call, struct generation *generation)
{
    (void)call;
    struct attached *attached = attached_of(generation);
    if (attached == NULL) {
        return;
    }
    generation->attached[MODULE_POSTGRES] = NULL;
    list_remove(self, attached);
    readiness_remove(attached->readiness);
    attached->plugin->outboxes->destroy(attached->plugin->outbox);
    pg_plugin_free(attached->plugin);
    free(attached);
}

/* The pool of another generation of this plugin on this loop; NULL if there is none. */
static struct pg_pool *find_pool(struct postgres *postgres, const struct attached *self,
                                 unsigned loop)
{
    struct pg_pool *pool = NULL;
    pthread_mutex_lock(&postgres->mutex);
    for (struct attached *other = postgres->list; other != NULL && pool == NULL;
         other = other->next) {
        if (other != self && strcmp(other->plugin->id, self->plugin->id) == 0) {
            pool = other->pools[loop];
        }
    }
    pthread_mutex_unlock(&postgres->mutex);
    return pool;
}

static atlas_status_t attach_loop(void *self, struct call *call, struct generation *generation,
                                  struct error *error)
{
    struct attached *attached = attached_of(generation);
    unsigned loop = call->worker->index;
    if (attached == NULL || attached->plugin->schema == NULL) {
        return ATLAS_OK;
    }
    struct pg_pool *pool = find_pool(self, attached, loop);
    pool = pool != NULL ? pg_pool_acquire(pool)
                        : pg_pool_create(call->worker->loop, &attached->plugin->settings);
    struct pg_loop *made = pool != NULL ? pg_loop_create(attached->plugin, pool) : NULL;
    if (made == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    generation->loops[loop].attached[MODULE_POSTGRES] = made;
    set_pool(attached, loop, pool);
    return ATLAS_OK;
}

static void detach_loop(void *self, struct call *call, struct generation *generation)
{
    (void)self;
    unsigned loop = call->worker->index;
    struct attached *attached = attached_of(generation);
    struct pg_loop *made = generation->loops[loop].attached[MODULE_POSTGRES];
    if (attached != NULL && made != NULL) {
        generation->loops[loop].attached[MODULE_POSTGRES] = NULL;
        set_pool(attached, loop, NULL);
        pg_loop_free(attached->plugin, made);
    }
}

/* --- In the background -------------------------------------------------------------------------
 */

static void start_outbox(const struct attached *attached, struct call *call)
{
    struct pg_plugin *plugin = attached->plugin;
    if (plugin->outbox != NULL) {
        plugin->outboxes->start(plugin->outbox, call);
    }
}

/* Tries until the database is there and fits; meanwhile the gate says what is wrong. */
static void run_watch(struct call *call, void *arg)
{
    struct attached *attached = arg;
    struct pg_plugin *plugin = attached->plugin;
    struct error error;
    bool is_running = true;
    atlas_status_t status = pg_admit(plugin, call, &error);
    while (status != ATLAS_OK && is_running && call_check(call) == ATLAS_OK) {
        int64_t pause_ms = plugin->settings.reconnect_max_ms;
        if (!atlas_status_is_transient(status)) {
            log_error("the database does not fit; mend it, it is looked at again",
                      LOG_TEXT("plugin", plugin->id), LOG_TEXT("reason", error.text));
            pg_plugin_refuse(plugin, error.text);
            readiness_set_failed(attached->readiness, "%s", error.text);
            pause_ms = REFUSED_PAUSE_MS;
        }
        is_running = pg_fiber_sleep(call, pause_ms);
        arena_finish(&call->arena);
        if (is_running) {
            status = pg_admit(plugin, call, &error);
        }
    }
    if (status == ATLAS_OK) {
        log_info("postgres is there", LOG_TEXT("plugin", plugin->id));
        pg_plugin_open(plugin);
        readiness_remove(attached->readiness);
        attached->readiness = NULL;
        start_outbox(attached, call);
    }
}

static void activate(void *self, struct call *call, struct generation *generation)
{
    (void)self;
    struct attached *attached = attached_of(generation);
    if (attached == NULL || attached->plugin->schema == NULL) {
        return;
    }
    if (pg_plugin_gate(attached->plugin) == PG_GATE_OPEN) {
        start_outbox(attached, call);
        return;
    }
    if (pg_fiber_start(&attached->watch, call, "postgres watch", run_watch, attached) != ATLAS_OK) {
        log_error("nobody waits for the database; reload the plugin",
                  LOG_TEXT("plugin", attached->plugin->id), LOG_TEXT("reason", call->message));
    }
}

static bool deactivate(void *self, struct call *call, struct generation *generation)
{
    (void)self;
    struct attached *attached = attached_of(generation);
    if (attached == NULL) {
        return true;
    }
    pg_fiber_stop(&attached->watch, call);
    struct pg_plugin *plugin = attached->plugin;
    if (plugin->outbox != NULL) {
        plugin->outboxes->stop(plugin->outbox, call);
    }
    return true;
}

/* --- Leadership --------------------------------------------------------------------------------
 */

static atlas_status_t lead(void *self, struct call *call, struct generation *generation,
                           const char *name, void **ret_lease)
{
    (void)self;
    const struct pg_plugin *plugin = generation->attached[MODULE_POSTGRES];
    struct pg_lead *lease = NULL;
    if (plugin == NULL) {
        return call_fail(call, ATLAS_FAILED_PRECONDITION,
                         "plugin %s does not ask for %s, which elects the process that runs %s",
                         generation->id, ATLAS_POSTGRES, name);
    }
    atlas_status_t status = pg_lead_acquire(call, &plugin->settings, name, &lease);
    if (status == ATLAS_OK) {
        *ret_lease = lease;
    }
    return status;
}

static bool lead_check(void *self, void *lease)
{
    (void)self;
    return pg_lead_is_held(lease);
}

static void lead_end(void *self, struct call *call, void *lease)
{
    (void)self;
    (void)call;
    pg_lead_release(lease);
}

/* --- The module --------------------------------------------------------------------------------
 */

atlas_status_t postgres_create(const struct config *config,
                               const struct pg_outbox_interface *outboxes,
                               struct postgres **ret_postgres, struct error *error)
{
    struct postgres *postgres = calloc(1, sizeof *postgres);
    if (postgres == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    postgres->config = config;
    postgres->outboxes = outboxes;
    pg_settings_copy_limits(&postgres->settings, &config->postgres);
    pthread_mutex_init(&postgres->mutex, NULL);
    postgres->module = (struct module){
        .slot = MODULE_POSTGRES,
        .interface_id = ATLAS_POSTGRES,
        .table = &pg_query_interface,
        .self = postgres,
        .attach = attach,
        .attach_loop = attach_loop,
        .activate = activate,
        .deactivate = deactivate,
        .detach_loop = detach_loop,
        .detach = detach,
        .lead = lead,
        .lead_check = lead_check,
        .lead_end = lead_end,
    };
    *ret_postgres = postgres;
    return ATLAS_OK;
}

void postgres_destroy(struct postgres *postgres)
{
    if (postgres != NULL) {
        pthread_mutex_destroy(&postgres->mutex);
        free(postgres);
    }
}

const struct module *postgres_module(const struct postgres *postgres)
{
    return &postgres->module;
}
