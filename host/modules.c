#include "modules.h"

#include <stdlib.h>

#include "base/config.h"
#include "runtime/client.h"
#include "runtime/runtime.h"
#include "services/postgres/postgres.h"

struct modules {
    struct runtime *runtime;
    struct postgres *postgres;
};

atlas_status_t modules_create(struct runtime *runtime, struct modules **ret_modules,
                              struct error *error)
{
    struct modules *modules = calloc(1, sizeof *modules);
    if (modules == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "modules: out of memory");
    }
    *ret_modules = modules;
    modules->runtime = runtime;
    runtime_add_module(runtime, &client_module);
    atlas_status_t status =
        postgres_create(runtime_config(runtime), NULL, &modules->postgres, error);
    if (status == ATLAS_OK) {
        runtime_add_module(runtime, postgres_module(modules->postgres));
    }
    return status;
}

atlas_status_t modules_start(struct modules *modules, struct error *error)
{
    (void)modules;
    (void)error;
    return ATLAS_OK;
}

void modules_stop(struct modules *modules)
{
    if (modules == NULL) {
        return;
    }
}

void modules_destroy(struct modules *modules)
{
    if (modules != NULL) {
        postgres_destroy(modules->postgres);
        free(modules);
    }
}
