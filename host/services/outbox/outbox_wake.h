/* What lets the relay of a generation sleep until somebody has written to its outbox. */
#ifndef SERVICES_OUTBOX_WAKE_H
#define SERVICES_OUTBOX_WAKE_H

#include "base/loop.h"
#include "runtime/wait.h"

/* Owned by the outbox. */
struct outbox_wake {
    struct loop_task task;
    struct loop *home;
    _Atomic bool is_posted;
    bool is_rung;          /* on the home loop: since the relay last looked */
    struct wait *sleeping; /* of the relay; on the home loop */
};

/* home is the relay's loop. */
void outbox_wake_init(struct outbox_wake *wake, struct loop *home);

/* Rows were written. Any loop. */
void outbox_wake_ring(struct outbox_wake *wake);

/* Waits until it is rung, or was since the last time, or timeout_ms have passed. On the home loop.
 * [waits] */
void outbox_wake_sleep(struct outbox_wake *wake, struct call *call, int64_t timeout_ms);

#endif
