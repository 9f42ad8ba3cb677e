/* All SQL of the order plugin. */
#ifndef PLUGINS_ORDER_STORE_H
#define PLUGINS_ORDER_STORE_H

#include "atlas/sdk.h"
#include "order/order.h"

/* What the plugin declares to the host: migrations and statements. */
extern const struct atlas_pg_schema order_schema;

/* An order; texts lie in the arena of the call or are borrowed from a request. */
struct order_row {
    char *order_id;
    char *passenger_id;
    char *driver_id;    /* "" until MATCHED */
    char *vehicle_type; /* written only; NULL: any */
    struct fare_point pickup;
    struct fare_point dropoff;
    int status;
    int64_t price_minor;
    char *currency;
    int32_t version;
    int64_t created_us;
    int64_t updated_us;
};

/* A row of the outbox, written in the statement that changes the order. Borrowed. */
struct order_message {
    struct atlas_bytes traceparent; /* empty: none */
    struct atlas_bytes payload;
};

/* A driver for an order. Borrowed. */
struct order_match {
    const char *order_id;
    const char *driver_id;
    struct order_message message;
};

/* Inserts a new order. [call] [waits] */
atlas_status_t order_store_create(struct atlas_call *call, const struct order_row *row,
                                  const struct order_message *message);

/* One order, or the last one of a passenger. NOT_FOUND without a message of its own. [call] [waits]
 */
atlas_status_t order_store_find(struct atlas_call *call, const char *order_id,
                                struct order_row *ret_row);
atlas_status_t order_store_find_latest(struct atlas_call *call, const char *passenger_id,
                                       struct order_row *ret_row);

/* Many orders at once: ret_rows[i] belongs to order_ids[i], with order_id NULL if there is none.
 * The rows lie in the arena. [call] [waits] */
atlas_status_t order_store_find_many(struct atlas_call *call, const char *const *order_ids,
                                     size_t count, struct order_row **ret_rows);

/* Moves the order from the state and version of row to the state after it; false: somebody else
 * changed the order first, and nothing was written. [call] [waits] */
atlas_status_t order_store_advance(struct atlas_call *call, const struct order_row *row,
                                   int64_t now_us, const struct order_message *message,
                                   bool *ret_is_moved);

/* Gives drivers to orders that are CREATED, all in one transaction; no order twice.
 * ret_is_matched[i] says whether matches[i] was applied. ALREADY_EXISTS: a driver among them is on
 * another ride, and nothing was written. [call] [waits] */
atlas_status_t order_store_match(struct atlas_call *call, const struct order_match *matches,
                                 size_t count, int64_t now_us, bool *ret_is_matched);

#endif
