/*
 * Dispatch: finds the driver for an order and keeps the driver for it. Here: the instance and what
 * the plugin declares; each operation has its own file.
 */
#include "dispatch/dispatch.h"

#include <stdlib.h>

#include "atlas/order/v1/order.atlas.h"
#include "atlas/tracker/v1/tracker.atlas.h"
#include "dispatch/store.h"

ATLAS_PLUGIN_MANIFEST("dispatch", "0.1.0",
                      "requires atlas.postgres/1\n"
                      "requires atlas.kafka/1\n"
                      "requires atlas.client/1\n" ATLAS_DISPATCH_V1_DISPATCH_SERVICE
                          ATLAS_ORDER_V1_ORDER_CALLS ATLAS_TRACKER_V1_TRACKER_CALLS
                      "config search_radius_km number default=5 min=0.1 max=50\n"
                      "config candidates_first integer default=10 min=1 max=100\n"
                      "config candidates_limit integer default=100 min=1 max=100\n"
                      "config lease duration default=60s min=100ms max=1h\n"
                      "config lease_grace duration default=10s min=0ms max=10m\n"
                      "config sweep_interval duration default=1s min=50ms max=10m\n"
                      "config order_topic string default=order-events\n"
                      "config ride_topic string default=ride-dispatch\n");

static atlas_status_t check(const struct atlas_config *config, char *text, size_t text_size)
{
    int64_t first = config->integer(config, "candidates_first");
    int64_t limit = config->integer(config, "candidates_limit");

    if (first > limit) {
        snprintf(text, text_size,
                 "candidates_first: %lld is more than candidates_limit, %lld; lower it",
                 (long long)first, (long long)limit);
        return ATLAS_INVALID_ARGUMENT;
    }
    return ATLAS_OK;
}

static void destroy(struct atlas_call *call, void *instance)
{
    struct dispatch *dispatch = instance;

    (void)call;
    if (dispatch != NULL) {
        free(dispatch->ride_topic);
        free(dispatch);
    }
}

static atlas_status_t create(struct atlas_call *call, const struct atlas_config *config,
                             void **ret_instance)
{
    struct dispatch *dispatch = calloc(1, sizeof *dispatch);

    if (dispatch == NULL) {
        return atlas_no_memory(call);
    }
    dispatch->search_radius_km = config->number(config, "search_radius_km");
    dispatch->candidates_first = (int32_t)config->integer(config, "candidates_first");
    dispatch->candidates_limit = (int32_t)config->integer(config, "candidates_limit");
    dispatch->lease_us = 1000 * config->duration_ms(config, "lease");
    dispatch->lease_grace_us = 1000 * config->duration_ms(config, "lease_grace");
    dispatch->ride_topic = strdup(config->string(config, "ride_topic"));
    if (dispatch->ride_topic == NULL) {
        destroy(call, dispatch);
        return atlas_no_memory(call);
    }
    *ret_instance = dispatch;
    return ATLAS_OK;
}

static const struct atlas_service *const services[] = {&dispatch_service};

static const struct atlas_consumer consumers[] = {
    {
        .size = sizeof(struct atlas_consumer),
        .name = "follow_orders",
        .topic_key = "order_topic",
        .group = "dispatch",
        .handle = dispatch_follow_orders,
    },
};

static const struct atlas_background backgrounds[] = {
    {
        .size = sizeof(struct atlas_background),
        .is_exclusive = true,
        .name = "expire_reservations",
        .interval_key = "sweep_interval",
        .run = dispatch_expire_reservations,
    },
};

static const struct atlas_plugin plugin = {
    .size = sizeof plugin,
    .services = services,
    .service_count = ATLAS_COUNT(services),
    .consumers = consumers,
    .consumer_count = ATLAS_COUNT(consumers),
    .backgrounds = backgrounds,
    .background_count = ATLAS_COUNT(backgrounds),
    .postgres = &dispatch_schema,
    .check = check,
    .create = create,
    .destroy = destroy,
};
ATLAS_PLUGIN_DEFINE(plugin);
