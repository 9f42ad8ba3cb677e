/* What the parts of a pool share: pg_pool.c (its connections) and pg_pool_wait.c (who waits for
 * one). Nobody else includes it. On the pool's loop. */
#ifndef SERVICES_POSTGRES_PG_POOL_STATE_H
#define SERVICES_POSTGRES_PG_POOL_STATE_H

#include "services/postgres/pg_connection.h"
#include "services/postgres/pg_metrics.h"

#define PG_POOL_ROLES 3 /* read, write, lease */

struct pg_waiter;
struct readiness_check;

enum pg_lease_state {
    PG_LEASE_FREE = 0,
    PG_LEASE_HELD = 1,
    PG_LEASE_ROLLING_BACK = 2, /* free once the rollback has been answered */
};

/* A connection of a pool. */
struct pg_slot {
    struct pg_connection *connection;
    enum pg_lease_state lease;
};

/* The connections for one purpose, and who waits for one. */
struct pg_role_pool {
    struct pg_pool *pool;
    enum pg_role role;
    struct pg_slot *slots;
    unsigned count;
    unsigned limit;
    struct pg_waiter *first;
    struct pg_waiter **last;
    unsigned waiting;
    int64_t down_since_ns; /* no connection is ready; 0: one is */
};

struct pg_pool {
    struct loop *loop;
    struct pg_settings settings;
    unsigned references;
    bool is_down; /* no connection at all is ready, and that was logged */
    struct pg_role_pool roles[PG_POOL_ROLES];
    struct pg_pool_metrics metrics;
    struct readiness_check *readiness; /* of the first loop, which speaks for the others */
};

#endif
