#include "base/binary_header.h"

#include <string.h>

#include "base/base64.h"

bool binary_header_is_name(const char *name, size_t len)
{
    return len > 4 && memcmp(name + len - 4, "-bin", 4) == 0;
}

size_t binary_header_encode(const void *data, size_t len, char *ret_text)
{
    base64_encode(data, len, ret_text);
    return (len * 4 + 2) / 3; /* without the padding */
}

bool binary_header_decode(const char *text, size_t len, void *ret_data, size_t *ret_len)
{
    return base64_decode(text, len, ret_data, ret_len);
}
