/*
 * A stream from a call of the test host to a handler of the plugin. The handler has a thread of its
 * own, but only one side runs at a time: the handler runs while its caller waits for a message or
 * the end.
 */
#ifndef TESTHOST_STREAM_H
#define TESTHOST_STREAM_H

#include "testhost_state.h"

/* To be closed by local_stream_close. */
struct local_stream *local_stream_open(struct test_call *caller, const char *path,
                                       const struct atlas_method *method,
                                       const struct atlas_call_options *options);
/* Messages are copied. */
void local_stream_send(struct local_stream *stream, struct atlas_bytes message);
void local_stream_half_close(struct local_stream *stream);
/* Lets the handler run until there is a message or its end: ATLAS_END_OF_STREAM, or its failure. */
atlas_status_t local_stream_recv(struct local_stream *stream, struct atlas_call *call,
                                 struct atlas_bytes *ret_message);
/* Cancels it if it has not ended, and frees it. */
void local_stream_close(struct local_stream *stream);

#endif
