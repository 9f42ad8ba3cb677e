#include "runtime/reload/epoch.h"

#include "runtime/runtime.h"

atlas_status_t epoch_make(struct runtime *runtime, struct route_table_owner *owner, uint64_t number,
                          struct generation *const *generations, size_t count,
                          struct epoch *ret_epoch, struct error *error)
{
    ret_epoch->count = 0;
    for (unsigned i = 0; i < runtime_worker_count(runtime); i++) {
        atlas_status_t status =
            route_table_create(owner, number, generations, count, &ret_epoch->tables[i], error);
        if (status != ATLAS_OK) {
            epoch_discard(ret_epoch);
            return status;
        }
        ret_epoch->count++;
    }
    return ATLAS_OK;
}

void epoch_discard(struct epoch *epoch)
{
    for (unsigned i = 0; i < epoch->count; i++) {
        route_table_free(epoch->tables[i]);
    }
    epoch->count = 0;
}

static void swap_table(struct worker *worker, void *arg)
{
    struct route_table *older = worker->routes;
    worker->routes = arg;
    if (older != NULL) {
        route_table_release(older);
    }
}

void epoch_commit(struct runtime *runtime, const struct epoch *epoch)
{
    for (unsigned i = 0; i < epoch->count; i++) {
        struct route_table *table = epoch->tables[i];
        for (size_t g = 0; g < table->generation_count; g++) {
            table->generations[g]->table_references++;
        }
        runtime_run_on(runtime_worker(runtime, i), swap_table, table);
    }
}
