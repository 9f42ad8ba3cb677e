/* The grpc-message header: UTF-8, with everything outside of printable ASCII, and '%', as %XX. */
#ifndef BASE_HTTP2_STATUS_MESSAGE_H
#define BASE_HTTP2_STATUS_MESSAGE_H

#include <stddef.h>

/* Bytes that an encoded text of this length may need. */
#define STATUS_MESSAGE_ENCODED_SIZE(len) ((len)*3)

/* Encodes into room for STATUS_MESSAGE_ENCODED_SIZE(len) bytes; returns the length. */
size_t status_message_encode(const char *text, size_t len, char *ret_encoded);

/* Decodes into a buffer of size bytes, cut to fit, ended by a NUL. Never fails: what is no escape
 * stays as it is. Returns the length. */
size_t status_message_decode(const char *encoded, size_t len, char *ret_text, size_t size);

#endif
