/* What the files of the test host share. */
#ifndef TESTHOST_PRIVATE_H
#define TESTHOST_PRIVATE_H

#include "atlas/sdk.h"
#include "atlas/testhost.h"

#define MESSAGE_SIZE 1024

/* One allocation of an arena; the memory follows. Single blocks, so that a sanitizer sees the
 * bounds and the end of each. */
struct block {
    struct block *next;
};

struct arena {
    struct block *blocks;
};

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

/* Metadata in the order in which it was added. */
struct metadata_entry {
    struct metadata_entry *next;
    struct atlas_metadata metadata;
};

struct metadata_list {
    struct metadata_entry *first;
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

/* A call; the plugin sees its first member. */
struct test_call {
    struct atlas_call base;
    struct testhost *host;
    struct test_call *parent; /* of a task: shares its arena */
    struct test_call *caller; /* that ends with it; NULL: from outside, or in a cleanup section */
    const struct atlas_method *method; /* NULL: it has no caller */
    struct local_stream *stream;       /* its caller, if that is a stream */
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

/* Ends the process: the test uses the test host in a wrong way. */
_Noreturn void testhost_misuse(const char *format, ...) ATLAS_PRINTF(1, 2);

/* Arenas of the test host; never NULL. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_text(struct arena *arena, const char *text);
struct atlas_bytes arena_bytes(struct arena *arena, struct atlas_bytes bytes);
void arena_free(struct arena *arena);

/* testhost_manifest.c */
/* The manifest of a plugin's file in an arena, NULL if it has none. */
const char *manifest_read(struct arena *arena, const char *path);
/* True if the manifest has that line. */
bool manifest_has(const char *manifest, const char *word, const char *value);
void manifest_read_keys(struct testhost *host);
atlas_status_t config_check(struct testhost *host, char *text, size_t text_size);
extern const struct atlas_config config_functions;

/* testhost_call.c */
void call_init(struct testhost *host, struct test_call *call);
/* Frees what the call had and keeps its message as the host's, if status is a failure. */
void call_finish(struct test_call *call, atlas_status_t status);
/* Runs a method in a call, joins what it spawned, and keeps the metadata of its reply. */
atlas_status_t call_run(struct test_call *call, const struct atlas_method *method);
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
struct atlas_call_interface const *call_interface(void);
struct atlas_log_interface const *log_interface(void);
struct atlas_clock_interface const *clock_interface(void);
struct atlas_metrics_interface const *metrics_interface(void);

/* testhost_script.c */
/* The next answer of that kind and name, taken out of the script; NULL if there is none. */
struct answer *script_take(struct testhost *host, enum answer_kind kind, const char *name);
struct deed *script_record(struct testhost *host, const char *name);
void journal_add(struct testhost *host, const char *format, ...) ATLAS_PRINTF(2, 3);
void journal_add_bytes(struct testhost *host, struct atlas_bytes bytes);

/* testhost_metadata.c */
void metadata_add(struct arena *arena, struct metadata_list *list,
                  const struct atlas_metadata *entry);
void metadata_add_all(struct arena *arena, struct metadata_list *list,
                      const struct metadata_list *source);
bool metadata_get(const struct metadata_list *list, size_t n, struct atlas_metadata *ret_entry);
struct atlas_bytes metadata_value(const struct metadata_list *list, const char *name);
/* True if gRPC allows the name and the value. */
bool metadata_is_valid(const struct atlas_metadata *entry);

/* testhost_stream.c: a stream to a service of the plugin. Its handler has a thread of its own, but
 * only one side runs at a time: the handler runs while its caller waits for a message or the end.
 */
struct local_stream *local_stream_open(struct test_call *caller, const char *path,
                                       const struct atlas_method *method,
                                       const struct atlas_call_options *options);
void local_stream_send(struct local_stream *stream, struct atlas_bytes message);
void local_stream_half_close(struct local_stream *stream);
atlas_status_t local_stream_recv(struct local_stream *stream, struct atlas_call *call,
                                 struct atlas_bytes *ret_message);
/* Cancels it if it has not ended, and frees it. */
void local_stream_close(struct local_stream *stream);
/* The handler's side, in place of recv and send of a call. */
atlas_status_t local_stream_take(struct test_call *callee, struct atlas_bytes *ret_message);
void local_stream_put(struct test_call *callee, struct atlas_bytes message);

/* testhost_client.c: closes the streams of a call that ends. */
void client_close_streams(struct testhost *host, const struct test_call *owner);

/* testhost_postgres.c, testhost_redis.c, testhost_kafka.c, testhost_client.c */
struct atlas_postgres_interface const *postgres_interface(void);
struct atlas_redis_interface const *redis_interface(void);
struct atlas_kafka_interface const *kafka_interface(void);
struct atlas_client_interface const *client_interface(void);
/* Deep copies. types: enum atlas_pg_type of a row, ended by 0; the values may be several rows. */
const struct atlas_pg_value *pg_values_copy(struct arena *arena,
                                            const struct atlas_pg_value *values, size_t count,
                                            const uint8_t *types);
struct atlas_redis_reply redis_reply_copy(struct arena *arena,
                                          const struct atlas_redis_reply *reply);
const struct atlas_method *find_method(struct testhost *host, const char *path);

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
