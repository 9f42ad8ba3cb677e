/*
 * Stopping a consumer for a reload or for good: no more batches, the running ones end, and what
 * they did is committed.
 *
 *   begin --> WAITING --none runs--> COMMITTING --answered, or given up--> on_paused(true)
 *               | patience passed       ^
 *               v                       |
 *           CANCELLED ----none runs-----+
 *               | cleanup time passed
 *               v
 *             STUCK --> on_paused(false)
 *
 * A cancelled batch stores no offset for what it did not finish, so those records come again. All
 * functions are for the poller's loop.
 */
#ifndef INBOUND_KAFKA_PAUSE_H
#define INBOUND_KAFKA_PAUSE_H

#include "inbound/kafka/kafka_assignment.h"

struct event_base;

enum kafka_pause_state {
    KAFKA_PAUSE_NONE, /* not asked for, or over */
    KAFKA_PAUSE_WAITING,
    KAFKA_PAUSE_CANCELLED,
    KAFKA_PAUSE_COMMITTING,
};

struct kafka_pause_limits {
    int64_t patience_ms; /* until batches are cancelled */
    int64_t cleanup_ms;  /* then, until they count as stuck */
};

/* Owned by the consumer. */
struct kafka_pause {
    struct kafka_assignment *assignment;
    rd_kafka_queue_t *answers; /* where those to commits come; set when the group is joined */
    struct event *timer;
    enum kafka_pause_state state;
    struct kafka_pause_limits limits;
    int64_t commit_end_ns; /* no commit is tried again after this */
    uintptr_t commit;      /* number of the newest commit, which its answer carries */
    bool is_away;          /* no broker could be reached when last heard of; set by the consumer */
    void (*on_paused)(void *arg, bool has_ended);
    void *arg;
};

/* RESOURCE_EXHAUSTED without memory. assignment is borrowed. Any thread. */
atlas_status_t kafka_pause_init(struct kafka_pause *pause, struct event_base *base,
                                struct kafka_assignment *assignment);
void kafka_pause_finish(struct kafka_pause *pause);

/* on_paused comes once; see kafka_consumer_pause. */
void kafka_pause_begin(struct kafka_pause *pause, const struct kafka_pause_limits *limits,
                       void (*on_paused)(void *arg, bool has_ended), void *arg);

/* Has patience no longer. */
void kafka_pause_hurry(struct kafka_pause *pause);

/* A batch has ended, or partitions were given back. */
void kafka_pause_advance(struct kafka_pause *pause);

/* The answer to a commit of this pause or of an earlier one. */
void kafka_pause_on_commit(struct kafka_pause *pause, const rd_kafka_event_t *event, bool is_done);

#endif
