#include "services/postgres/pg_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/postgres/pg_metrics.h"

static atlas_status_t compile(struct pg_plugin *plugin, struct error *error)
{
    size_t count = plugin->schema != NULL ? plugin->schema->statement_count : 0;
    plugin->statements = calloc(count + 1, sizeof *plugin->statements);
    if (plugin->statements == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        const struct atlas_pg_statement *declared = &plugin->schema->statements[i];
        atlas_status_t status = pg_statement_init(&plugin->statements[i], declared, error);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    plugin->statement_count = count;
    return ATLAS_OK;
}

atlas_status_t pg_plugin_create(const char *id, const char *version,
                                const struct pg_settings *settings,
                                const struct atlas_pg_schema *schema, struct pg_plugin **ret_plugin,
                                struct error *error)
{
    struct pg_plugin *plugin = calloc(1, sizeof *plugin);
    if (plugin == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    snprintf(plugin->id, sizeof plugin->id, "%s", id);
    snprintf(plugin->version, sizeof plugin->version, "%s", version);
    plugin->settings = *settings;
    plugin->schema = schema;
    pthread_mutex_init(&plugin->reason_mutex, NULL);
    atlas_status_t status = compile(plugin, error);
    if (status != ATLAS_OK) {
        pg_plugin_free(plugin);
        return status;
    }
    *ret_plugin = plugin;
    return ATLAS_OK;
}

void pg_plugin_free(struct pg_plugin *plugin)
{
    if (plugin != NULL) {
        pthread_mutex_destroy(&plugin->reason_mutex);
        free(plugin->statements);
        free(plugin);
    }
}

struct pg_loop *pg_loop_create(const struct pg_plugin *plugin, struct pg_pool *pool)
{
    struct pg_loop *loop =
        calloc(1, sizeof *loop + plugin->statement_count * sizeof(struct metrics_cell *));
    if (loop == NULL) {
        pg_pool_release(pool);
        return NULL;
    }
    loop->pool = pool;
    for (size_t i = 0; i < plugin->statement_count; i++) {
        loop->durations[i] = pg_metrics_statement(plugin->id, plugin->statements[i].name);
    }
    return loop;
}

void pg_loop_free(const struct pg_plugin *plugin, struct pg_loop *loop)
{
    for (size_t i = 0; i < plugin->statement_count; i++) {
        metrics_cell_release(loop->durations[i]);
    }
    pg_pool_release(loop->pool);
    free(loop);
}

bool pg_plugin_has_outbox(const struct pg_plugin *plugin)
{
    return plugin->schema != NULL && (plugin->schema->flags & ATLAS_PG_HAS_OUTBOX) != 0;
}

void pg_plugin_open(struct pg_plugin *plugin)
{
    atomic_store_explicit(&plugin->gate, PG_GATE_OPEN, memory_order_release);
}

void pg_plugin_refuse(struct pg_plugin *plugin, const char *reason)
{
    pthread_mutex_lock(&plugin->reason_mutex);
    snprintf(plugin->reason, sizeof plugin->reason, "%s", reason);
    pthread_mutex_unlock(&plugin->reason_mutex);
    atomic_store_explicit(&plugin->gate, PG_GATE_REFUSED, memory_order_release);
}

enum pg_gate pg_plugin_gate(const struct pg_plugin *plugin)
{
    return (enum pg_gate)atomic_load_explicit(&plugin->gate, memory_order_acquire);
}

/* Not the fault of the call, and looked at again: a record of Kafka that meets this comes again. */
static atlas_status_t fail_refused(struct pg_plugin *plugin, struct call *call)
{
    pthread_mutex_lock(&plugin->reason_mutex);
    atlas_status_t status =
        call_fail(call, ATLAS_UNAVAILABLE, "the database does not fit plugin %s: %.300s",
                  plugin->id, plugin->reason);
    pthread_mutex_unlock(&plugin->reason_mutex);
    return status;
}

atlas_status_t pg_plugin_admit(struct pg_plugin *plugin, struct call *call)
{
    switch (pg_plugin_gate(plugin)) {
    case PG_GATE_OPEN:
        return ATLAS_OK;
    case PG_GATE_REFUSED:
        return fail_refused(plugin, call);
    default:
        return call_fail(call, ATLAS_UNAVAILABLE,
                         "PostgreSQL at %s:%u has not been reached since plugin %s was loaded; it "
                         "is tried again by itself",
                         plugin->settings.host, plugin->settings.port, plugin->id);
    }
}
