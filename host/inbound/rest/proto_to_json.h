/*
 * Protobuf wire bytes to JSON, driven by descriptors. Keys are the names of the proto file; fields
 * without presence are always written, the others if they are set; 64-bit integers are strings.
 */
#ifndef INBOUND_REST_PROTO_TO_JSON_H
#define INBOUND_REST_PROTO_TO_JSON_H

#include "base/descriptors.h"
#include "base/wire.h"

/* Appends the message as a JSON object (well-known types in their own form). INTERNAL if the bytes
 * are not such a message, RESOURCE_EXHAUSTED when the buffer's limit is reached. Does not wait. */
atlas_status_t proto_to_json(const struct message_descriptor *message, struct atlas_bytes proto,
                             struct buffer *out, struct error *error);

/* Appends only the value of one field of the message: for a response_body that names it. */
atlas_status_t proto_to_json_field(const struct message_descriptor *message,
                                   const struct field_descriptor *field, struct atlas_bytes proto,
                                   struct buffer *out, struct error *error);

#endif
