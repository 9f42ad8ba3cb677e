/*
 * Waits, and what ends them early: the call's deadline and its cancellation. On the call's loop.
 * One wait is of one fiber for one thing. Adapters of libraries use it:
 *
 *     struct wait wait;
 *     wait_init(&wait, call);
 *     start_something(..., &wait);            its callback calls wait_complete(&wait)
 *     status = wait_for(&wait);               OK, or DEADLINE_EXCEEDED or CANCELLED
 *     if (status != ATLAS_OK) detach the callback from the wait, which is on this stack
 */
#ifndef RUNTIME_WAIT_H
#define RUNTIME_WAIT_H

#include "runtime/call.h"

struct fiber;

struct wait {
    struct call *call;
    struct fiber *fiber; /* suspended here; NULL while it runs */
    bool is_complete;
    bool is_interruptible;
    atlas_status_t interruption;
};

/* Prepares a wait of the current fiber, on behalf of call. */
void wait_init(struct wait *wait, struct call *call);

/* Suspends until wait_complete, the call's deadline, or its cancellation. OK if complete, even when
 * the call has ended meanwhile; else sets the call's message and returns its status. [waits] */
atlas_status_t wait_for(struct wait *wait);

/* Suspends until wait_complete, whatever happens to the call. For what must not be abandoned;
 * whoever completes it has a bound of its own. [waits] */
void wait_uninterrupted(struct wait *wait);

/* The same, for timeout_ns at the longest. False if the time ended first: detach the callback, as
 * after wait_for. [waits] */
bool wait_uninterrupted_at_most(struct wait *wait, int64_t timeout_ns);

/* As wait_for, but gives up with ATLAS_DEADLINE_EXCEEDED after timeout_ns at the latest. [waits] */
atlas_status_t wait_for_at_most(struct wait *wait, int64_t timeout_ns);

/* The thing happened. Once; on the wait's loop; before or while the fiber waits. */
void wait_complete(struct wait *wait);

/* The caller has gone, or its deadline has passed: ends the current wait, and later ones at once.
 * Passed on to children. Does not destroy. */
void call_cancel(struct call *call, atlas_status_t status);

/* Nanoseconds left of the deadline (or of the cleanup section), at least 0; INT64_MAX: no deadline.
 */
int64_t call_remaining_ns(const struct call *call);

/* OK, or why waits end at once. */
atlas_status_t call_check(const struct call *call);

/* After something was refused because the call has ended: a call for which that happens very often
 * is named in the log once, and pauses for a moment each time, so that others run. [waits] */
void call_slow_down(struct call *call);

/* Makes sure that the deadline ends the waits that follow; takes that back. */
void call_arm_deadline(struct call *call);
void call_disarm_deadline(struct call *call);

#endif
