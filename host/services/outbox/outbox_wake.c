#include "services/outbox/outbox_wake.h"

#include <stdatomic.h>

#include "base/clock.h"

static void run_wake(struct loop_task *task)
{
    struct outbox_wake *wake = CONTAINER_OF(task, struct outbox_wake, task);
    atomic_store(&wake->is_posted, false);
    wake->is_rung = true;
    if (wake->sleeping != NULL) {
        wait_complete(wake->sleeping);
    }
}

void outbox_wake_init(struct outbox_wake *wake, struct loop *home)
{
    *wake = (struct outbox_wake){.home = home};
    wake->task.run = run_wake;
}

void outbox_wake_ring(struct outbox_wake *wake)
{
    if (!atomic_exchange(&wake->is_posted, true)) {
        loop_post(wake->home, &wake->task);
    }
}

void outbox_wake_sleep(struct outbox_wake *wake, struct call *call, int64_t timeout_ms)
{
    if (!wake->is_rung) {
        struct wait wait;
        wait_init(&wait, call);
        wake->sleeping = &wait;
        wait_for_at_most(&wait, timeout_ms * NS_PER_MS);
        wake->sleeping = NULL;
    }
    wake->is_rung = false;
}
