/* Leadership of one process among several: a session advisory lock on a connection of its own. */
#ifndef SERVICES_POSTGRES_PG_LEAD_H
#define SERVICES_POSTGRES_PG_LEAD_H

#include "services/postgres/pg_session.h"

struct pg_lead;

/* Waits until this process leads for schema and name: until the database is there, and until the
 * leader before has gone. Ends early only with the call. [waits] */
atlas_status_t pg_lead_acquire(struct call *call, const struct pg_settings *settings,
                               const char *name, struct pg_lead **ret_lead);

/* True as long as the connection that holds the lock lives. */
bool pg_lead_is_held(const struct pg_lead *lead);

/* Gives it up. NULL is allowed. */
void pg_lead_release(struct pg_lead *lead);

#endif
