#include "runtime/trace.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "runtime/worker.h"

#define TRACEPARENT_LEN (TRACE_TEXT_SIZE - 1)

/* In lower case only. */
static int hex_digit(char c)
{
    return c >= 'A' && c <= 'F' ? -1 : hex_value(c);
}

static bool read_hex(const char *text, uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool is_zero(const uint8_t *bytes, size_t count)
{
    while (count > 0 && bytes[count - 1] == 0) {
        count--;
    }
    return count == 0;
}

bool trace_parse(struct atlas_bytes text, struct trace_context *ret_trace)
{
    const char *p = text.data;
    struct trace_context trace;
    uint8_t version;
    if (text.len < TRACEPARENT_LEN || p[2] != '-' || p[35] != '-' || p[52] != '-' ||
        !read_hex(p, &version, 1) || version == 0xff ||
        (version == 0 && text.len != TRACEPARENT_LEN) || !read_hex(p + 3, trace.trace_id, 16) ||
        !read_hex(p + 36, trace.span_id, 8) || !read_hex(p + 53, &trace.flags, 1) ||
        is_zero(trace.trace_id, 16) || is_zero(trace.span_id, 8)) {
        return false;
    }
    *ret_trace = trace;
    return true;
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void trace_begin(struct worker *worker, struct trace_context *ret_trace)
{
    uint64_t words[3];
    for (int i = 0; i < 3; i++) {
        words[i] = next_random(&worker->trace_state) | 1; /* an id of zeros is none */
    }
    memcpy(ret_trace->trace_id, words, 16);
    memcpy(ret_trace->span_id, &words[2], 8);
    ret_trace->flags = 1;
}

static char *put_hex(char *out, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        *out++ = "0123456789abcdef"[bytes[i] >> 4];
        *out++ = "0123456789abcdef"[bytes[i] & 15];
    }
    return out;
}

void trace_write(const struct trace_context *trace, char buffer[TRACE_TEXT_SIZE])
{
    if (is_zero(trace->trace_id, 16)) {
        buffer[0] = '\0';
        return;
    }
    memcpy(buffer, "00-", 3);
    char *next = put_hex(buffer + 3, trace->trace_id, 16);
    *next++ = '-';
    next = put_hex(next, trace->span_id, 8);
    *next++ = '-';
    next = put_hex(next, &trace->flags, 1);
    *next = '\0';
}
