/*
 * Calls of the test host: what they inherit, what ends them, the steps of them that may fail, and
 * the tasks that run at their join.
 */
#ifndef TESTHOST_CALL_H
#define TESTHOST_CALL_H

#include "testhost_state.h"

void call_init(struct testhost *host, struct test_call *call);
/* Frees what the call had and keeps its message as the host's, if status is a failure. */
void call_finish(struct test_call *call, atlas_status_t status);
/* Runs a method in a call, joins what it spawned, and keeps the metadata of its reply. */
atlas_status_t call_run(struct test_call *call, const struct atlas_method *method);
/* Runs a function in a call of its own, from call_init to call_finish. */
atlas_status_t call_run_alone(struct testhost *host, atlas_status_t (*run)(struct atlas_call *));
/* Runs what the call has spawned, one after the other; the first failure is its result, with its
 * message. */
atlas_status_t call_join(struct atlas_call *call);
/* For a call that another makes: what it inherits, or what the test gave if that stands for the
 * outside; the smaller of the deadlines. options may be NULL. */
void call_inherit(struct test_call *callee, struct test_call *caller,
                  const struct atlas_call_options *options);
/* Copies one message for its receiver: until the next recv of a stream, else as long as the call.
 */
struct atlas_bytes call_receive(struct test_call *call, struct atlas_bytes message);
/* Counts a step of this call; true if it is the one that must fail. */
bool call_step_fails(struct atlas_call *call);
/* Counts a step that waits: OK, or why the wait ends with a failure. */
atlas_status_t call_wait(struct atlas_call *call, const char *what);
/* OK, or what has ended the call, whatever cleanup section it is in. */
atlas_status_t call_check(struct atlas_call *call);
/* OK, or what ends a wait now: the call's end, or that of its cleanup section. */
atlas_status_t call_check_wait(struct atlas_call *call);
/* True if the method takes a stream of requests. */
bool call_streams_in(const struct test_call *call);

#endif
