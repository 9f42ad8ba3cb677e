/*
 * The call: what a fiber works for. Transports create calls and own them:
 *
 *   call_create -> fill request, metadata, peer -> call_start -> [handler runs on a fiber]
 *   -> operations->finished(call) -> the transport sends status and reply -> call_destroy
 *
 * All functions are for the call's loop.
 */
#ifndef RUNTIME_CALL_H
#define RUNTIME_CALL_H

#include <event2/event_struct.h>

#include "atlas/host.h"
#include "base/arena.h"
#include "runtime/trace.h"
#include "runtime/worker.h"

struct call;
struct fiber;
struct generation;
struct route;
struct route_table;
struct wait;

/* How a call reaches its caller. A unary call needs only finished. */
struct call_operations {
    /* Streaming methods: as in struct atlas_call_interface. */
    atlas_status_t (*recv)(struct call *call, struct atlas_bytes *ret_message);
    atlas_status_t (*send)(struct call *call, struct atlas_bytes message);

    /* The handler has returned; call->status, call->reply (unary) and the metadata are final. The
     * transport owns the call again and must destroy it, now or once the reply is sent; reply and
     * metadata live until then. May run on the call's fiber or on the loop. */
    void (*finished)(struct call *call);
};

struct metadata_list {
    struct atlas_metadata *entries;
    size_t count;
    size_t room;
    size_t bytes;
};

/* Something that the call holds and that ends with it at the latest: a lease, a stream. */
struct call_resource {
    struct call_resource *next;
    struct call_resource **link; /* the pointer that points here */
    void (*release)(struct call_resource *resource);
};

#define CALL_MESSAGE_SIZE 512

struct call {
    struct atlas_call public; /* first: a struct atlas_call * is a struct call * */
    struct worker *worker;
    struct generation *generation; /* whose code runs; pinned through routes, or by its owner */
    const struct route *route;     /* NULL for background fibers, batches and lifecycle functions */
    struct route_table *routes;    /* the epoch, counted; NULL: always the newest */
    const char *operation;         /* for logs: the path, or "order background outbox" */
    const struct call_operations *operations;
    void *peer; /* of the transport */

    struct arena arena;
    struct arena messages; /* of message_alloc; emptied by recv */
    struct atlas_bytes
        request; /* unary: set by the transport, in the arena or borrowed till finished */
    bool is_request_taken;
    struct atlas_bytes reply; /* unary: valid when has_reply; at least CALL_FRAMING bytes of room
                                 lie before it */
    bool has_reply;
    void *reply_room; /* what reply_buffer gave last */
    size_t reply_room_size;
    bool is_reply_room_free; /* of a stream: it was sent, and the next message may have it */
    bool has_sent;           /* of a stream: leading metadata has gone with the first message */
    atlas_status_t status;
    struct metadata_list metadata; /* of the caller */
    struct metadata_list leading;  /* of the reply */
    struct metadata_list trailing;
    struct trace_context trace;
    struct atlas_bytes traceparent; /* its text, once it was asked for */
    struct atlas_bytes identity;

    struct call *parent; /* local calls and tasks */
    struct call *children;
    struct call *next_sibling;
    struct call **sibling_link;
    unsigned depth;       /* of local calls */
    unsigned tasks_alive; /* spawned, not ended */
    struct wait *join_wait;
    struct wait *end_wait;  /* until there are no children */
    struct call *next_call; /* in the worker's list; not children */
    struct call **call_link;
    const struct atlas_task *task_failed; /* the first of those since the last join; else NULL */
    unsigned task_failed_at;              /* its task_order */
    unsigned tasks_spawned;

    struct fiber *fiber; /* that runs it; NULL before and after */
    int64_t start_ns;
    int64_t deadline_ns; /* monotonic; INT64_MAX: none */
    int64_t cleanup_deadline_ns;
    bool is_in_cleanup;
    bool is_sheltered; /* made in its parent's cleanup section: what ends the parent does not end it
                        */
    atlas_status_t cancel_status; /* OK, or why the call has ended for its caller */
    unsigned refused_waits;       /* since it has ended */
    struct wait *waiting;
    struct event deadline_event;
    bool is_deadline_armed;
    struct call_resource *resources;
    struct {
        char sqlstate[6];
        char constraint[64];
    } pg_error;
    void *batch;                                              /* of a consumer: for reject */
    atlas_status_t (*function)(struct call *call, void *arg); /* in place of a route's handler */
    void *function_arg;
    bool has_returned;       /* its function: what lay on that stack is gone */
    struct atlas_task *task; /* of a task: where its end is written to, until the parent returned */
    atlas_status_t (*task_run)(struct atlas_call *call, void *arg);
    unsigned task_order;             /* of a task: how many were spawned before it */
    char message[CALL_MESSAGE_SIZE]; /* last: not cleared between calls beyond its first byte */
};

/* Bytes kept free before every reply buffer: a gRPC frame header goes there without a copy. */
#define CALL_FRAMING 5

static inline struct call *call_of(struct atlas_call *public)
{
    return (struct call *)(void *)public;
}

/* True if a call from outside, a task or a stream may take one more fiber of this worker; a refusal
 * is counted and told of. On its loop. */
bool call_admit(struct worker *worker);

/* Makes a call on this worker for a route (counted with its table), or for a generation outside of
 * any route (route NULL). NULL when the bound of fibers is reached: answer RESOURCE_EXHAUSTED. */
struct call *call_create(struct worker *worker, struct route_table *routes,
                         const struct route *route);
struct call *call_create_internal(struct worker *worker, struct generation *generation,
                                  const char *operation);

/* Makes a call from outside for a method of a service that runs elsewhere (route NULL); the table
 * is counted. Started by call_start_function. NULL as above. */
struct call *call_create_elsewhere(struct worker *worker, struct route_table *routes,
                                   const char *path);

/* Makes a call that runs on behalf of another on the same loop: its deadline, cancellation, trace
 * and identity are inherited. A task (route NULL) runs in the parent's generation, and the parent
 * takes its arena over when it ends; a local call runs in the route's generation. Ends before its
 * parent does. NULL if no memory is left. */
struct call *call_create_child(struct call *parent, const struct route *route);

/* Sets the message and returns the status, so that it can end a function. */
__attribute__((format(printf, 3, 4))) atlas_status_t
call_fail(struct call *call, atlas_status_t status, const char *format, ...);

/* What a function returns when it is too much: RESOURCE_EXHAUSTED with a message that names the
 * bound. The memory of the call (calls.arena_limit) is used up; or OK, unless a message of so many
 * bytes is over calls.message_limit. */
atlas_status_t call_no_memory(struct call *call);
atlas_status_t call_check_message(struct call *call, size_t len);

/* Lets the deadline be so much later than the start of the call, as its caller asks, up to
 * calls.max_deadline. */
void call_set_timeout(struct call *call, int64_t timeout_ns);

/* The trace context as the text of a traceparent header, in the arena; empty if there is none or no
 * memory. */
struct atlas_bytes call_traceparent(struct call *call);

/* What an entry counts, as RFC 9113 section 6.5.2 counts. */
static inline size_t call_metadata_size(struct atlas_bytes name, struct atlas_bytes value)
{
    return name.len + value.len + 32;
}

/* Adds to a list; data is copied into the arena. RESOURCE_EXHAUSTED beyond metadata_limit. */
atlas_status_t call_add_metadata(struct call *call, struct metadata_list *list,
                                 struct atlas_bytes name, struct atlas_bytes value);

/* INVALID_ARGUMENT, with the message set, for a name or a value that a plugin may not send. */
atlas_status_t call_check_metadata(struct call *call, const struct atlas_metadata *entry);

/* Ties a resource to the call, which releases it at its end at the latest. */
void call_hold_resource(struct call *call, struct call_resource *resource);

/* Unties it without releasing it; nothing if it is not tied. */
void call_drop_resource(struct call_resource *resource);

/* Frees the calls that the worker keeps for reuse, at its end. */
void call_free_spares(struct worker *worker);

/* The tables of "atlas.call/1" and "atlas.clock/1". */
extern const struct atlas_call_interface call_interface;
extern const struct atlas_log_interface call_log_interface;
extern const struct atlas_clock_interface call_clock_interface;

/* What a call without a generation gets: those three. */
extern const struct atlas_interfaces call_bare_interfaces;

#endif
