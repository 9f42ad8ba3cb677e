/* Fibers that wait for a connection of a pool, in the order in which they came. On the pool's loop.
 */
#ifndef SERVICES_POSTGRES_PG_POOL_WAIT_H
#define SERVICES_POSTGRES_PG_POOL_WAIT_H

#include "services/postgres/pg_pool_state.h"

/* Who waits looks again: the first one, for room that one can take; or everybody. */
void pg_pool_wake_first(struct pg_role_pool *role);
void pg_pool_wake_all(struct pg_role_pool *role);

/* The connection that find has, or has after a wait; UNAVAILABLE when the server is away for longer
 * than a reconnection takes, RESOURCE_EXHAUSTED when none becomes free in time, or the call's own
 * end. [waits] */
atlas_status_t pg_pool_find_or_wait(struct pg_role_pool *role, struct call *call,
                                    struct pg_connection *(*find)(struct pg_role_pool *role),
                                    struct pg_connection **ret_connection);

#endif
