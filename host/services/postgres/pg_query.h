/* The functions of "atlas.postgres/1": queries and transactions of calls. */
#ifndef SERVICES_POSTGRES_PG_QUERY_H
#define SERVICES_POSTGRES_PG_QUERY_H

#include "atlas/postgres.h"

/* Expects generation->attached[MODULE_POSTGRES] to be a struct pg_plugin, and the slot of each loop
 * a struct pg_pool. */
extern const struct atlas_postgres_interface pg_query_interface;

#endif
