/* Messages on their way out of one stream: framed and copied into DATA frames as they are asked
 * for. */
#ifndef BASE_HTTP2_OUTGOING_H
#define BASE_HTTP2_OUTGOING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outgoing_message {
    struct outgoing_message *next;
    const void *body;
    size_t len;
    bool is_owned; /* made by outgoing_copy: freed when it is out */
};

/* Zero-initialise. */
struct outgoing {
    struct outgoing_message *head;
    struct outgoing_message *last;
    size_t offset; /* of the head message and its prefix, bytes that are out */
    size_t queued; /* bytes that are not out, with prefixes */
    size_t *total; /* NULL, or where they are counted together with those of other streams */
};

/* Queues a message; it and its body are borrowed until they are out or outgoing_clear. */
void outgoing_push(struct outgoing *outgoing, struct outgoing_message *message);

/* Queues a copy. False if there is no memory. */
bool outgoing_copy(struct outgoing *outgoing, const void *body, size_t len);

/* Takes up to room bytes out. */
size_t outgoing_read(struct outgoing *outgoing, uint8_t *buffer, size_t room);

static inline bool outgoing_is_empty(const struct outgoing *outgoing)
{
    return outgoing->head == NULL;
}

/* Drops what is queued. */
void outgoing_clear(struct outgoing *outgoing);

#endif
