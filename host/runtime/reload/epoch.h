/* The routes to one set of generations: a table for each loop, all swapped in by one commit.
 * Control thread. */
#ifndef RUNTIME_RELOAD_EPOCH_H
#define RUNTIME_RELOAD_EPOCH_H

#include "base/config/config.h"
#include "runtime/router.h"

struct runtime;

struct epoch {
    struct route_table *tables[CONFIG_LOOPS_MAX]; /* by the loop's index */
    unsigned count;
};

/* Makes the tables, which nobody sees yet. ALREADY_EXISTS if two generations serve the same
 * service. */
atlas_status_t epoch_make(struct runtime *runtime, struct route_table_owner *owner, uint64_t number,
                          struct generation *const *generations, size_t count,
                          struct epoch *ret_epoch, struct error *error);

/* Frees tables that were not committed. */
void epoch_discard(struct epoch *epoch);

/* Swaps each loop's table: new calls see the new one. Cannot fail. The older tables come back by
 * their owner's retire when no call holds them any more. */
void epoch_commit(struct runtime *runtime, const struct epoch *epoch);

#endif
