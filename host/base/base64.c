#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *data, size_t len, char *ret_text)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < len; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16;

        group |= i + 1 < len ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= i + 2 < len ? bytes[i + 2] : 0;
        *ret_text++ = alphabet[group >> 18];
        *ret_text++ = alphabet[(group >> 12) & 63];
        *ret_text++ = i + 1 < len ? alphabet[(group >> 6) & 63] : '=';
        *ret_text++ = i + 2 < len ? alphabet[group & 63] : '=';
    }
}

/* The six bits of a character, -1 if it is none of both alphabets. */
static int value_of(char character)
{
    if (character >= 'A' && character <= 'Z') {
        return character - 'A';
    }
    if (character >= 'a' && character <= 'z') {
        return character - 'a' + 26;
    }
    if (character >= '0' && character <= '9') {
        return character - '0' + 52;
    }
    if (character == '+' || character == '-') {
        return 62;
    }
    return character == '/' || character == '_' ? 63 : -1;
}

bool base64_decode(const char *text, size_t len, uint8_t *ret_data, size_t *ret_len)
{
    uint32_t bits = 0;
    unsigned int bit_count = 0;
    size_t out = 0;

    if (len % 4 == 0 && len > 0 && text[len - 1] == '=') {
        len -= text[len - 2] == '=' ? 2 : 1;
    }
    for (size_t i = 0; i < len; i++) {
        int value = value_of(text[i]);

        if (value < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            ret_data[out++] = (uint8_t)(bits >> bit_count);
        }
    }
    *ret_len = out;
    return len % 4 != 1;
}
