/* A listener on one loop: its evhttp. All functions are for that loop. */
#ifndef INBOUND_REST_REST_ENDPOINT_H
#define INBOUND_REST_REST_ENDPOINT_H

#include "inbound/rest/rest_state.h"

/* Opens the endpoint's evhttp; false when memory is out. */
bool rest_endpoint_open(struct rest_endpoint *endpoint);

/* No more connections; what is in flight goes on. */
void rest_endpoint_stop(struct rest_endpoint *endpoint);

/* Cancels what is in flight. */
void rest_endpoint_cancel(struct rest_endpoint *endpoint);

/* Counts the connections whose first request has not arrived, into the endpoint. */
void rest_endpoint_count_unasked(struct rest_endpoint *endpoint);

/* Closes all connections and frees the evhttp. No exchange may be left. */
void rest_endpoint_close(struct rest_endpoint *endpoint);

/* The same once no exchange and no connection is left; else nothing. Stopped before. */
void rest_endpoint_close_if_empty(struct rest_endpoint *endpoint);

#endif
