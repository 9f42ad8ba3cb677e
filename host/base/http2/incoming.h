/* Messages that have come in on one stream and wait to be taken. */
#ifndef BASE_HTTP2_INCOMING_H
#define BASE_HTTP2_INCOMING_H

#include "atlas/abi.h"
#include "base/http2/message_parser.h"

struct incoming_message;

struct incoming {
    struct message_parser parser;
    struct incoming_message *head;
    struct incoming_message **tail;
    struct incoming_message *handed_out; /* borrowed by the reader until its next take */
    size_t unconsumed;                   /* bytes that came and still count against the window */
};

/* Starts an empty list that must not move; limit is of one message, in bytes. */
void incoming_init(struct incoming *incoming, size_t limit);

/* Takes a chunk of DATA. MESSAGE_MORE, or what is wrong with it. */
enum message_result incoming_feed(struct incoming *incoming, const uint8_t *chunk, size_t len);

static inline bool incoming_is_empty(const struct incoming *incoming)
{
    return incoming->head == NULL;
}

/* The next message of a list that is not empty, borrowed until the next take or clear. Returns how
 * many bytes the peer may send in its place. */
size_t incoming_take(struct incoming *incoming, struct atlas_bytes *ret_message);

/* All bytes that count against the window: none of them does afterwards. For a reader that waits
 * for the rest of a message, and for the end. */
size_t incoming_consume_all(struct incoming *incoming);

/* Frees all messages. A list of zeroes is allowed. */
void incoming_clear(struct incoming *incoming);

#endif
