/* Statuses on the wire: grpc-status, and what HTTP statuses and stream resets mean to a client. */
#ifndef BASE_HTTP2_GRPC_STATUS_H
#define BASE_HTTP2_GRPC_STATUS_H

#include "atlas/status.h"

/* The digits of a status, static, with their length; a number that is none counts as UNKNOWN. */
struct atlas_bytes grpc_status_text(atlas_status_t status);

/* Reads grpc-status; what is no known status counts as UNKNOWN. */
atlas_status_t grpc_status_parse(const char *text, size_t len);

/* A response without grpc-status. */
atlas_status_t grpc_status_of_http(int http_status);

/* A stream that the server reset with this HTTP/2 error code. */
atlas_status_t grpc_status_of_reset(uint32_t error_code);

#endif
