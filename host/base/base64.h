/* Base64, RFC 4648. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters of the padded form of len bytes. */
static inline size_t base64_encoded_size(size_t len)
{
    return (len + 2) / 3 * 4;
}

/* Writes the standard alphabet with padding: base64_encoded_size(len) characters, no NUL. */
void base64_encode(const void *data, size_t len, char *ret_text);

/* Reads the standard or the URL-safe alphabet, with or without padding, into at most len / 4 * 3 +
 * 2 bytes; false if the text is anything else. */
bool base64_decode(const char *text, size_t len, uint8_t *ret_data, size_t *ret_len);

#endif
