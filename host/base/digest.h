/* SHA-256: what a plugin's file and configuration are told apart by. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define DIGEST_SIZE      32
#define DIGEST_TEXT_SIZE 65

/* One piece of what is digested. */
struct digest_part {
    const void *data;
    size_t len;
};

/* The SHA-256 of the parts, one behind the other. INTERNAL if libcrypto refuses. Any thread. */
atlas_status_t digest_sha256(const struct digest_part *parts, size_t count,
                             uint8_t ret_digest[DIGEST_SIZE], struct error *error);

/* Writes a digest in lower-case hex with its NUL; returns buffer. */
const char *digest_format(const uint8_t digest[DIGEST_SIZE], char buffer[DIGEST_TEXT_SIZE]);

#endif
