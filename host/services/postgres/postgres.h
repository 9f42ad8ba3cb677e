/*
 * The module "atlas.postgres/1": pools, migrations and checks, outbox relays and leadership of the
 * plugins that ask for it. One per process.
 */
#ifndef SERVICES_POSTGRES_POSTGRES_H
#define SERVICES_POSTGRES_POSTGRES_H

#include "runtime/module.h"
#include "services/outbox.h"
#include "services/postgres/pg_pool_state.h"

struct config;
struct postgres;

/*
 * Makes the module from the group "postgres" of a configuration, which is borrowed as long as the
 * module lives. Resolves the host name, so it may block: before loops start, or on the control
 * thread. publish sends outbox rows to Kafka; NULL: rows are kept and wait. UNAVAILABLE if the host
 * has no address.
 */
atlas_status_t postgres_create(const struct config *config, outbox_publish_fn *publish,
                               struct postgres **ret_postgres, struct error *error);

/* After every generation was detached. NULL is allowed. */
void postgres_destroy(struct postgres *postgres);

/* What the runtime is given; borrowed. */
const struct module *postgres_module(const struct postgres *postgres);

/* Sets how outbox rows are published, if it was not known at create. Before loops start. */
void postgres_set_publish(struct postgres *postgres, outbox_publish_fn *publish);

/* For "atlas check": attach looks, but migrates nothing. Before loops start. */
void postgres_set_dry(struct postgres *postgres);

/* True if every plugin that is loaded can reach its database and fits it; else text names the first
 * that cannot, and why. Any thread. */
bool postgres_is_ready(struct postgres *postgres, char *text, size_t size);

/* How one plugin stands; for metrics. */
struct postgres_view {
    const char *plugin;
    unsigned generation;
    bool is_open;              /* migrated and checked */
    struct pg_pool_state pool; /* of all loops together */
    bool has_outbox;           /* outbox counts */
    struct outbox_state outbox;
};

/* Calls visit for every generation that is attached. Any thread; visit must not call back. */
void postgres_visit(struct postgres *postgres,
                    void (*visit)(const struct postgres_view *view, void *arg), void *arg);

#endif
