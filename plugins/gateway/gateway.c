/* Gateway: what apps talk to. The host transcodes its annotated methods from JSON; its handlers
 * call the other services, wherever they run. */
#include "gateway/gateway.h"

#include <stdlib.h>

#include "atlas/gateway/v1/gateway.atlas.h"

ATLAS_PLUGIN_MANIFEST(
    "gateway", "0.1.0",
    "requires atlas.client/1\n"
    "optional atlas.metrics/1\n" ATLAS_GATEWAY_V1_GATEWAY_SERVICE ATLAS_TRACKER_V1_TRACKER_CALLS
        ATLAS_ORDER_V1_ORDER_CALLS ATLAS_DISPATCH_V1_DISPATCH_CALLS ATLAS_WALLET_V1_WALLET_CALLS
    "config part_timeout duration default=1s min=10ms max=1m\n"
    "config nearby_limit integer default=5 min=1 max=100\n");

static atlas_status_t create(struct atlas_call *call, const struct atlas_config *config,
                             void **ret_instance)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);

    if (gateway == NULL) {
        return atlas_no_memory(call);
    }
    gateway->part_timeout_ms = config->duration_ms(config, "part_timeout");
    gateway->nearby_limit = (int32_t)config->integer(config, "nearby_limit");
    *ret_instance = gateway;
    return ATLAS_OK;
}

static void destroy(struct atlas_call *call, void *instance)
{
    (void)call;
    free(instance);
}

static const struct atlas_service *const services[] = {&gateway_service};

static const struct atlas_metric metrics[] = {
    [GATEWAY_PARTS_MISSING] =
        {.size = sizeof(struct atlas_metric),
         .kind = ATLAS_METRIC_COUNTER,
         .name = "gateway_parts_missing_total",
         .help = "Parts of answers that were left out because their service did not answer."},
};

static const struct atlas_plugin plugin = {
    .size = sizeof plugin,
    .services = services,
    .service_count = ATLAS_COUNT(services),
    .metrics = metrics,
    .metric_count = ATLAS_COUNT(metrics),
    .create = create,
    .destroy = destroy,
};
ATLAS_PLUGIN_DEFINE(plugin);
