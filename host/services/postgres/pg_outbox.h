/*
 * What this module asks of the outbox, which stands on top of it: main hands it in, so that
 * PostgreSQL does not know what becomes of the rows.
 */
#ifndef SERVICES_POSTGRES_PG_OUTBOX_H
#define SERVICES_POSTGRES_PG_OUTBOX_H

#include "atlas/postgres.h"

struct call;
struct loop;
struct outbox;
struct pg_plugin;

struct pg_outbox_interface {
    /* The host's own, of a schema with an outbox. */
    const struct atlas_pg_migration *migrations;
    size_t migration_count;

    /* Makes what one generation has of it; plugin outlives it, home is its home loop. NULL without
     * memory. */
    struct outbox *(*create)(const struct pg_outbox_interface *interface, struct pg_plugin *plugin,
                             struct loop *home);
    /* The generation is routed to and its schema is as it should be; a failure is logged. stop
     * without start is allowed. On the home loop. [waits] */
    void (*start)(struct outbox *outbox, struct call *call);
    void (*stop)(struct outbox *outbox, struct call *call);
    /* Rows were written and committed. Any loop. */
    void (*ring)(struct outbox *outbox);
    /* After stop. NULL is allowed. */
    void (*destroy)(struct outbox *outbox);
};

#endif
