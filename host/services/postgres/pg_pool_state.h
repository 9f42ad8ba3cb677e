/* What a pool looks like from outside. */
#ifndef SERVICES_POSTGRES_PG_POOL_STATE_H
#define SERVICES_POSTGRES_PG_POOL_STATE_H

struct pg_pool_state {
    unsigned ready;     /* connections */
    unsigned in_flight; /* requests */
    unsigned waiting;   /* fibers that wait for a connection */
    unsigned leased;    /* connections in a transaction */
};

#endif
