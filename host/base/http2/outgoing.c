#include "base/http2/outgoing.h"

#include <stdlib.h>
#include <string.h>

#include "base/http2/message_parser.h"

static void count(struct outgoing *outgoing, size_t added, size_t removed)
{
    outgoing->queued += added - removed;
    if (outgoing->total != NULL) {
        *outgoing->total += added - removed;
    }
}

void outgoing_push(struct outgoing *outgoing, struct outgoing_message *message)
{
    message->next = NULL;
    if (outgoing->head == NULL) {
        outgoing->head = message;
    } else {
        outgoing->last->next = message;
    }
    outgoing->last = message;
    count(outgoing, MESSAGE_PREFIX_SIZE + message->len, 0);
}

bool outgoing_copy(struct outgoing *outgoing, const void *body, size_t len)
{
    struct outgoing_message *message = malloc(sizeof *message + len);
    if (message == NULL) {
        return false;
    }
    *message = (struct outgoing_message){.body = message + 1, .len = len, .is_owned = true};
    if (len > 0) {
        memcpy(message + 1, body, len);
    }
    outgoing_push(outgoing, message);
    return true;
}

static void pop(struct outgoing *outgoing)
{
    struct outgoing_message *message = outgoing->head;
    outgoing->head = message->next;
    outgoing->offset = 0;
    if (message->is_owned) {
        free(message);
    }
}

/* Copies what fits of a piece from an offset on. */
static size_t copy_part(uint8_t *buffer, size_t room, const void *piece, size_t len, size_t at)
{
    size_t copied = len - at < room ? len - at : room;
    if (copied > 0) {
        memcpy(buffer, (const uint8_t *)piece + at, copied);
    }
    return copied;
}

size_t outgoing_read(struct outgoing *outgoing, uint8_t *buffer, size_t room)
{
    size_t used = 0;
    while (outgoing->head != NULL && used < room) {
        struct outgoing_message *message = outgoing->head;
        if (outgoing->offset < MESSAGE_PREFIX_SIZE) {
            uint8_t prefix[MESSAGE_PREFIX_SIZE];
            message_prefix_write(prefix, message->len);
            size_t copied = copy_part(buffer + used, room - used, prefix, MESSAGE_PREFIX_SIZE,
                                      outgoing->offset);
            used += copied;
            outgoing->offset += copied;
        }
        if (outgoing->offset >= MESSAGE_PREFIX_SIZE) {
            size_t copied = copy_part(buffer + used, room - used, message->body, message->len,
                                      outgoing->offset - MESSAGE_PREFIX_SIZE);
            used += copied;
            outgoing->offset += copied;
            if (outgoing->offset == MESSAGE_PREFIX_SIZE + message->len) {
                pop(outgoing);
            }
        }
    }
    count(outgoing, 0, used);
    return used;
}

void outgoing_clear(struct outgoing *outgoing)
{
    while (outgoing->head != NULL) {
        pop(outgoing);
    }
    count(outgoing, 0, outgoing->queued);
}
