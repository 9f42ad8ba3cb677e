/*
 * What the files of the test host share: the host with what it was given and what it saw, and the
 * calls in it. From the bottom: misuse, arena, metadata, script; call; stream; the interfaces
 * (call_interface, basics, client, kafka, postgres, redis) and manifest; testhost, run, fault.
 */
#ifndef TESTHOST_STATE_H
#define TESTHOST_STATE_H

#include "atlas/sdk.h"
#include "atlas/testhost.h"
#include "testhost_arena.h"
#include "testhost_metadata.h"

#define MESSAGE_SIZE 1024

enum answer_kind { ANSWER_PG, ANSWER_REDIS, ANSWER_REDIS_PIPELINE, ANSWER_KAFKA, ANSWER_CLIENT };

/* One scripted answer; it lives in the host's arena. */
struct answer {
    struct answer *next;
    enum answer_kind kind;
    const char *name;
    atlas_status_t status;
    const char *text; /* message, or the constraint */
    enum atlas_outcome outcome;
    struct atlas_pg_result rows;
    struct atlas_redis_reply redis;
    struct atlas_bytes bytes;
};

/* Something the plugin did that a test may look at. */
struct deed {
    struct deed *next;
    const char *name; /* statement or path */
    const struct atlas_pg_value *params;
    size_t param_count;
    struct atlas_bytes request;
    struct atlas_call_options options;
};

struct publication {
    struct publication *next;
    struct testhost_published record;
};

struct config_key {
    const char *name;
    const char *type;
    const char *value; /* NULL: must be given */
    const char *min;
    const char *max;
};

struct local_stream;
struct test_call;

/* The handler's side of a stream, in place of recv and send of a call. */
struct stream_side {
    atlas_status_t (*take)(struct test_call *callee, struct atlas_bytes *ret_message);
    void (*put)(struct test_call *callee, struct atlas_bytes message);
};

/* A call; the plugin sees its first member. */
struct test_call {
    struct atlas_call base;
    struct testhost *host;
    struct test_call *parent; /* of a task: shares its arena */
    struct test_call *caller; /* that ends with it; NULL: from outside, or in a cleanup section */
    const struct atlas_method *method; /* NULL: it has no caller */
    struct local_stream *stream;       /* its caller, if that is a stream */
    const struct stream_side *side;    /* of that stream */
    struct arena arena;
    struct arena messages; /* of a stream: until the next recv */
    bool is_caller;        /* stands for the outside: no faults, no counting */
    bool is_cancelled;
    bool is_in_cleanup;
    char message[MESSAGE_SIZE];
    int64_t deadline_us;           /* 0: none */
    int64_t cleanup_deadline_us;   /* of a cleanup section */
    struct atlas_bytes identity;   /* in the host's arena */
    struct metadata_list metadata; /* of its caller; these three in the host's arena */
    struct metadata_list leading;
    struct metadata_list trailing;

    const struct atlas_bytes *requests;
    size_t request_count;
    size_t next_request;
    struct atlas_bytes *replies; /* in the host's arena */
    size_t reply_count;

    struct atlas_task *tasks[64];
    size_t task_count;
    struct atlas_pg_error pg_error;
};

#define STREAM_LIMIT 16

/* A stream that a call has opened: to a service of the plugin, or scripted. */
struct stream_slot {
    const char *path; /* NULL: free */
    struct test_call *owner;
    struct local_stream *local; /* NULL: scripted */
};

struct testhost {
    void *library; /* of dlopen; NULL for a linked table */
    struct atlas_plugin table;
    const char *manifest;
    struct arena life;   /* until close */
    struct arena script; /* until reset */
    struct config_key keys[64];
    size_t key_count;
    struct atlas_config config;
    struct atlas_interfaces interfaces; /* as the manifest asks */
    struct atlas_interfaces caller_interfaces;
    bool is_started;
    void *instance;
    void *loop_state;
    struct test_call caller;
    char message[MESSAGE_SIZE];

    struct answer *answers;
    struct deed *deeds; /* newest first */
    struct publication *publications;
    struct publication **publications_end;
    char *journal; /* malloc */
    size_t journal_len;
    const char *reasons[1024];
    struct stream_slot streams[STREAM_LIMIT];
    /* What a call that ends leaves open. */
    void (*close_streams)(struct testhost *host, const struct test_call *owner);
    int64_t *metrics;              /* sums; in the life arena */
    struct metadata_list metadata; /* of the next calls */
    struct atlas_bytes identity;
    struct metadata_list leading; /* of the reply of the last call */
    struct metadata_list trailing;

    int64_t wall_us;
    int64_t start_us;
    int64_t timeout_ms;
    uint64_t random_state;
    unsigned int waits_left; /* 0: no limit */

    unsigned int step;      /* what was asked of the host so far */
    unsigned int fail_step; /* 0: none */
};

static inline struct test_call *test_call_of(struct atlas_call *call)
{
    return (struct test_call *)call;
}

static inline struct testhost *host_of(struct atlas_call *call)
{
    return test_call_of(call)->host;
}

/* The arena that allocations of a call come from: a task shares its parent's. */
static inline struct arena *call_arena(struct atlas_call *call)
{
    struct test_call *owner = test_call_of(call);

    while (owner->parent != NULL) {
        owner = owner->parent;
    }
    return &owner->arena;
}

#endif
