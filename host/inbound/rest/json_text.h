/* Text as a string of JSON. */
#ifndef INBOUND_REST_JSON_TEXT_H
#define INBOUND_REST_JSON_TEXT_H

#include <stddef.h>

struct buffer;

/* Appends text in quotes. What is not UTF-8 becomes U+FFFD. */
void json_put_string(struct buffer *out, const char *text, size_t len);

#endif
