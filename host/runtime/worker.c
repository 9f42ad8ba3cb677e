#include "runtime/worker.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/config/config.h"
#include "base/metrics.h"
#include "runtime/fiber.h"

/* Arena blocks of 8 KiB that a worker keeps for reuse. */
#define ARENA_BLOCKS_KEPT 512

atlas_status_t worker_create(struct runtime *runtime, unsigned index,
                             const struct call_limits *limits, struct worker **ret_worker,
                             struct error *error)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "worker %u: out of memory", index);
    }
    worker->runtime = runtime;
    worker->index = index;
    ssize_t ignored = getrandom(&worker->trace_state, sizeof worker->trace_state, 0);
    (void)ignored; /* ids need not be secret; zero is as good a start as any */
    worker->limits = *limits;
    worker->arenas.limit = ARENA_BLOCKS_KEPT;
    worker->handles.limit = limits->fibers * 4;
    worker->refused = metrics_cell(metrics_family("atlas_calls_refused_total",
                                                  "Calls and tasks refused at once: calls.fibers "
                                                  "were alive on their loop.",
                                                  METRICS_COUNTER, NULL),
                                   NULL);
    atlas_status_t status = loop_create(index, &worker->loop, error);
    if (status == ATLAS_OK) {
        loop_set_owner(worker->loop, worker);
        status = fiber_pool_create(worker->loop, limits->fibers + CONFIG_FIBERS_RESERVED,
                                   limits->stack_size, &worker->fibers, error);
    }
    if (status != ATLAS_OK) {
        worker_destroy(worker);
        return status;
    }
    *ret_worker = worker;
    return ATLAS_OK;
}

void worker_destroy(struct worker *worker)
{
    if (worker == NULL) {
        return;
    }
    fiber_pool_destroy(worker->fibers);
    arena_cache_finish(&worker->arenas);
    handle_table_finish(&worker->handles);
    metrics_cell_release(worker->refused);
    loop_destroy(worker->loop);
    free(worker);
}
