#include "base/http2/traceparent.h"

#include <string.h>

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; /* capitals are not allowed */
}

static bool parse_hex(const char *text, uint8_t *ret_bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int high = digit_value(text[2 * i]);
        int low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        ret_bytes[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static bool is_zero(const uint8_t *bytes, size_t count)
{
    uint8_t any = 0;
    for (size_t i = 0; i < count; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

bool traceparent_parse(const char *text, size_t len, uint8_t ret_trace_id[16],
                       uint8_t ret_span_id[8], uint8_t *ret_flags)
{
    uint8_t version;
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t flags;
    if (len < TRACEPARENT_SIZE || text[2] != '-' || text[35] != '-' || text[52] != '-' ||
        !parse_hex(text, &version, 1) || !parse_hex(text + 3, trace_id, 16) ||
        !parse_hex(text + 36, span_id, 8) || !parse_hex(text + 53, &flags, 1)) {
        return false;
    }
    /* Later versions may have more behind a dash; ff is forbidden. */
    if (version == 0xff || (len > TRACEPARENT_SIZE && (version == 0 || text[55] != '-')) ||
        is_zero(trace_id, 16) || is_zero(span_id, 8)) {
        return false;
    }
    memcpy(ret_trace_id, trace_id, 16);
    memcpy(ret_span_id, span_id, 8);
    *ret_flags = flags;
    return true;
}

static char *format_hex(char *out, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    return out;
}

void traceparent_format(const uint8_t trace_id[16], const uint8_t span_id[8], uint8_t flags,
                        char ret_text[TRACEPARENT_SIZE + 1])
{
    char *out = ret_text;
    *out++ = '0';
    *out++ = '0';
    *out++ = '-';
    out = format_hex(out, trace_id, 16);
    *out++ = '-';
    out = format_hex(out, span_id, 8);
    *out++ = '-';
    out = format_hex(out, &flags, 1);
    *out = '\0';
}
