#include "base/http2/binary_header.h"

#include <stdint.h>
#include <string.h>

bool binary_header_is_name(const char *name, size_t len)
{
    return len > 4 && memcmp(name + len - 4, "-bin", 4) == 0;
}

size_t binary_header_encode(const void *data, size_t len, char *ret_text)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *bytes = data;
    char *out = ret_text;
    for (size_t i = 0; i < len; i += 3) {
        size_t count = len - i < 3 ? len - i : 3;
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= count > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= count > 2 ? (uint32_t)bytes[i + 2] : 0;
        for (size_t j = 0; j <= count; j++) {
            *out++ = alphabet[(group >> (18 - 6 * j)) & 63];
        }
    }
    return (size_t)(out - ret_text);
}

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '+') {
        return 62;
    }
    return c == '/' ? 63 : -1;
}

/* The length without padding, which is right only if it fills up a group of four. */
static bool strip_padding(const char *text, size_t *len)
{
    size_t padding = 0;
    while (padding < 2 && *len > padding && text[*len - padding - 1] == '=') {
        padding++;
    }
    if (padding > 0 && *len % 4 != 0) {
        return false;
    }
    *len -= padding;
    return *len % 4 != 1;
}

bool binary_header_decode(const char *text, size_t len, void *ret_data, size_t *ret_len)
{
    if (!strip_padding(text, &len)) {
        return false;
    }
    unsigned char *out = ret_data;
    uint32_t group = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < len; i++) {
        int value = digit_value(text[i]);
        if (value < 0) {
            return false;
        }
        group = (group << 6) | (uint32_t)value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *out++ = (unsigned char)(group >> bits);
        }
    }
    *ret_len = (size_t)(out - (unsigned char *)ret_data);
    return true;
}
