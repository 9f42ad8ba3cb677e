/* The event that tells others of an order's change. */
#ifndef PLUGINS_ORDER_ORDER_EVENT_H
#define PLUGINS_ORDER_ORDER_EVENT_H

#include "order/store.h"

/* Packs an OrderEvent that shows row; row is the order as it will be right after the change. The
 * bytes lie in the arena. RESOURCE_EXHAUSTED when that is used up. [call] */
atlas_status_t order_event_pack(struct atlas_call *call, const struct order_row *row,
                                struct atlas_bytes *ret_payload);

#endif
