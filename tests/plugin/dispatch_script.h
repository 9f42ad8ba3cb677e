/* The database and the services that the dispatch plugin sees in its tests, and what it is asked.
 */
#ifndef TESTS_DISPATCH_SCRIPT_H
#define TESTS_DISPATCH_SCRIPT_H

#include "atlas/dispatch/v1/dispatch.atlas.h"
#include "atlas/events/v1/events.atlas.h"
#include "atlas/order/v1/order.atlas.h"
#include "atlas/tracker/v1/tracker.atlas.h"
#include "plugin_test.h"

#define ID        "01890a5d-ac96-774b-bcce-b302099a8057"
#define NOW_US    1704067200000000 /* where the clock of the test host starts */
#define GET_ORDER "/atlas.order.v1.Order/GetOrder"
#define NEARBY    "/atlas.tracker.v1.Tracker/GetNearbyDrivers"

#define CREATED  ATLAS__ORDER__V1__ORDER_STATUS__CREATED
#define MATCHED  ATLAS__ORDER__V1__ORDER_STATUS__MATCHED
#define STARTED  ATLAS__ORDER__V1__ORDER_STATUS__STARTED
#define FINISHED ATLAS__ORDER__V1__ORDER_STATUS__FINISHED

#define FOUND     ATLAS__DISPATCH__V1__RIDE_STATUS__DRIVERS_FOUND
#define NOT_FOUND ATLAS__DISPATCH__V1__RIDE_STATUS__DRIVERS_NOT_FOUND

/* The plugin, which asks for two drivers first and for four at most. */
struct testhost *start_dispatch(void);

/* What Order says of the ride, and Tracker: drivers d1, d2, ..., 1 km, 2 km, ... away. */
void script_order(struct testhost *host, const char *driver, int status);
void script_nearby(struct testhost *host, size_t count);

/* What the ride has already. */
void script_no_reservation(struct testhost *host);
void script_reservation(struct testhost *host, const char *driver);

/* The answer of the reservation: a driver was picked, and reserved or lost. */
void script_picked(struct testhost *host, const char *driver, bool is_reserved);

/* RequestRide of ID; passenger NULL: not given. */
atlas_status_t request(struct testhost *host, const char *passenger,
                       Atlas__Dispatch__V1__RequestRideResponse **ret_res);

/* A record of order-events. */
struct atlas_kafka_record order_record(struct testhost *host, int status, const char *driver);

/* A round of the sweeper that finds the reservation of d1 for ID overdue. */
atlas_status_t sweep(struct testhost *host);

#endif
