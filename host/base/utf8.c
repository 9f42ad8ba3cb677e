#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

size_t utf8_sequence(const void *data, size_t left)
{
    const uint8_t *text = data;
    uint8_t first = text[0];
    size_t len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint8_t low = 0x80;
    uint8_t high = 0xbf;

    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4 || len > left) {
        return 0;
    }
    if (first == 0xe0) {
        low = 0xa0; /* overlong */
    } else if (first == 0xed) {
        high = 0x9f; /* surrogates */
    } else if (first == 0xf0) {
        low = 0x90; /* overlong */
    } else if (first == 0xf4) {
        high = 0x8f; /* beyond U+10FFFF */
    }
    if (text[1] < low || text[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return len;
}

bool utf8_is_text(const void *data, size_t len)
{
    const uint8_t *text = data;

    for (size_t i = 0; i < len;) {
        size_t sequence = text[i] < 0x80 ? 1 : utf8_sequence(text + i, len - i);

        if (sequence == 0) {
            return false;
        }
        i += sequence;
    }
    return true;
}

bool utf8_is_valid(const void *data, size_t len)
{
    return (len == 0 || memchr(data, '\0', len) == NULL) && utf8_is_text(data, len);
}
