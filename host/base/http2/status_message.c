#include "base/http2/status_message.h"

#include <stdbool.h>

#include "base/hex.h"

static bool is_plain(char c)
{
    return c >= 0x20 && c <= 0x7e && c != '%';
}

size_t status_message_encode(const char *text, size_t len, char *ret_encoded)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = ret_encoded;
    for (size_t i = 0; i < len; i++) {
        if (is_plain(text[i])) {
            *out++ = text[i];
        } else {
            *out++ = '%';
            *out++ = digits[(unsigned char)text[i] >> 4];
            *out++ = digits[(unsigned char)text[i] & 15];
        }
    }
    return (size_t)(out - ret_encoded);
}

size_t status_message_decode(const char *encoded, size_t len, char *ret_text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < len && used + 1 < size; i++) {
        char c = encoded[i];
        if (c == '%' && len - i > 2 && hex_value(encoded[i + 1]) >= 0 &&
            hex_value(encoded[i + 2]) >= 0) {
            c = (char)(hex_value(encoded[i + 1]) * 16 + hex_value(encoded[i + 2]));
            i += 2;
        }
        ret_text[used++] = c;
    }
    ret_text[used] = '\0';
    return used;
}
