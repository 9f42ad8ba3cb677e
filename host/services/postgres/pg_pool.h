/*
 * The connections of one plugin on one loop, in three roles: reads share a few, writes spread over
 * several, transactions lease one each. Connections are opened when they are wanted, up to the
 * configured number. All functions are for the pool's loop.
 */
#ifndef SERVICES_POSTGRES_PG_POOL_H
#define SERVICES_POSTGRES_PG_POOL_H

#include "services/postgres/pg_connection.h"

struct pg_pool;

/* Makes a pool with one reference and starts to connect. NULL without memory. */
struct pg_pool *pg_pool_create(struct loop *loop, const struct pg_settings *settings);

/* Generations of one plugin share its pool. */
struct pg_pool *pg_pool_acquire(struct pg_pool *pool);

/* The last release closes the connections; true if it was the last. NULL is allowed. */
bool pg_pool_release(struct pg_pool *pool);

/* What it connects with; borrowed from the pool. */
const struct pg_settings *pg_pool_settings(const struct pg_pool *pool);

/*
 * A connection of role read or write with room for one more request; valid until the fiber waits.
 * Waits for room until the call's deadline; without any connection only as long as a reconnection
 * may take. UNAVAILABLE with the reason, RESOURCE_EXHAUSTED when too many wait already. [waits]
 */
atlas_status_t pg_pool_pick(struct pg_pool *pool, struct call *call, enum pg_role role,
                            struct pg_connection **ret_connection);

/* A connection for one transaction alone. RESOURCE_EXHAUSTED if none became free in time. [waits]
 */
atlas_status_t pg_pool_lease(struct pg_pool *pool, struct call *call,
                             struct pg_connection **ret_connection);

/* Gives a leased connection back; it must have no transaction open and nothing in flight. */
void pg_pool_return(struct pg_pool *pool, struct pg_connection *connection);

/* The same once a rollback has been answered; the connection stays apart until then. */
void pg_pool_return_after_rollback(struct pg_pool *pool, struct pg_connection *connection);

#endif
