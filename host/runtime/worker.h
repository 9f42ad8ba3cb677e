/* A worker: what the runtime keeps per loop. Everything in it is touched on that loop only. */
#ifndef RUNTIME_WORKER_H
#define RUNTIME_WORKER_H

#include "base/arena.h"
#include "base/loop.h"
#include "runtime/handle.h"

struct call;
struct fiber_pool;
struct metrics_cell;
struct offload_pool;
struct route_table;
struct runtime;

/* Bounds of calls, from the configuration ("calls"). */
struct call_limits {
    unsigned fibers;             /* alive at once, per loop */
    size_t stack_size;           /* bytes of a fiber's stack */
    size_t arena_limit;          /* bytes that one call may allocate */
    unsigned nesting;            /* local calls within local calls */
    unsigned tasks_per_call;     /* spawned and not joined */
    size_t metadata_limit;       /* bytes of names and values, each way */
    size_t message_limit;        /* bytes of one message, each way */
    int64_t default_deadline_ns; /* of a call that brings none; 0: none */
    int64_t max_deadline_ns;
    int64_t cleanup_limit_ms; /* the longest cleanup section */
};

struct worker {
    struct runtime *runtime;
    struct loop *loop;
    unsigned index;
    struct call_limits limits;
    struct fiber_pool *fibers;
    struct offload_pool *offload; /* of the runtime; its functions are for any thread */
    struct arena_cache arenas;
    uint64_t trace_state; /* of the generator of trace and span ids */
    struct call *free_calls;
    unsigned free_call_count;
    struct handle_table handles;
    struct call *calls;         /* in flight: of transports, rounds, batches, lifecycle functions */
    struct route_table *routes; /* what new calls see; see runtime/router.h */
    struct metrics_cell *refused;
    int64_t refusal_told_ns;
    int64_t fault_told_ns; /* see runtime/call_fault.h */
};

/* Makes a worker around a loop that is not started. */
atlas_status_t worker_create(struct runtime *runtime, unsigned index,
                             const struct call_limits *limits, struct worker **ret_worker,
                             struct error *error);

/* Frees a worker whose loop was stopped or never started. Nothing may be in flight. NULL is
 * allowed. */
void worker_destroy(struct worker *worker);

#endif
