/* Exchanges: calls that run for a client of an endpoint, each with the request that it answers. On
 * the endpoint's loop. */
#ifndef INBOUND_REST_REST_EXCHANGE_H
#define INBOUND_REST_REST_EXCHANGE_H

#include "inbound/rest/rest_state.h"

struct call;
struct evhttp_request;
struct rest_exchange;
struct rest_route;

/* Runs a call whose request is filled until it waits, or to its end; the request is answered and
 * the call destroyed when it has ended. A call without a route is passed on to its service
 * elsewhere. */
void rest_exchange_start(struct rest_endpoint *endpoint, struct call *call,
                         struct evhttp_request *request, const struct rest_route *route);

/* Cancels the call of an exchange; its answer still comes. */
void rest_exchange_cancel(struct rest_exchange *exchange);

/* The exchange after this one in its endpoint's list. */
struct rest_exchange *rest_exchange_next(const struct rest_exchange *exchange);

#endif
