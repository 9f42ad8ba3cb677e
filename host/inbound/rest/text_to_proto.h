/* Plain text to the wire form of one field, for path segments, query parameters and JSON strings.
 */
#ifndef INBOUND_REST_TEXT_TO_PROTO_H
#define INBOUND_REST_TEXT_TO_PROTO_H

#include "base/descriptors.h"
#include "base/wire.h"

/* Appends the content of a Timestamp or Duration (without tag and length). NULL, or what was
 * expected instead of the text: "a duration such as ...". */
const char *text_put_time(struct buffer *out, const struct message_descriptor *message,
                          struct atlas_bytes text);

/* Appends one field with its tag: scalars, Timestamp, Duration and wrappers. One element of a
 * repeated field. NULL, or what was expected instead of the text. */
const char *text_put_field(struct buffer *out, const struct field_descriptor *field,
                           struct atlas_bytes text);

#endif
