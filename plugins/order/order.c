/*
 * Order: what a passenger asked for, its price and its state. Here: the instance and what the
 * plugin declares; each operation has its own file.
 */
#include "order/order.h"

#include <stdlib.h>

#include "common/fields.h"
#include "order/store.h"

/* The bounds of the rates keep a price within 2.1e17: see fare_price_minor. */
ATLAS_PLUGIN_MANIFEST("order", "0.1.0",
                      "requires atlas.postgres/1\n"
                      "requires atlas.kafka/1\n" ATLAS_ORDER_V1_ORDER_SERVICE
                      "config currency string default=USD\n"
                      "config fare_base_minor integer default=250 min=0 max=1000000000\n"
                      "config fare_per_km_minor integer default=120 min=0 max=1000000000\n"
                      "config order_topic string default=order-events\n"
                      "config ride_topic string default=ride-dispatch\n");

const char *order_status_name(int status)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&atlas__order__v1__order_status__descriptor, status);

    return value != NULL ? value->name : "?";
}

static atlas_status_t check(const struct atlas_config *config, char *text, size_t text_size)
{
    return fields_check_currency_key(config, "currency", text, text_size);
}

static void destroy(struct atlas_call *call, void *instance)
{
    struct order *order = instance;

    (void)call;
    if (order != NULL) {
        free(order->currency);
        free(order->order_topic);
        free(order);
    }
}

static atlas_status_t create(struct atlas_call *call, const struct atlas_config *config,
                             void **ret_instance)
{
    struct order *order = calloc(1, sizeof *order);

    if (order == NULL) {
        return atlas_no_memory(call);
    }
    order->rates.base_minor = config->integer(config, "fare_base_minor");
    order->rates.per_km_minor = config->integer(config, "fare_per_km_minor");
    order->currency = strdup(config->string(config, "currency"));
    order->order_topic = strdup(config->string(config, "order_topic"));
    if (order->currency == NULL || order->order_topic == NULL) {
        destroy(call, order);
        return atlas_no_memory(call);
    }
    *ret_instance = order;
    return ATLAS_OK;
}

static const struct atlas_service *const services[] = {&order_service};

static const struct atlas_consumer consumers[] = {
    {
        .size = sizeof(struct atlas_consumer),
        .name = "match_rides",
        .topic_key = "ride_topic",
        .group = "order",
        .handle = order_match_rides,
    },
};

static const struct atlas_plugin plugin = {
    .size = sizeof plugin,
    .services = services,
    .service_count = ATLAS_COUNT(services),
    .consumers = consumers,
    .consumer_count = ATLAS_COUNT(consumers),
    .postgres = &order_schema,
    .check = check,
    .create = create,
    .destroy = destroy,
};
ATLAS_PLUGIN_DEFINE(plugin);
