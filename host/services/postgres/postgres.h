/*
 * The module "atlas.postgres/1": pools, migrations and checks, outbox relays and leadership of the
 * plugins that ask for it. One per process. How it stands is in metrics (pg_metrics.h) and in the
 * checks "postgres <plugin>" and "schema <plugin>" of base/readiness.h.
 */
#ifndef SERVICES_POSTGRES_POSTGRES_H
#define SERVICES_POSTGRES_POSTGRES_H

#include "runtime/module.h"

struct config;
struct pg_outbox_interface;
struct postgres;

/*
 * Makes the module from the group "postgres" of a configuration, which is borrowed as long as the
 * module lives; so are outboxes. Nothing is connected yet. RESOURCE_EXHAUSTED. Any thread.
 */
atlas_status_t postgres_create(const struct config *config,
                               const struct pg_outbox_interface *outboxes,
                               struct postgres **ret_postgres, struct error *error);

/* After every generation was detached. NULL is allowed. */
void postgres_destroy(struct postgres *postgres);

/* What the runtime is given; borrowed. */
const struct module *postgres_module(const struct postgres *postgres);

#endif
