/*
 * A batch handler for tests: it notes every record that it accepts, and does to batches what
 * plugins do to them. "poison" is refused for good, "garbage" with what is no status, "weak" for
 * now as often as failures_left says; "hungry" takes more than half of the call's memory, "greedy"
 * more than there is.
 */
#ifndef KAFKA_HANDLER_H
#define KAFKA_HANDLER_H

#include <pthread.h>
#include <semaphore.h>

#include "atlas/kafka.h"
#include "runtime/call.h"

#define SEEN_MAX 4096

/* In the order of their coming. */
struct sighting {
    int32_t partition;
    int64_t offset;
    unsigned generation;
    unsigned loop;
    char value[32];
};

/* What it does before it looks at the records. */
enum handler_mood {
    HANDLER_BRISK,
    HANDLER_SLOW,    /* waits a little */
    HANDLER_ASLEEP,  /* waits for long, and takes its own end for a fault of the records */
    HANDLER_STUCK,   /* waits for stuck_release, whatever happens to its call */
    HANDLER_LEAVING, /* leaves a task that fails, and what stands for the stack where it lay */
    HANDLER_NESTED,  /* calls another one that waits for long, and passes on what that says */
};

#define HANDLER_LEFT 0x5a

extern struct handler {
    pthread_mutex_t mutex;
    struct sighting seen[SEEN_MAX];
    size_t seen_count;
    size_t largest_batch;
    struct atlas_task left; /* by a LEAVING handler: overwritten with HANDLER_LEFT */
    int failures_left;
    sem_t stuck_release;
    _Atomic enum handler_mood mood;
    _Atomic unsigned begun;      /* batches that got there */
    struct call *_Atomic nested; /* what a NESTED handler waits for */
    struct worker *_Atomic nested_worker;
} handler;

atlas_status_t handler_run(struct atlas_call *call, const struct atlas_kafka_record *const *records,
                           size_t count, atlas_status_t *statuses);

/* As if nothing had come, and brisk. */
void handler_forget(void);

/* Records that came so far; waits until there are so many, false if they never come. */
size_t handler_count(void);
bool handler_sees(size_t count);

/* A condition for fixture_eventually: a batch has begun. */
bool handler_has_begun(void *arg);

#endif
