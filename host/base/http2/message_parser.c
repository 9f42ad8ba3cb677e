#include "base/http2/message_parser.h"

#include <string.h>

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void take(void *to, const uint8_t **chunk, size_t *len, size_t count)
{
    if (count > 0) {
        memcpy(to, *chunk, count);
    }
    *chunk += count;
    *len -= count;
}

static enum message_result begin_body(struct message_parser *parser)
{
    const uint8_t *prefix = parser->prefix;
    parser->len = (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 |
                  (size_t)prefix[4];
    parser->have = 0;
    if (prefix[0] > 1) {
        return MESSAGE_MALFORMED;
    }
    if (prefix[0] == 1) {
        return MESSAGE_COMPRESSED;
    }
    if (parser->len > parser->limit) {
        return MESSAGE_TOO_LARGE;
    }
    parser->body = parser->room(parser->context, parser->len);
    return parser->body == NULL ? MESSAGE_NO_MEMORY : MESSAGE_MORE;
}

enum message_result message_parser_feed(struct message_parser *parser, const uint8_t **chunk,
                                        size_t *len)
{
    if (parser->prefix_have < MESSAGE_PREFIX_SIZE) {
        size_t count = smaller(MESSAGE_PREFIX_SIZE - parser->prefix_have, *len);
        take(parser->prefix + parser->prefix_have, chunk, len, count);
        parser->prefix_have += (unsigned)count;
        if (parser->prefix_have < MESSAGE_PREFIX_SIZE) {
            return MESSAGE_MORE;
        }
        enum message_result result = begin_body(parser);
        if (result != MESSAGE_MORE) {
            return result;
        }
    }
    size_t count = smaller(parser->len - parser->have, *len);
    take(parser->body + parser->have, chunk, len, count);
    parser->have += count;
    if (parser->have < parser->len) {
        return MESSAGE_MORE;
    }
    parser->prefix_have = 0;
    return MESSAGE_COMPLETE;
}

bool message_parser_is_idle(const struct message_parser *parser)
{
    return parser->prefix_have == 0;
}

void message_prefix_write(uint8_t prefix[MESSAGE_PREFIX_SIZE], size_t len)
{
    prefix[0] = 0;
    prefix[1] = (uint8_t)(len >> 24);
    prefix[2] = (uint8_t)(len >> 16);
    prefix[3] = (uint8_t)(len >> 8);
    prefix[4] = (uint8_t)len;
}
