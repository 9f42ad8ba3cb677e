/* The request headers that REST looks at, and the ones for which it refuses a request. */
#ifndef INBOUND_REST_REST_HEADERS_H
#define INBOUND_REST_REST_HEADERS_H

#include "atlas/abi.h"
#include "base/error.h"

struct call;
struct evhttp_request;

/* Views into the request; NULL: absent. */
struct rest_headers {
    const char *content_type;
    const char *content_length;
    const char *content_encoding;
    const char *transfer_encoding;
    const char *traceparent;
    const char *grpc_timeout;
    const char *host;
    const char *refusal; /* why the request must not be read as it stands; NULL: it may */
};

/*
 * Reads the headers. What could be read in two ways by two servers, of which evhttp lets some pass,
 * is refused: names that are no tokens, a length or host given twice, a length that is no plain
 * number, a Transfer-Encoding other than chunked or with HTTP/1.0, a body with HEAD or TRACE,
 * HTTP/1.1 without Host, other versions. The connection has to be closed
 * then, since where the next request begins is unknown.
 */
void rest_headers_read(struct evhttp_request *request, struct rest_headers *ret_headers);

/* True if a body of this type is taken as JSON: application/json, or no type given; not
 * compressed. */
bool rest_headers_are_json(const struct rest_headers *headers);

/* Adds authorization and grpc-metadata-* to the call's metadata. RESOURCE_EXHAUSTED if it is too
 * much. */
atlas_status_t rest_headers_to_metadata(struct evhttp_request *request, struct call *call);

#endif
