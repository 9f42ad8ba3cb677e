/* Values of "-bin" metadata: base64, sent without padding, taken with or without. */
#ifndef BASE_BINARY_HEADER_H
#define BASE_BINARY_HEADER_H

#include <stdbool.h>
#include <stddef.h>

/* Room that encoding len bytes needs. */
#define BINARY_HEADER_ENCODED_SIZE(len) (((len) + 2) / 3 * 4)

/* Room that decoding len characters needs. */
#define BINARY_HEADER_DECODED_SIZE(len) ((len) / 4 * 3 + 3)

/* True if metadata of this name carries bytes. */
bool binary_header_is_name(const char *name, size_t len);

/* Encodes into BINARY_HEADER_ENCODED_SIZE(len) characters; returns how many count. */
size_t binary_header_encode(const void *data, size_t len, char *ret_text);

/* Decodes into BINARY_HEADER_DECODED_SIZE(len) bytes. False if it is no base64. */
bool binary_header_decode(const char *text, size_t len, void *ret_data, size_t *ret_len);

#endif
