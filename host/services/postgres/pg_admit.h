/* Whether a database fits a plugin, and what makes it fit. */
#ifndef SERVICES_POSTGRES_PG_ADMIT_H
#define SERVICES_POSTGRES_PG_ADMIT_H

#include "base/error.h"

struct call;
struct pg_plugin;

/* Migrates the plugin's schema and checks its statements against the database: what must be done
 * before anything is served. Never touches the gate. [waits] */
atlas_status_t pg_admit(struct pg_plugin *plugin, struct call *call, struct error *error);

#endif
