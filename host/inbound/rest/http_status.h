/* Statuses as HTTP has them: the table of grpc-gateway, with FAILED_PRECONDITION as 409. */
#ifndef INBOUND_REST_HTTP_STATUS_H
#define INBOUND_REST_HTTP_STATUS_H

#include "atlas/status.h"

/* The HTTP status of a call's status: 404 for ATLAS_NOT_FOUND. */
int http_status_of(atlas_status_t status);

/* The reason phrase of an HTTP status; static. */
const char *http_status_phrase(int http_status);

#endif
