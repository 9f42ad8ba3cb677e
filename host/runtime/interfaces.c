#include "runtime/interfaces.h"

#include <string.h>

#include "runtime/call.h"
#include "runtime/loader/manifest.h"
#include "runtime/runtime.h"

const char *const interface_ids[] = {
    "atlas.call/1",   "atlas.log/1",      "atlas.clock/1", "atlas.metrics/1",
    "atlas.client/1", "atlas.postgres/1", "atlas.redis/1", "atlas.kafka/1",
};
const size_t interface_id_count = sizeof interface_ids / sizeof interface_ids[0];

static const void *grant(const struct runtime *runtime, const struct manifest *manifest,
                         enum module_slot slot)
{
    const struct module *module = runtime_module(runtime, slot);
    bool is_asked = module != NULL && manifest_asks_for(manifest, module->interface_id);
    return is_asked ? module->table : NULL;
}

static bool is_there(const struct runtime *runtime, const char *id)
{
    return strcmp(id, "atlas.call/1") == 0 || strcmp(id, "atlas.log/1") == 0 ||
           strcmp(id, "atlas.clock/1") == 0 || runtime_find_module(runtime, id) != NULL;
}

/* Interfaces that came after struct atlas_interfaces: none so far. */
static const void *find(struct atlas_call *call, const char *id)
{
    (void)call;
    (void)id;
    return NULL;
}

atlas_status_t interfaces_grant(const struct runtime *runtime, const struct manifest *manifest,
                                struct atlas_interfaces *ret_interfaces, struct error *error)
{
    for (size_t i = 0; i < manifest->required.count; i++) {
        const char *id = manifest->required.items[i];
        if (!is_there(runtime, id)) {
            return error_set(
                error, ATLAS_FAILED_PRECONDITION,
                "plugin %s requires %s, which this process is not configured for; add the "
                "group of that server to the configuration",
                manifest->id, id);
        }
    }
    *ret_interfaces = call_bare_interfaces;
    ret_interfaces->host_version = ATLAS_VERSION;
    ret_interfaces->find = find;
    ret_interfaces->metrics = grant(runtime, manifest, MODULE_METRICS);
    ret_interfaces->client = grant(runtime, manifest, MODULE_CLIENT);
    ret_interfaces->postgres = grant(runtime, manifest, MODULE_POSTGRES);
    ret_interfaces->redis = grant(runtime, manifest, MODULE_REDIS);
    ret_interfaces->kafka = grant(runtime, manifest, MODULE_KAFKA);
    return ATLAS_OK;
}
