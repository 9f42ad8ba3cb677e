/* Threads for work that blocks or computes long, so that loops do neither. */
#ifndef RUNTIME_OFFLOAD_H
#define RUNTIME_OFFLOAD_H

#include "runtime/call.h"

struct offload_pool;

/* Starts the threads; at most queue_limit jobs wait for one. */
atlas_status_t offload_pool_create(unsigned threads, unsigned queue_limit,
                                   struct offload_pool **ret_pool, struct error *error);

/* Waits for what runs and frees the pool. No call may wait in it. NULL is allowed. */
void offload_pool_destroy(struct offload_pool *pool);

/* As offload in struct atlas_call_interface, on the pool of the call's runtime. [waits] */
atlas_status_t offload_run(struct call *call, void (*fn)(void *arg), void *arg);

#endif
