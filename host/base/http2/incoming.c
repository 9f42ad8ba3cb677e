#include "base/http2/incoming.h"

#include <stdlib.h>

#include "base/loop.h"

struct incoming_message {
    struct incoming_message *next;
    size_t len;
    char data[];
};

static void *room(void *context, size_t len)
{
    (void)context;
    struct incoming_message *message = malloc(sizeof *message + len);
    if (message == NULL) {
        return NULL;
    }
    message->next = NULL;
    message->len = len;
    return message->data;
}

void incoming_init(struct incoming *incoming, size_t limit)
{
    *incoming = (struct incoming){.parser = {.limit = limit, .room = room}};
    incoming->tail = &incoming->head;
}

static struct incoming_message *message_of(char *body)
{
    return CONTAINER_OF(body, struct incoming_message, data);
}

enum message_result incoming_feed(struct incoming *incoming, const uint8_t *chunk, size_t len)
{
    enum message_result result = MESSAGE_MORE;
    incoming->unconsumed += len;
    while (len > 0 && (result == MESSAGE_MORE || result == MESSAGE_COMPLETE)) {
        result = message_parser_feed(&incoming->parser, &chunk, &len);
        if (result == MESSAGE_COMPLETE) {
            struct incoming_message *message = message_of(incoming->parser.body);
            incoming->parser.body = NULL;
            *incoming->tail = message;
            incoming->tail = &message->next;
        }
    }
    return result == MESSAGE_COMPLETE ? MESSAGE_MORE : result;
}

size_t incoming_take(struct incoming *incoming, struct atlas_bytes *ret_message)
{
    struct incoming_message *message = incoming->head;
    free(incoming->handed_out);
    incoming->handed_out = message;
    incoming->head = message->next;
    if (incoming->head == NULL) {
        incoming->tail = &incoming->head;
    }
    *ret_message = (struct atlas_bytes){message->data, message->len};
    size_t consumed = message->len + MESSAGE_PREFIX_SIZE;
    if (consumed > incoming->unconsumed) { /* a part was given back while the reader waited */
        consumed = incoming->unconsumed;
    }
    incoming->unconsumed -= consumed;
    return consumed;
}

size_t incoming_consume_all(struct incoming *incoming)
{
    size_t consumed = incoming->unconsumed;
    incoming->unconsumed = 0;
    return consumed;
}

void incoming_clear(struct incoming *incoming)
{
    if (incoming->parser.body != NULL) {
        free(message_of(incoming->parser.body));
        incoming->parser.body = NULL;
    }
    while (incoming->head != NULL) {
        struct incoming_message *message = incoming->head;
        incoming->head = message->next;
        free(message);
    }
    incoming->tail = &incoming->head;
    free(incoming->handed_out);
    incoming->handed_out = NULL;
}
