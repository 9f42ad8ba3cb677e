/* Answers of the REST server: JSON, with the HTTP status that belongs to a call's status. */
#ifndef INBOUND_REST_REST_REPLY_H
#define INBOUND_REST_REST_REPLY_H

#include "base/error.h"

struct call;
struct evhttp_request;
struct rest_endpoint;
struct rest_route;

/*
 * Answers {"code","message","details"} with this HTTP status. allow: the methods of a 405, else
 * NULL. closes: the connection ends with this answer. The request is evhttp's again afterwards.
 */
void rest_reply_error(struct rest_endpoint *endpoint, struct evhttp_request *request,
                      int http_status, atlas_status_t status, const char *message,
                      const char *allow, bool closes);

/* Answers with what a finished call says: its reply as JSON, or its status. The request is evhttp's
 * again afterwards; nothing of the call is needed any more. */
void rest_reply_call(struct rest_endpoint *endpoint, struct evhttp_request *request,
                     const struct rest_route *route, struct call *call);

#endif
