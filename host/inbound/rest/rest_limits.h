/* Bounds of the REST server, from the configuration ("rest"). */
#ifndef INBOUND_REST_REST_LIMITS_H
#define INBOUND_REST_REST_LIMITS_H

#include <stddef.h>
#include <stdint.h>

struct config_rest;

struct rest_limits {
    unsigned connections; /* of one listener, spread over the loops */
    size_t body_limit;    /* bytes */
    size_t header_limit;  /* bytes of request line and headers */
    unsigned depth;       /* of JSON, at most 100 */
    int64_t request_ms;   /* from the first byte of a request until all of it is there */
    unsigned lingering;   /* sockets kept for clients that may still be sending */
    int64_t linger_ms;    /* for so long */
    int64_t idle_ms;      /* a connection that neither sends nor takes anything so long is closed */
};

/* The limits that the group "rest" of the configuration says. */
struct rest_limits rest_limits_of(const struct config_rest *config);

#endif
