/* The services that the gateway sees in its tests, and what it is asked. */
#ifndef TESTS_GATEWAY_SCRIPT_H
#define TESTS_GATEWAY_SCRIPT_H

#include "atlas/gateway/v1/gateway.atlas.h"
#include "plugin_test.h"

#define ORDER_ID "01890a5d-ac96-774b-bcce-b302099a8057"

#define GATEWAY       "/atlas.gateway.v1.Gateway/"
#define CREATE_ORDER  "/atlas.order.v1.Order/CreateOrder"
#define GET_ORDER     "/atlas.order.v1.Order/GetOrder"
#define LATEST_ORDER  "/atlas.order.v1.Order/GetLatestOrder"
#define UPDATE_STATUS "/atlas.order.v1.Order/UpdateOrderStatus"
#define REQUEST_RIDE  "/atlas.dispatch.v1.Dispatch/RequestRide"
#define LOCATION      "/atlas.tracker.v1.Tracker/UpdateLocation"
#define DRIVER        "/atlas.tracker.v1.Tracker/GetDriverLocation"
#define NEARBY        "/atlas.tracker.v1.Tracker/GetNearbyDrivers"
#define BALANCE       "/atlas.wallet.v1.Wallet/GetBalance"
#define CREDIT        "/atlas.wallet.v1.Wallet/CreditBalance"

typedef Atlas__Gateway__V1__GetOrderResponse OrderView;
typedef Atlas__Gateway__V1__GetOverviewResponse Overview;

extern char user_id[];
extern char driver_id[];
extern char order_id[]; /* ORDER_ID */

/* The next answer of a method of a service behind. */
void reply(struct testhost *host, const char *path, const ProtobufCMessage *message);
void reply_order(struct testhost *host, const char *path, char *driver);
void reply_driver(struct testhost *host);
void reply_balance(struct testhost *host);
void reply_nearby(struct testhost *host);

/* The gateway's own methods; GetOverview of user_id. */
atlas_status_t get_order(struct testhost *host, char *id, OrderView **ret_view);
atlas_status_t get_overview(struct testhost *host, Overview **ret_overview);

#endif
