/* What is said to the server when a connection starts. */
#ifndef SERVICES_POSTGRES_PG_CONNECT_H
#define SERVICES_POSTGRES_PG_CONNECT_H

#include "services/postgres/pg_connection.h"

/* Starts to connect, without blocking: the address is numeric. NULL without memory; else poll it
 * with PQconnectPoll unless its status is CONNECTION_BAD. The caller finishes it. */
PGconn *pg_connect_start(const struct pg_settings *settings, enum pg_role role);

/* Turns a host name into a numeric address in ret_settings->host; blocks, so not on a loop. */
atlas_status_t pg_connect_resolve(const char *host, struct pg_settings *ret_settings,
                                  struct error *error);

#endif
