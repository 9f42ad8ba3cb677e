/* Length-prefixed messages out of DATA chunks of any size: one flag byte, four of length, bytes. */
#ifndef BASE_HTTP2_MESSAGE_PARSER_H
#define BASE_HTTP2_MESSAGE_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_PREFIX_SIZE 5

enum message_result {
    MESSAGE_MORE,       /* the chunk is used up */
    MESSAGE_COMPLETE,   /* body and len are one message; the rest of the chunk follows */
    MESSAGE_COMPRESSED, /* flag 1, but no compression was agreed */
    MESSAGE_MALFORMED,  /* a flag that does not exist */
    MESSAGE_TOO_LARGE,  /* len is over the limit */
    MESSAGE_NO_MEMORY,  /* room returned NULL */
};

/* Zero-initialise; set limit, room and context. */
struct message_parser {
    size_t limit;                             /* bytes of one message */
    void *(*room)(void *context, size_t len); /* where the body of the next message goes */
    void *context;
    char *body;
    size_t len;  /* of the message, once its prefix is complete */
    size_t have; /* bytes of it in body */
    unsigned prefix_have;
    uint8_t prefix[MESSAGE_PREFIX_SIZE];
};

/* Takes bytes from the chunk up to the end of one message at most. After any result but MORE and
 * COMPLETE the stream is of no further use. */
enum message_result message_parser_feed(struct message_parser *parser, const uint8_t **chunk,
                                        size_t *len);

/* True between messages: the stream may end here. */
bool message_parser_is_idle(const struct message_parser *parser);

/* Writes the prefix of a message that is not compressed. */
void message_prefix_write(uint8_t prefix[MESSAGE_PREFIX_SIZE], size_t len);

#endif
