/* Work of a generation that goes on in the background of a loop, until it ends or is stopped. */
#ifndef SERVICES_POSTGRES_PG_FIBER_H
#define SERVICES_POSTGRES_PG_FIBER_H

#include "runtime/wait.h"

/* Embedded; zero-initialised. On its loop only. */
struct pg_fiber {
    struct call *call; /* NULL: it does not run */
    struct wait *stopping;
    bool has_begun;
    bool is_stopped;
    char operation[96];
    void (*run)(struct call *call, void *arg);
    void *arg;
};

/* Runs run(call, arg) with a call that has no deadline. name: for logs. RESOURCE_EXHAUSTED if no
 * fiber is left. */
atlas_status_t pg_fiber_start(struct pg_fiber *fiber, struct call *starter, const char *name,
                              void (*run)(struct call *call, void *arg), void *arg);

/* Ends its waits with CANCELLED and waits until it has returned. [waits] */
void pg_fiber_stop(struct pg_fiber *fiber, struct call *stopper);

/* Waits for a time; false when the fiber is being stopped. */
bool pg_fiber_sleep(struct call *call, int64_t ms);

#endif
