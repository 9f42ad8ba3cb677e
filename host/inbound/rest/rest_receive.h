/* A request that has arrived becomes a call. */
#ifndef INBOUND_REST_REST_RECEIVE_H
#define INBOUND_REST_REST_RECEIVE_H

struct evhttp_request;

/* The callback of evhttp for a request that is there as a whole; endpoint is the struct
 * rest_endpoint that it came to. Answers it, or starts its call. On the endpoint's loop. */
void rest_receive(struct evhttp_request *request, void *endpoint);

#endif
