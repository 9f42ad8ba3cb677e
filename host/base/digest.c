/* SHA-256 by libcrypto. */
#include "base/digest.h"

#include <openssl/evp.h>

atlas_status_t digest_sha256(const struct digest_part *parts, size_t count,
                             uint8_t ret_digest[DIGEST_SIZE], struct error *error)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;

    for (size_t i = 0; i < count && is_good; i++) {
        is_good = EVP_DigestUpdate(context, parts[i].data, parts[i].len) == 1;
    }
    is_good = is_good && EVP_DigestFinal_ex(context, ret_digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    return is_good ? ATLAS_OK
                   : error_set(error, ATLAS_INTERNAL,
                               "SHA-256 is not available: libcrypto refuses it; check the OpenSSL "
                               "configuration of this machine");
}

const char *digest_format(const uint8_t digest[DIGEST_SIZE], char buffer[DIGEST_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        buffer[2 * i] = digits[digest[i] >> 4];
        buffer[2 * i + 1] = digits[digest[i] & 15];
    }
    buffer[2 * (size_t)DIGEST_SIZE] = '\0';
    return buffer;
}
