#include "runtime/wait.h"

#include <assert.h>
#include <event2/event.h>

#include "base/clock.h"
#include "runtime/fiber.h"

static const char *interruption_text(atlas_status_t status)
{
    if (status == ATLAS_UNAVAILABLE) {
        return "the plugin is being replaced or the process is leaving";
    }
    return status == ATLAS_DEADLINE_EXCEEDED ? "the deadline passed while waiting"
                                             : "the caller gave up while waiting";
}

void wait_init(struct wait *wait, struct call *call)
{
    *wait = (struct wait){.call = call};
}

void wait_complete(struct wait *wait)
{
    if (wait->is_complete) {
        return;
    }
    wait->is_complete = true;
    if (wait->fiber != NULL) {
        struct fiber *fiber = wait->fiber;
        wait->fiber = NULL;
        fiber_resume(fiber);
    }
}

/* Ends the wait before its thing happened. */
static void interrupt(struct wait *wait, atlas_status_t status)
{
    if (wait->is_interruptible && wait->fiber != NULL) {
        struct fiber *fiber = wait->fiber;
        wait->fiber = NULL;
        wait->interruption = status;
        fiber_resume(fiber);
    }
}

void wait_interrupt_call(struct call *call, atlas_status_t status)
{
    if (call->waiting != NULL) {
        interrupt(call->waiting, status);
    }
}

static void suspend(struct wait *wait)
{
    struct call *call = wait->call;
    struct wait *outer = call->waiting;
    wait->fiber = fiber_current();
    assert(wait->fiber != NULL);
    call->waiting = wait;
    fiber_suspend();
    call->waiting = outer;
}

atlas_status_t wait_for(struct wait *wait)
{
    if (wait->is_complete) {
        return ATLAS_OK;
    }
    atlas_status_t status = call_check(wait->call);
    if (status == ATLAS_OK) {
        call_arm_deadline(wait->call);
        wait->is_interruptible = true;
        suspend(wait);
        status = wait->is_complete ? ATLAS_OK : wait->interruption;
    }
    if (status != ATLAS_OK) {
        call_fail(wait->call, status, "%s", interruption_text(status));
    }
    return status;
}

void wait_uninterrupted(struct wait *wait)
{
    if (!wait->is_complete) {
        wait->is_interruptible = false;
        suspend(wait);
    }
}

static void wait_on_timeout(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    interrupt(arg, ATLAS_DEADLINE_EXCEEDED);
}

atlas_status_t wait_for_at_most(struct wait *wait, int64_t timeout_ns)
{
    if (wait->is_complete) {
        return ATLAS_OK;
    }
    struct event timer;
    struct timeval timeout = {timeout_ns / NS_PER_S, (timeout_ns % NS_PER_S) / 1000};
    event_assign(&timer, loop_base(wait->call->worker->loop), -1, 0, wait_on_timeout, wait);
    event_add(&timer, &timeout);
    atlas_status_t status = wait_for(wait);
    event_del(&timer);
    return status;
}
