/*
 * What the module keeps of one generation: its statements, and whether the database is as the
 * plugin needs it. Made on the home loop, read by all loops, ends after all of them.
 */
#ifndef SERVICES_POSTGRES_PG_PLUGIN_H
#define SERVICES_POSTGRES_PG_PLUGIN_H

#include <pthread.h>
#include <stdatomic.h>

#include "services/postgres/pg_pool.h"
#include "services/postgres/pg_statement.h"

struct metrics_cell;
struct outbox;
struct pg_outbox_interface;

enum pg_gate {
    PG_GATE_PENDING = 0, /* the database was away; migrations and check are still to come */
    PG_GATE_OPEN = 1,
    PG_GATE_REFUSED = 2, /* the database does not fit the plugin; reason says why */
};

struct pg_plugin {
    char id[64];
    char version[32];
    struct pg_settings settings;
    const struct atlas_pg_schema *schema; /* NULL: it only asks for leadership */
    struct pg_statement *statements;
    size_t statement_count;
    _Atomic int gate; /* enum pg_gate */
    pthread_mutex_t reason_mutex;
    char reason[512];                           /* why the gate is REFUSED; under the mutex */
    const struct pg_outbox_interface *outboxes; /* of the module */
    struct outbox *outbox;                      /* NULL: it has none */
    void *owner;                                /* of the module */
};

/* What the module keeps of a generation on one loop. */
struct pg_loop {
    struct pg_pool *pool;             /* counted */
    struct metrics_cell *durations[]; /* one per statement */
};

/* Compiles the statements of a schema (NULL: none). */
atlas_status_t pg_plugin_create(const char *id, const char *version,
                                const struct pg_settings *settings,
                                const struct atlas_pg_schema *schema, struct pg_plugin **ret_plugin,
                                struct error *error);
void pg_plugin_free(struct pg_plugin *plugin);

/* Takes over the pool's reference. NULL without memory. On the pool's loop. */
struct pg_loop *pg_loop_create(const struct pg_plugin *plugin, struct pg_pool *pool);
void pg_loop_free(const struct pg_plugin *plugin, struct pg_loop *loop);

/* True if it declares an outbox. Any thread. */
bool pg_plugin_has_outbox(const struct pg_plugin *plugin);

/* Opens the gate, or closes it with a reason. */
void pg_plugin_open(struct pg_plugin *plugin);
void pg_plugin_refuse(struct pg_plugin *plugin, const char *reason);

/* Whether it is open. Any thread. */
enum pg_gate pg_plugin_gate(const struct pg_plugin *plugin);

/* OK if the gate is open; otherwise the call's message says why not. Any loop. */
atlas_status_t pg_plugin_admit(struct pg_plugin *plugin, struct call *call);

#endif
