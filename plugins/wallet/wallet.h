/* The instance of the wallet plugin. */
#ifndef PLUGINS_WALLET_WALLET_H
#define PLUGINS_WALLET_WALLET_H

#include "atlas/wallet/v1/wallet.atlas.h"

/* The configuration; made by create, never changed. */
struct wallet {
    char currency[4]; /* of requests that name none */
};

/* The instance that serves a call. */
static inline const struct wallet *wallet_of(const struct atlas_call *call)
{
    return call->instance;
}

/* charge_orders.c: the consumer of order events. */
atlas_status_t wallet_charge_orders(struct atlas_call *call,
                                    const struct atlas_kafka_record *const *records, size_t count,
                                    atlas_status_t *statuses);

#endif
