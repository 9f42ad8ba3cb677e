#include "runtime/wait.h"

#include <assert.h>
#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "runtime/fiber.h"
#include "runtime/generation.h"

/* Waits that an ended call may begin before it is slowed down. */
#define REFUSED_WAITS_MAX 100

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
static void give_up(struct wait *wait, atlas_status_t status)
{
    if (wait->fiber != NULL) {
        struct fiber *fiber = wait->fiber;
        wait->fiber = NULL;
        wait->interruption = status;
        fiber_resume(fiber);
    }
}

static void interrupt(struct wait *wait, atlas_status_t status)
{
    if (wait->is_interruptible) {
        give_up(wait, status);
    }
}

static void interrupt_call(struct call *call, atlas_status_t status)
{
    if (call->waiting != NULL) {
        interrupt(call->waiting, status);
    }
}

void call_cancel(struct call *call, atlas_status_t status)
{
    if (call->cancel_status == ATLAS_OK) {
        call->cancel_status = status;
    }
    for (struct call *child = call->children; child != NULL; child = child->next_sibling) {
        if (!child->is_sheltered || !call->is_in_cleanup) {
            call_cancel(child, status);
        }
    }
    if (!call->is_in_cleanup) {
        interrupt_call(call, status);
    }
}

static int64_t effective_deadline(const struct call *call)
{
    return call->is_in_cleanup ? call->cleanup_deadline_ns : call->deadline_ns;
}

int64_t call_remaining_ns(const struct call *call)
{
    int64_t deadline_ns = effective_deadline(call);
    if (deadline_ns == INT64_MAX) {
        return INT64_MAX;
    }
    int64_t left = deadline_ns - clock_monotonic_ns();
    return left > 0 ? left : 0;
}

atlas_status_t call_check(const struct call *call)
{
    if (!call->is_in_cleanup && call->cancel_status != ATLAS_OK) {
        return call->cancel_status;
    }
    int64_t deadline_ns = effective_deadline(call);
    bool is_over = deadline_ns != INT64_MAX && deadline_ns <= clock_monotonic_ns();
    return is_over ? ATLAS_DEADLINE_EXCEEDED : ATLAS_OK;
}

static void call_on_deadline(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct call *call = arg;
    call->is_deadline_armed = false;
    if (call->is_in_cleanup) {
        interrupt_call(call, ATLAS_DEADLINE_EXCEEDED);
    } else {
        call_cancel(call, ATLAS_DEADLINE_EXCEEDED);
    }
}

void call_arm_deadline(struct call *call)
{
    int64_t left = call_remaining_ns(call);
    if (call->is_deadline_armed || left == INT64_MAX) {
        return;
    }
    int64_t us = left / 1000 + 1; /* never early */
    event_assign(&call->deadline_event, loop_base(call->worker->loop), -1, 0, call_on_deadline,
                 call);
    event_add(&call->deadline_event, &(struct timeval){us / 1000000, us % 1000000});
    call->is_deadline_armed = true;
}

void call_disarm_deadline(struct call *call)
{
    if (call->is_deadline_armed) {
        event_del(&call->deadline_event);
        call->is_deadline_armed = false;
    }
}

/* False for a call that a plugin kept, which has ended or is another fiber's. */
static bool is_of_this_fiber(const struct wait *wait)
{
    return wait->call->fiber == fiber_current();
}

static void suspend(struct wait *wait)
{
    struct call *call = wait->call;
    struct wait *outer = call->waiting;
    bool is_own = is_of_this_fiber(wait);
    wait->fiber = fiber_current();
    assert(wait->fiber != NULL);
    if (is_own) {
        call->waiting = wait;
    }
    fiber_suspend();
    if (is_own) {
        call->waiting = outer;
    }
}

/* Nothing of the call is touched: it may be anybody's by now. */
static atlas_status_t refuse_foreign(void)
{
    log_error("a function waits with a call that is not its own: use the one that it was given, "
              "and keep none",
              LOG_TEXT("operation", fiber_label()->operation),
              LOG_TEXT("plugin", fiber_label()->plugin));
    return ATLAS_FAILED_PRECONDITION;
}

/* Waits of an ended call end at once, so a handler that waits in a circle without looking at the
 * statuses would keep the loop from all other calls for ever. */
void call_slow_down(struct call *call)
{
    if (++call->refused_waits < REFUSED_WAITS_MAX) {
        return;
    }
    if (call->refused_waits == REFUSED_WAITS_MAX) {
        log_warn("a handler goes on although its call has ended; let it return the status that a "
                 "wait gives, continuing",
                 LOG_TEXT("plugin", call->generation != NULL ? call->generation->id : "host"),
                 LOG_TEXT("operation", call->operation));
    }
    struct wait pause;
    wait_init(&pause, call);
    wait_uninterrupted_at_most(&pause, NS_PER_MS);
}

/* Why a wait must not begin. OK also if its thing happened meanwhile. */
static atlas_status_t check_before(struct wait *wait)
{
    atlas_status_t status = call_check(wait->call);
    if (status != ATLAS_OK) {
        call_slow_down(wait->call);
    }
    return wait->is_complete ? ATLAS_OK : status;
}

atlas_status_t wait_for(struct wait *wait)
{
    if (wait->is_complete) {
        return ATLAS_OK;
    }
    if (!is_of_this_fiber(wait)) {
        return refuse_foreign();
    }
    atlas_status_t status = check_before(wait);
    if (status == ATLAS_OK && !wait->is_complete) {
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
    give_up(arg, ATLAS_DEADLINE_EXCEEDED);
}

static void arm_timeout(struct wait *wait, struct event *timer, int64_t timeout_ns)
{
    struct timeval timeout = {timeout_ns / NS_PER_S, (timeout_ns % NS_PER_S) / 1000};
    event_assign(timer, loop_base(wait->call->worker->loop), -1, 0, wait_on_timeout, wait);
    event_add(timer, &timeout);
}

atlas_status_t wait_for_at_most(struct wait *wait, int64_t timeout_ns)
{
    if (wait->is_complete) {
        return ATLAS_OK;
    }
    struct event timer;
    arm_timeout(wait, &timer, timeout_ns);
    atlas_status_t status = wait_for(wait);
    event_del(&timer);
    return status;
}

bool wait_uninterrupted_at_most(struct wait *wait, int64_t timeout_ns)
{
    if (!wait->is_complete) {
        struct event timer;
        arm_timeout(wait, &timer, timeout_ns);
        wait_uninterrupted(wait);
        event_del(&timer);
    }
    return wait->is_complete;
}
