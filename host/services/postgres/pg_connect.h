/* What is said to the server when a connection starts. */
#ifndef SERVICES_POSTGRES_PG_CONNECT_H
#define SERVICES_POSTGRES_PG_CONNECT_H

#include <libpq-fe.h>

#include "services/postgres/pg_settings.h"

/* True if the host is the folder of a Unix socket. */
bool pg_connect_is_folder(const char *host);

/* Starts to connect, without blocking: address is numeric, or the folder of a Unix socket. NULL
 * without memory; else poll it with PQconnectPoll unless its status is CONNECTION_BAD. The caller
 * finishes it. */
PGconn *pg_connect_start(const struct pg_settings *settings, enum pg_role role,
                         const char *address);

#endif
