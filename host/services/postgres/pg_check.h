/* The statements of a plugin compared with the database, before the plugin is routed to. */
#ifndef SERVICES_POSTGRES_PG_CHECK_H
#define SERVICES_POSTGRES_PG_CHECK_H

#include "services/postgres/pg_session.h"

struct pg_plugin;

/* Prepares every statement and compares parameters and columns. FAILED_PRECONDITION with the first
 * that does not fit (all are logged); UNAVAILABLE if the connection was lost. [waits] */
atlas_status_t pg_check_statements(struct pg_session *session, const struct pg_plugin *plugin,
                                   struct error *error);

#endif
