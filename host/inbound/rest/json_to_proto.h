/*
 * JSON to protobuf wire bytes, driven by descriptors: the rules of ProtoJSON, with unknown fields,
 * duplicates and bad values refused by an INVALID_ARGUMENT that names the path of the field.
 */
#ifndef INBOUND_REST_JSON_TO_PROTO_H
#define INBOUND_REST_JSON_TO_PROTO_H

#include "base/descriptors.h"
#include "base/wire.h"
#include "inbound/rest/json_depth.h"

/* Appends the message that the JSON object describes; empty text counts as {}. depth, at most
 * JSON_DEPTH_LIMIT, bounds objects and arrays in each other. RESOURCE_EXHAUSTED when the buffer's
 * limit is reached. Any thread; does not wait. */
atlas_status_t json_to_proto(const struct message_descriptor *message, struct atlas_bytes json,
                             unsigned int depth, struct buffer *out, struct error *error);

/* The same for the value of one field, with its tag: for google.api.http bodies that name a field.
 */
atlas_status_t json_to_proto_field(const struct field_descriptor *field, struct atlas_bytes json,
                                   unsigned int depth, struct buffer *out, struct error *error);

#endif
