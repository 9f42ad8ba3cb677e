/* The routes of REST listeners, which follow every reload. On the loop of the table. */
#ifndef INBOUND_REST_REST_EPOCH_H
#define INBOUND_REST_REST_EPOCH_H

#include "inbound/rest/rest_state.h"

struct rest_routes;
struct route_table;

/* The routes of a listener for this epoch, made when they are first asked for; NULL when that
 * failed (which is logged). They live as long as the table. */
const struct rest_routes *rest_epoch_routes(struct route_table *table,
                                            const struct rest_listener *listener);

#endif
