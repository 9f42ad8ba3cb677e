#include "inbound/kafka/kafka_pause.h"

#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"

#define COMMIT_MS       5000 /* how long a pause waits for its commit */
#define COMMIT_RETRY_MS 100
#define HURRY_MS        500 /* instead when the brokers are away anyway, or time has run out */

static void set_timer(struct kafka_pause *pause, int64_t after_ms)
{
    event_add(pause->timer, &(struct timeval){after_ms / 1000, (after_ms % 1000) * 1000});
}

static void end(struct kafka_pause *pause, bool has_ended)
{
    pause->state = KAFKA_PAUSE_NONE;
    event_del(pause->timer);
    pause->on_paused(pause->arg, has_ended);
}

/* --- committing --- */

static bool send_commit(struct kafka_pause *pause)
{
    const struct kafka_assignment *assignment = pause->assignment;
    pause->commit++;
    return assignment->owner.rk != NULL && assignment->partitions != NULL &&
           rd_kafka_commit_queue(assignment->owner.rk, NULL, pause->answers, NULL,
                                 (void *)pause->commit) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* The answer is an event of the consumer's queue. */
static void start_commit(struct kafka_pause *pause)
{
    bool is_hurried = pause->is_away || pause->state == KAFKA_PAUSE_CANCELLED;
    int64_t limit_ms = is_hurried ? HURRY_MS : COMMIT_MS;
    pause->state = KAFKA_PAUSE_COMMITTING;
    pause->commit_end_ns = clock_monotonic_ns() + limit_ms * NS_PER_MS;
    if (send_commit(pause)) {
        set_timer(pause, limit_ms);
    } else {
        end(pause, true);
    }
}

/* There was no answer in time, or it is time to try again what was refused. */
static void advance_commit(struct kafka_pause *pause)
{
    int64_t left_ms = (pause->commit_end_ns - clock_monotonic_ns()) / NS_PER_MS;
    if (left_ms <= 0) {
        log_warn("kafka offsets not committed, some records will come again",
                 LOG_TEXT("operation", pause->assignment->operation));
        end(pause, true);
    } else if (send_commit(pause)) {
        set_timer(pause, left_ms);
    } else {
        end(pause, true);
    }
}

/* A group that is being rebalanced takes no commits for a moment. */
void kafka_pause_on_commit(struct kafka_pause *pause, const rd_kafka_event_t *event, bool is_done)
{
    uintptr_t commit = (uintptr_t)rd_kafka_event_opaque((rd_kafka_event_t *)(uintptr_t)event);
    if (pause->state != KAFKA_PAUSE_COMMITTING || commit != pause->commit) {
        return; /* given up */
    }
    if (is_done) {
        end(pause, true);
    } else {
        set_timer(pause, COMMIT_RETRY_MS);
    }
}

/* --- waiting for batches --- */

static void cancel_batches(struct kafka_pause *pause)
{
    log_warn("batches did not end in time, cancelling them; their records will come again",
             LOG_TEXT("operation", pause->assignment->operation),
             LOG_INT("count", kafka_assignment_running(pause->assignment)));
    pause->state = KAFKA_PAUSE_CANCELLED;
    set_timer(pause, pause->limits.cleanup_ms);
    kafka_assignment_cancel(pause->assignment);
}

static void give_up(struct kafka_pause *pause)
{
    log_error("cancelled batches do not end, leaving them and their plugin as they are",
              LOG_TEXT("operation", pause->assignment->operation),
              LOG_INT("count", kafka_assignment_running(pause->assignment)),
              LOG_INT("waited_ms", pause->limits.cleanup_ms));
    end(pause, false);
}

static void pause_on_timer(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct kafka_pause *pause = arg;
    switch (pause->state) {
    case KAFKA_PAUSE_WAITING:
        cancel_batches(pause);
        break;
    case KAFKA_PAUSE_CANCELLED:
        give_up(pause);
        break;
    case KAFKA_PAUSE_COMMITTING:
        advance_commit(pause);
        break;
    case KAFKA_PAUSE_NONE:
        break;
    }
}

void kafka_pause_hurry(struct kafka_pause *pause)
{
    if (pause->state == KAFKA_PAUSE_WAITING) {
        cancel_batches(pause);
    }
}

void kafka_pause_advance(struct kafka_pause *pause)
{
    bool is_waiting = pause->state == KAFKA_PAUSE_WAITING || pause->state == KAFKA_PAUSE_CANCELLED;
    if (is_waiting && kafka_assignment_running(pause->assignment) == 0) {
        start_commit(pause);
    }
}

void kafka_pause_begin(struct kafka_pause *pause, const struct kafka_pause_limits *limits,
                       void (*on_paused)(void *arg, bool has_ended), void *arg)
{
    pause->state = KAFKA_PAUSE_WAITING;
    pause->limits = *limits;
    pause->on_paused = on_paused;
    pause->arg = arg;
    set_timer(pause, limits->patience_ms);
    kafka_pause_advance(pause);
}

/* --- life --- */

atlas_status_t kafka_pause_init(struct kafka_pause *pause, struct event_base *base,
                                struct kafka_assignment *assignment)
{
    *pause = (struct kafka_pause){.assignment = assignment};
    pause->timer = event_new(base, -1, 0, pause_on_timer, pause);
    return pause->timer != NULL ? ATLAS_OK : ATLAS_RESOURCE_EXHAUSTED;
}

void kafka_pause_finish(struct kafka_pause *pause)
{
    if (pause->timer != NULL) {
        event_free(pause->timer);
        pause->timer = NULL;
    }
}
