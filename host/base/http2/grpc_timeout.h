/* The grpc-timeout header: one to eight digits and a unit, H M S m u n. */
#ifndef BASE_HTTP2_GRPC_TIMEOUT_H
#define BASE_HTTP2_GRPC_TIMEOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough for every formatted timeout and its NUL. */
#define GRPC_TIMEOUT_SIZE 16

/* False if the text is no timeout. Values beyond int64 nanoseconds become INT64_MAX. */
bool grpc_timeout_parse(const char *text, size_t len, int64_t *ret_ns);

/* Writes the smallest unit that needs at most eight digits, rounded up; "0n" for none left.
 * Returns the length. */
size_t grpc_timeout_format(int64_t timeout_ns, char text[GRPC_TIMEOUT_SIZE]);

#endif
