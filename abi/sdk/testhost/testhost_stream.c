#include "testhost_stream.h"

#include <pthread.h>
#include <stdlib.h>

#include "testhost_arena.h"
#include "testhost_call.h"
#include "testhost_misuse.h"

struct stream_message {
    struct stream_message *next;
    struct atlas_bytes bytes;
};

struct local_stream {
    const char *path;
    const struct atlas_method *method;
    struct test_call callee;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t turn;
    bool is_callee_turn; /* guarded by the mutex; all else belongs to who has the turn */
    bool is_started;
    bool has_ended;
    bool is_half_closed;
    struct stream_message *requests;
    struct stream_message *replies;
    atlas_status_t status;
    char message[MESSAGE_SIZE];
};

/* --- Turns --------------------------------------------------------------------------------------
 */

static void wait_for_turn(struct local_stream *stream, bool is_callee)
{
    while (stream->is_callee_turn != is_callee) {
        pthread_cond_wait(&stream->turn, &stream->mutex);
    }
}

/* Gives the turn to the other side and waits until it comes back. */
static void hand_over(struct local_stream *stream, bool from_callee)
{
    pthread_mutex_lock(&stream->mutex);
    stream->is_callee_turn = !from_callee;
    pthread_cond_broadcast(&stream->turn);
    wait_for_turn(stream, from_callee);
    pthread_mutex_unlock(&stream->mutex);
}

static void *run_handler(void *arg)
{
    struct local_stream *stream = arg;

    pthread_mutex_lock(&stream->mutex);
    wait_for_turn(stream, true);
    pthread_mutex_unlock(&stream->mutex);
    stream->status = call_run(&stream->callee, stream->method);
    memcpy(stream->message, stream->callee.message, sizeof stream->message);
    call_finish(&stream->callee, stream->status);
    stream->has_ended = true;
    pthread_mutex_lock(&stream->mutex);
    stream->is_callee_turn = false;
    pthread_cond_broadcast(&stream->turn);
    pthread_mutex_unlock(&stream->mutex);
    return NULL;
}

static void let_handler_run(struct local_stream *stream)
{
    if (!stream->is_started) {
        if (pthread_create(&stream->thread, NULL, run_handler, stream) != 0) {
            testhost_misuse("%s: no thread for the handler of a stream", stream->path);
        }
        stream->is_started = true;
    }
    hand_over(stream, false);
}

/* --- Messages, in the host's arena --------------------------------------------------------------
 */

static void push(struct local_stream *stream, struct stream_message **queue,
                 struct atlas_bytes bytes)
{
    struct stream_message *message = arena_alloc(&stream->callee.host->script, sizeof *message);

    message->bytes = arena_bytes(&stream->callee.host->script, bytes);
    while (*queue != NULL) {
        queue = &(*queue)->next;
    }
    *queue = message;
}

static bool pop(struct stream_message **queue, struct atlas_bytes *ret_bytes)
{
    struct stream_message *message = *queue;

    if (message == NULL) {
        return false;
    }
    *queue = message->next;
    *ret_bytes = message->bytes;
    return true;
}

/* --- The handler's side -------------------------------------------------------------------------
 */

static atlas_status_t take(struct test_call *callee, struct atlas_bytes *ret_message)
{
    struct local_stream *stream = callee->stream;
    struct atlas_bytes message;

    if (stream->requests == NULL && !stream->is_half_closed && !callee->is_cancelled) {
        hand_over(stream, true);
    }
    if (callee->is_cancelled) {
        return atlas_fail(&callee->base, ATLAS_CANCELLED, "recv: the call was cancelled");
    }
    if (!pop(&stream->requests, &message)) {
        return ATLAS_END_OF_STREAM;
    }
    *ret_message = call_receive(callee, message);
    return ATLAS_OK;
}

static void put(struct test_call *callee, struct atlas_bytes message)
{
    push(callee->stream, &callee->stream->replies, message);
}

static const struct stream_side side = {.take = take, .put = put};

/* --- The caller's side --------------------------------------------------------------------------
 */

struct local_stream *local_stream_open(struct test_call *caller, const char *path,
                                       const struct atlas_method *method,
                                       const struct atlas_call_options *options)
{
    struct local_stream *stream = calloc(1, sizeof *stream);

    if (stream == NULL) {
        testhost_misuse("out of memory");
    }
    stream->path = arena_text(&caller->host->script, path);
    stream->method = method;
    pthread_mutex_init(&stream->mutex, NULL);
    pthread_cond_init(&stream->turn, NULL);
    call_init(caller->host, &stream->callee);
    call_inherit(&stream->callee, caller, options);
    stream->callee.stream = stream;
    stream->callee.side = &side;
    return stream;
}

void local_stream_send(struct local_stream *stream, struct atlas_bytes message)
{
    if (stream->is_half_closed) {
        testhost_misuse("%s: a message was sent behind half_close", stream->path);
    }
    push(stream, &stream->requests, message);
}

void local_stream_half_close(struct local_stream *stream)
{
    stream->is_half_closed = true;
}

atlas_status_t local_stream_recv(struct local_stream *stream, struct atlas_call *call,
                                 struct atlas_bytes *ret_message)
{
    if (stream->replies == NULL && !stream->has_ended) {
        let_handler_run(stream);
    }
    if (pop(&stream->replies, ret_message)) {
        return ATLAS_OK;
    }
    if (!stream->has_ended) {
        testhost_misuse("%s: both sides wait for a message: send one, or half-close", stream->path);
    }
    if (stream->status != ATLAS_OK) {
        return atlas_fail(call, stream->status, "%s", stream->message);
    }
    return ATLAS_END_OF_STREAM;
}

void local_stream_close(struct local_stream *stream)
{
    stream->callee.is_cancelled = true;
    while (!stream->has_ended) {
        let_handler_run(stream);
    }
    pthread_join(stream->thread, NULL);
    pthread_mutex_destroy(&stream->mutex);
    pthread_cond_destroy(&stream->turn);
    free(stream);
}
