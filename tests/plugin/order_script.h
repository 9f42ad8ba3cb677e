/* The database that the order plugin sees in its tests, and what it is asked. */
#ifndef TESTS_ORDER_SCRIPT_H
#define TESTS_ORDER_SCRIPT_H

#include "atlas/events/v1/events.atlas.h"
#include "atlas/order/v1/order.atlas.h"
#include "plugin_test.h"

#define ID     "01890a5d-ac96-774b-bcce-b302099a8057"
#define OTHER  "01890a5d-ac96-774b-bcce-b302099a8058"
#define NOW_US 1704067200000000 /* where the clock of the test host starts */

#define CREATED  ATLAS__ORDER__V1__ORDER_STATUS__CREATED
#define MATCHED  ATLAS__ORDER__V1__ORDER_STATUS__MATCHED
#define STARTED  ATLAS__ORDER__V1__ORDER_STATUS__STARTED
#define FINISHED ATLAS__ORDER__V1__ORDER_STATUS__FINISHED

/* The columns of an order as the store reads them. */
#define ORDER_VALUES(id, driver, status, version)                                                  \
    atlas_pg_uuid(id), atlas_pg_text("alice"), atlas_pg_text(driver), atlas_pg_float8(52.5),       \
        atlas_pg_float8(13.4), atlas_pg_float8(52.6), atlas_pg_float8(13.5),                       \
        atlas_pg_int4(status), atlas_pg_int8(1830), atlas_pg_text("USD"), atlas_pg_int4(version),  \
        atlas_pg_timestamp(NOW_US - 2000000), atlas_pg_timestamp(NOW_US - 1000000)

/* The next order that is read, and the next orders for a batch of rides (one of them, ID). */
void script_order(struct testhost *host, const char *driver, int status);
void script_orders_of_rides(struct testhost *host, const char *driver, int status);

/* The event that a statement wrote, from its parameters. */
Atlas__Events__V1__OrderEvent *event_of(struct testhost *host, const char *statement,
                                        size_t payload_index);

/* A valid request, and its call. */
Atlas__Order__V1__CreateOrderRequest create_request(void);
atlas_status_t create_order(struct testhost *host, const Atlas__Order__V1__CreateOrderRequest *req,
                            Atlas__Order__V1__CreateOrderResponse **ret_res);

/* UpdateOrderStatus of ID; driver NULL: not given. */
atlas_status_t update(struct testhost *host, int asked, const char *driver,
                      Atlas__Order__V1__UpdateOrderStatusResponse **ret_res);

/* A record of ride-dispatch that is good until so many seconds from now. */
struct atlas_kafka_record ride_record(struct testhost *host, const char *order, const char *driver,
                                      int64_t expires_s);

/* The status of a batch of one. */
atlas_status_t consume_one(struct testhost *host, struct atlas_kafka_record record);

#endif
