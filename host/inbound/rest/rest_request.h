/* The request message of a method, put together from path, query and body as google.api.http says.
 */
#ifndef INBOUND_REST_REST_REQUEST_H
#define INBOUND_REST_REST_REQUEST_H

#include "base/wire.h"
#include "inbound/rest/rest_routes.h"

#define QUERY_PARAMETER_LIMIT 64u

/*
 * Appends the message for a match. query is what stands behind the ?, still encoded;
 * depth bounds the JSON.
 * INVALID_ARGUMENT names the field or parameter, RESOURCE_EXHAUSTED when the buffer's limit is
 * reached. Uses some 10 KiB of stack; does not wait.
 */
atlas_status_t rest_request_build(const struct rest_match *match, struct atlas_bytes query,
                                  struct atlas_bytes body, unsigned int depth, struct buffer *out,
                                  struct error *error);

#endif
