/* Is it text? */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the UTF-8 sequence that data begins with (len > 0), 0 if it is not well-formed (RFC
 * 3629: no overlong forms, no surrogates). Any thread. */
size_t utf8_sequence(const void *data, size_t len);

/* True if all of it is well-formed. */
bool utf8_is_text(const void *data, size_t len);

/* The same, and without a NUL, so that it can travel as a C string. */
bool utf8_is_valid(const void *data, size_t len);

#endif
