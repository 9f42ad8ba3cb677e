/*
 * Wallet: who has how much, as a ledger of journals whose entries sum to zero. Here: the instance
 * and what the plugin declares; each operation has its own file, the ledger's rules are in store.c.
 */
#include "wallet/wallet.h"

#include <stdlib.h>

#include "common/fields.h"
#include "wallet/store.h"

ATLAS_PLUGIN_MANIFEST("wallet", "0.1.0",
                      "requires atlas.postgres/1\n"
                      "requires atlas.kafka/1\n" ATLAS_WALLET_V1_WALLET_SERVICE
                      "config currency string default=USD\n"
                      "config order_topic string default=order-events\n");

static atlas_status_t check(const struct atlas_config *config, char *text, size_t text_size)
{
    return fields_check_currency_key(config, "currency", text, text_size);
}

static atlas_status_t create(struct atlas_call *call, const struct atlas_config *config,
                             void **ret_instance)
{
    struct wallet *wallet = calloc(1, sizeof *wallet);

    if (wallet == NULL) {
        return atlas_no_memory(call);
    }
    snprintf(wallet->currency, sizeof wallet->currency, "%s", config->string(config, "currency"));
    *ret_instance = wallet;
    return ATLAS_OK;
}

static void destroy(struct atlas_call *call, void *instance)
{
    (void)call;
    free(instance);
}

static const struct atlas_service *const services[] = {&wallet_service};

static const struct atlas_consumer consumers[] = {
    {
        .size = sizeof(struct atlas_consumer),
        .name = "charge_orders",
        .topic_key = "order_topic",
        .group = "wallet",
        .handle = wallet_charge_orders,
    },
};

static const struct atlas_plugin plugin = {
    .size = sizeof plugin,
    .services = services,
    .service_count = ATLAS_COUNT(services),
    .consumers = consumers,
    .consumer_count = ATLAS_COUNT(consumers),
    .postgres = &wallet_schema,
    .check = check,
    .create = create,
    .destroy = destroy,
};
ATLAS_PLUGIN_DEFINE(plugin);
