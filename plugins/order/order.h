/* The instance of the order plugin, and the states of an order by their short names. */
#ifndef PLUGINS_ORDER_ORDER_H
#define PLUGINS_ORDER_ORDER_H

#include "atlas/order/v1/order.atlas.h"
#include "order/fare.h"

/* They follow each other: the next state is the number above. */
enum order_status {
    ORDER_CREATED = ATLAS__ORDER__V1__ORDER_STATUS__CREATED,
    ORDER_MATCHED = ATLAS__ORDER__V1__ORDER_STATUS__MATCHED,
    ORDER_STARTED = ATLAS__ORDER__V1__ORDER_STATUS__STARTED,
    ORDER_FINISHED = ATLAS__ORDER__V1__ORDER_STATUS__FINISHED,
};

/* The configuration; made by create, never changed. */
struct order {
    struct fare_rates rates;
    char *currency;    /* ISO 4217 */
    char *order_topic; /* where the outbox goes */
};

/* "CREATED"; "?" for a number that is no state. Static. */
const char *order_status_name(int status);

/* The instance that serves a call. */
static inline const struct order *order_of(const struct atlas_call *call)
{
    return call->instance;
}

/* match_rides.c: the consumer of dispatched rides. */
atlas_status_t order_match_rides(struct atlas_call *call,
                                 const struct atlas_kafka_record *const *records, size_t count,
                                 atlas_status_t *statuses);

#endif
