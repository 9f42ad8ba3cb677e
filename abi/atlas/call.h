/*
 * "atlas.call/1": the call, through which a plugin does everything.
 *
 * A call is one request to one method: deadline, metadata, arena, identity and trace. It is a
 * stream of messages each way; a unary method is its simplest case. Background fibers, consumer
 * batches, tasks and lifecycle functions get a call too, so that every function that waits has one.
 * A call lives on one loop and its fiber never changes its thread.
 */
#ifndef ATLAS_CALL_H
#define ATLAS_CALL_H

#include "atlas/abi.h"
#include "atlas/status.h"

struct atlas_interfaces; /* atlas/host.h */

/*
 * The part of a call that plugins may read. The host owns the call; it is valid until the function
 * that received it returns. It may be appended to.
 */
struct atlas_call {
    const struct atlas_interfaces *interfaces; /* what the host granted to this instance */
    void *instance;                            /* what create() returned; NULL inside create() */
    void *loop_state;                          /* what loop_create() returned for this loop */
};

/* One metadata entry: names in lower case; values of names that end in "-bin" are raw bytes.
 * Frozen. */
struct atlas_metadata {
    struct atlas_bytes name;
    struct atlas_bytes value;
};

/* A piece of work that runs on a fiber of its own and is joined by the call that spawned it. The
 * caller sets run and arg, the host the rest. Frozen. */
struct atlas_task {
    atlas_status_t (*run)(struct atlas_call *call, void *arg);
    void *arg;
    atlas_status_t status; /* set when the task ended; valid after join */
    char message[128];     /* the failure in words, empty if there was none */
};

/* Positive results of recv, beside the statuses. */
#define ATLAS_END_OF_STREAM 100

struct atlas_call_interface {
    uint32_t size;

    /* Memory from the call's arena, aligned for any type, not initialised, freed with the call.
     * NULL if the call's budget (calls.arena_limit) is used up; message() says so then. [call] */
    void *(*alloc)(struct atlas_call *call, size_t size);

    /* Sets the message that the caller will see beside a status that is not OK. Copied, the first
     * 511 bytes of it. The last one wins. [call] */
    void (*set_message)(struct atlas_call *call, struct atlas_bytes message);

    /* The message of the last failure on this call: set by set_message or by a host function that
     * returned a status other than OK. Borrowed until the next host function. [call] */
    struct atlas_bytes (*message)(struct atlas_call *call);

    /* The next message of the caller. ATLAS_OK with the message (borrowed until the next recv), or
     * ATLAS_END_OF_STREAM after the last one. In a unary method the one request is already there.
     * CANCELLED, DEADLINE_EXCEEDED: the call has ended. FAILED_PRECONDITION where there is no
     * caller: background rounds, batches, tasks, lifecycle functions. [call] [waits] */
    atlas_status_t (*recv)(struct atlas_call *call, struct atlas_bytes *ret_message);

    /* Memory for what a streaming handler makes of a message: it lives until the next recv, so that
     * a stream may be longer than the arena. In a unary method it is alloc. NULL as there. [call]
     */
    void *(*message_alloc)(struct atlas_call *call, size_t size);

    /* Room for one message to the caller, in the arena, with room for the framing in front of it,
     * so that no copy is needed. Fill it, then send it. NULL if the budget is used up or size is
     * over calls.message_limit; message() says which then. [call] */
    void *(*reply_buffer)(struct atlas_call *call, size_t size);

    /* Sends one message: a pointer from reply_buffer, or any bytes (copied). Waits while the caller
     * takes no more. A unary method sends exactly one, which goes out when the handler returns OK.
     * RESOURCE_EXHAUSTED over calls.message_limit, FAILED_PRECONDITION for a second message of a
     * unary method or without a caller, else as recv. [call] [waits] */
    atlas_status_t (*send)(struct atlas_call *call, struct atlas_bytes message);

    /* Metadata of the caller: the n-th entry, or false if there are not that many. Borrowed until
     * the call ends. [call] */
    bool (*metadata)(struct atlas_call *call, size_t n, struct atlas_metadata *ret_entry);

    /* Adds metadata to the reply, leading or trailing; behind the first message of a stream only
     * trailing is left, and it goes there. Copied. Names are [0-9a-z_.-] and none that the
     * transport has a field for ("content-type", "grpc-..."), values printable ASCII unless the
     * name ends in "-bin": else INVALID_ARGUMENT. RESOURCE_EXHAUSTED beyond calls.metadata_limit.
     * REST sends "name" as the header "Grpc-Metadata-name". [call] */
    atlas_status_t (*set_metadata)(struct atlas_call *call, bool trailing,
                                   const struct atlas_metadata *entry);

    /* Nanoseconds until the deadline, INT64_MAX without one, 0 when it has passed. [call] */
    int64_t (*remaining_ns)(struct atlas_call *call);

    /* OK; or, once the call has ended, CANCELLED (the caller left), DEADLINE_EXCEEDED, or
     * UNAVAILABLE (the plugin is being replaced or the process is leaving). [call] */
    atlas_status_t (*check)(struct atlas_call *call);

    /* Opens a section with a time budget of its own in which waits are not ended by the call's
     * deadline or cancellation, for cleaning up; end closes it. The budget is calls.cleanup_limit
     * at most; after it waits end with DEADLINE_EXCEEDED. Sections do not nest: a second begin
     * gives a new budget, and the first end closes both. [call] */
    void (*cleanup_begin)(struct atlas_call *call, int64_t budget_ms);
    void (*cleanup_end)(struct atlas_call *call);

    /* Waits for a time, not at all if it is not above 0. The status of check if the call ended
     * first. [call] [waits] */
    atlas_status_t (*sleep)(struct atlas_call *call, int64_t duration_ns);

    /* Starts a task on this loop with this call's deadline, identity, trace and arena: what the
     * task allocates lives as long as this call. The task struct belongs to the caller and must
     * stay where it is until join, its arg until the task has ended. A handler that returns without
     * a join, as after an error in between, is joined by the host, which then tells nobody how the
     * tasks ended: what arg points to must not lie on the handler's stack then, but in the arena.
     * RESOURCE_EXHAUSTED when calls.tasks are alive or no fiber is left. [call] */
    atlas_status_t (*spawn)(struct atlas_call *call, struct atlas_task *task);

    /* Waits until all tasks of this call have ended; passes a cancel on to them and still waits.
     * Returns the status of the first task, in order of spawning, that failed, and sets this call's
     * message to that task's. [call] [waits] */
    atlas_status_t (*join)(struct atlas_call *call);

    /* Runs fn(arg) on a thread of the host and waits until it has returned, whatever happens to the
     * call. For work that blocks or computes long. fn may not use a call, so it allocates nothing
     * from the arena and reports by what arg points to. RESOURCE_EXHAUSTED when offload.queue jobs
     * wait already. [call] [waits] */
    atlas_status_t (*offload)(struct atlas_call *call, void (*fn)(void *arg), void *arg);

    /* The W3C traceparent of the call, and the identity that the edge established for its caller
     * (empty: none). Borrowed until the call ends. [call] */
    struct atlas_bytes (*traceparent)(struct atlas_call *call);
    struct atlas_bytes (*identity)(struct atlas_call *call);
};

#endif
