#include "runtime/local_stream.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/call_run.h"
#include "runtime/router.h"
#include "runtime/wait.h"

/* Messages on the way in one direction; the sender waits beyond that. */
#define QUEUE_LIMIT 16

struct message {
    struct message *next;
    size_t len;
    char data[];
};

struct queue {
    struct message *head;
    struct message **tail;
    struct message *current; /* what the reader got last, borrowed until its next recv */
    unsigned count;
    bool is_closed;      /* nothing follows */
    struct wait *reader; /* waits for a message or the end */
    struct wait *writer; /* waits for room */
};

struct local_stream {
    struct call *child; /* the callee; NULL once it has ended */
    struct queue requests;
    struct queue replies;
    atlas_status_t status; /* of the callee, once it has ended */
    char message[CALL_MESSAGE_SIZE];
    bool is_half_closed; /* by the caller, as the next */
    bool is_released;
};

static void wake(struct wait *wait)
{
    if (wait != NULL) {
        wait_complete(wait);
    }
}

/* END_OF_STREAM: nobody takes it any more. */
static atlas_status_t push(struct queue *queue, struct call *call, struct atlas_bytes bytes)
{
    while (queue->count >= QUEUE_LIMIT && !queue->is_closed) {
        struct wait wait;
        wait_init(&wait, call);
        queue->writer = &wait;
        atlas_status_t status = wait_for(&wait);
        queue->writer = NULL;
        if (status != ATLAS_OK) {
            return status;
        }
    }
    if (queue->is_closed) {
        return ATLAS_END_OF_STREAM;
    }
    struct message *message = malloc(sizeof *message + bytes.len);
    if (message == NULL) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED, "no memory for a message");
    }
    message->next = NULL;
    message->len = bytes.len;
    if (bytes.len > 0) {
        memcpy(message->data, bytes.data, bytes.len);
    }
    *queue->tail = message;
    queue->tail = &message->next;
    queue->count++;
    wake(queue->reader);
    return ATLAS_OK;
}

static atlas_status_t pop(struct queue *queue, struct call *call, struct atlas_bytes *ret_message)
{
    free(queue->current);
    queue->current = NULL;
    while (queue->head == NULL && !queue->is_closed) {
        struct wait wait;
        wait_init(&wait, call);
        queue->reader = &wait;
        atlas_status_t status = wait_for(&wait);
        queue->reader = NULL;
        if (status != ATLAS_OK) {
            return status;
        }
    }
    struct message *message = queue->head;
    if (message == NULL) {
        return ATLAS_END_OF_STREAM;
    }
    queue->head = message->next;
    if (queue->head == NULL) {
        queue->tail = &queue->head;
    }
    queue->count--;
    queue->current = message;
    wake(queue->writer);
    *ret_message = (struct atlas_bytes){message->data, message->len};
    return ATLAS_OK;
}

static void close_queue(struct queue *queue)
{
    queue->is_closed = true;
    wake(queue->reader);
    wake(queue->writer);
}

static void clear_queue(struct queue *queue)
{
    free(queue->current);
    for (struct message *message = queue->head, *next; message != NULL; message = next) {
        next = message->next;
        free(message);
    }
}

static void free_if_unused(struct local_stream *stream)
{
    if (stream->is_released && stream->child == NULL) {
        clear_queue(&stream->requests);
        clear_queue(&stream->replies);
        free(stream);
    }
}

static atlas_status_t callee_recv(struct call *child, struct atlas_bytes *ret_message)
{
    struct local_stream *stream = child->peer;
    return pop(&stream->requests, child, ret_message);
}

static atlas_status_t callee_send(struct call *child, struct atlas_bytes message)
{
    struct local_stream *stream = child->peer;
    return push(&stream->replies, child, message);
}

static void callee_on_finished(struct call *child)
{
    struct local_stream *stream = child->peer;
    stream->status = child->status;
    memcpy(stream->message, child->message, sizeof stream->message);
    stream->child = NULL;
    call_destroy(child);
    close_queue(&stream->requests);
    close_queue(&stream->replies);
    free_if_unused(stream);
}

static const struct call_operations callee_operations = {
    .recv = callee_recv, .send = callee_send, .finished = callee_on_finished};

atlas_status_t local_stream_open(struct call *call, struct call *child, void **ret_stream)
{
    struct local_stream *stream = call_admit(call->worker) ? calloc(1, sizeof *stream) : NULL;
    if (stream == NULL) {
        call_destroy(child);
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                         "no fiber is left for a stream; see calls.fibers");
    }
    stream->requests.tail = &stream->requests.head;
    stream->replies.tail = &stream->replies.head;
    stream->child = child;
    child->operations = &callee_operations;
    child->peer = stream;
    *ret_stream = stream;
    call_start(child);
    return ATLAS_OK;
}

/* Says why nothing can be sent any more, as the gRPC client does. */
static atlas_status_t fail_ended(const struct local_stream *stream, struct call *call)
{
    if (stream->is_half_closed) {
        return call_fail(call, ATLAS_FAILED_PRECONDITION, "send after half_close");
    }
    if (stream->status == ATLAS_OK) {
        return call_fail(call, ATLAS_FAILED_PRECONDITION, "the peer has ended the stream");
    }
    return call_fail(call, stream->status, "%s", stream->message);
}

atlas_status_t local_stream_send(void *stream, struct call *call, struct atlas_bytes message)
{
    struct local_stream *self = stream;
    atlas_status_t status = push(&self->requests, call, message);
    return status == ATLAS_END_OF_STREAM ? fail_ended(self, call) : status;
}

atlas_status_t local_stream_half_close(void *stream)
{
    struct local_stream *self = stream;
    self->is_half_closed = true;
    close_queue(&self->requests);
    return ATLAS_OK;
}

atlas_status_t local_stream_recv(void *stream, struct call *call, struct atlas_bytes *ret_message)
{
    struct local_stream *self = stream;
    atlas_status_t status = pop(&self->replies, call, ret_message);
    if (status == ATLAS_END_OF_STREAM && self->status != ATLAS_OK) {
        memcpy(call->message, self->message, sizeof call->message);
        return self->status;
    }
    return status;
}

void local_stream_close(void *stream)
{
    struct local_stream *self = stream;
    self->is_released = true;
    if (self->child != NULL) {
        call_cancel(self->child, ATLAS_CANCELLED);
    }
    free_if_unused(self);
}
