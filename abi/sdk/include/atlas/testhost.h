/*
 * libatlas_testhost: runs the operations of one plugin without servers.
 *
 * It loads a plugin as the host does, gives it the interfaces that its manifest asks for, and
 * answers them from a script that the test writes. Everything runs in one order: no loop, no time,
 * one thing after the other. The clock moves only when the test moves it or the plugin sleeps.
 *
 *     struct testhost *host = testhost_open("plugins/order.so");
 *     testhost_start(host);
 *     testhost_pg_rows(host, "order_find", ATLAS_PG_PARAMS(atlas_pg_uuid(ID), ...));
 *     status = atlas_order_v1_order_get_order(testhost_caller(host), &req, &res);
 *     ... CU_ASSERT_STRING_EQUAL(testhost_journal(host), "pg order_find 0189...\n");
 *     testhost_close(host);
 *
 * Answers of one name (statement, Redis command, path) are used in the order they were given. An
 * operation that asks for something without an answer fails with INTERNAL and a message that names
 * it; publishing succeeds without one. Errors in the use of the test host itself, and of the ABI by
 * the plugin (a handle that has ended, cleanup sections in each other, a key or a metric that is
 * not declared), end the process with a line on stderr. Everything that a function here returns
 * lives until testhost_reset or close.
 *
 * What it does not do, and a test of a running host has to: run SQL (migrations and statements are
 * declarations here) or Lua; several loops (there is one loop state); the bounds of the
 * configuration (calls.*); the election of an exclusive background; REST. A task runs when its call
 * joins it.
 */
#ifndef ATLAS_TESTHOST_H
#define ATLAS_TESTHOST_H

#include "atlas/plugin.h"

ATLAS_EXTERN_C_BEGIN

struct testhost;

/* --- Life ---------------------------------------------------------------------------------------
 */

/* Loads a plugin from a file; NULL, with the reason on stderr, if it is none. */
struct testhost *testhost_open(const char *path);

/* The same for a table that is linked into the test; manifest: its lines, as in atlas/manifest.h.
 */
struct testhost *testhost_open_table(const struct atlas_plugin *table, const char *manifest);

/* Gives a configuration key a value, in the spelling of the manifest ("5s", "64KiB"); before start.
 */
void testhost_set(struct testhost *host, const char *key, const char *value);

/* check, create, loop_create, warm; a failure leaves nothing behind, its reason is
 * testhost_message. The manifest's defaults fill the configuration; INVALID_ARGUMENT for a value
 * out of its bounds. */
atlas_status_t testhost_start(struct testhost *host);

/* drain, loop_destroy, destroy; then start may follow again. */
void testhost_stop(struct testhost *host);

/* Stops if need be and unloads. NULL is allowed. */
void testhost_close(struct testhost *host);

/* Forgets the script, the journal, published records, faults and the time limit; the plugin goes
 * on. */
void testhost_reset(struct testhost *host);

/* --- Running ------------------------------------------------------------------------------------
 */

/* A call that stands for a caller outside: give it to generated clients and to atlas_..._decode.
 * What it asks of a service of the plugin runs the plugin's handler. It meets no faults. */
struct atlas_call *testhost_caller(struct testhost *host);

/*
 * Two ways to stream. testhost_call gives all messages at once and returns all replies, for any
 * kind of method. The generated client of a stream (atlas_..._open, _send, _recv) on
 * testhost_caller talks in turns: the handler runs while the test waits in _recv, up to its next
 * recv or its end, so that a test can send what depends on the reply. atlas_client_close before the
 * end is a caller that leaves: the handler's waits end with CANCELLED.
 *
 * A message that a streaming handler received is freed at its next recv, as the ABI says: run the
 * test under AddressSanitizer to find a handler that keeps it.
 */

/* Runs one call of any kind: path "/package.Service/Method", its messages in, its messages out.
 * ret_replies and ret_count may be NULL. */
atlas_status_t testhost_call(struct testhost *host, const char *path,
                             const struct atlas_bytes *requests, size_t request_count,
                             const struct atlas_bytes **ret_replies, size_t *ret_count);

/* Runs a consumer, by its name, over one batch. statuses has room for count and is filled as the
 * host would read it: a failure of the whole batch counts for each record that was not set. */
atlas_status_t testhost_consume(struct testhost *host, const char *consumer,
                                const struct atlas_kafka_record *records, size_t count,
                                atlas_status_t *statuses);

/* A record with those contents, for testhost_consume. */
struct atlas_kafka_record testhost_record(const char *key, struct atlas_bytes value);

/* The reason that the last batch gave for a record, "" if none. */
const char *testhost_reason(struct testhost *host, size_t index);

/* Runs one round of a background function, by its name. With waits > 0 its waits-th wait, and all
 * behind it, end with CANCELLED, as when the host stops it. */
atlas_status_t testhost_background(struct testhost *host, const char *name, unsigned int waits);

/* The message of the last call, start or batch that failed, "" if it set none. */
const char *testhost_message(struct testhost *host);

/* What the next calls bring with them, until reset: metadata (copied; may be called again for
 * more), and the identity of their caller. A call that the plugin makes inherits the identity, not
 * the metadata. The traceparent of every call is the same. */
void testhost_add_metadata(struct testhost *host, const char *name, struct atlas_bytes value);
void testhost_set_identity(struct testhost *host, const char *identity);

/* Metadata that the last call's handler set, leading or trailing, by its name; no data if it set
 * none. */
struct atlas_bytes testhost_reply_metadata(struct testhost *host, bool trailing, const char *name);

/* The caller leaves during the waits-th wait of the next call, counted from 1: that wait and all
 * behind it end with CANCELLED, and check says so; 0: it stays. */
void testhost_cancel_at(struct testhost *host, unsigned int waits);

/* What the plugin added to one of its metrics since the last reset. */
int64_t testhost_metric(struct testhost *host, const char *name);

/* --- Time and randomness ------------------------------------------------------------------------
 */

/* The clock starts at 2024-01-01 00:00:00 UTC. */
void testhost_set_now_us(struct testhost *host, int64_t wall_us);
void testhost_advance_ms(struct testhost *host, int64_t ms);

/* The next calls have that much time, counted from their start; 0: no deadline. */
void testhost_set_timeout_ms(struct testhost *host, int64_t timeout_ms);

/* Starts the sequence of random bytes again; the same seed gives the same bytes. */
void testhost_seed(struct testhost *host, uint64_t seed);

/* --- The script: answers ------------------------------------------------------------------------
 */

/* The rows that a statement returns: value_count values, row by row, columns as declared. Copied.
 * For a statement without columns, or for no rows, give ATLAS_PG_NO_PARAMS. */
void testhost_pg_rows(struct testhost *host, const char *statement,
                      const struct atlas_pg_value *values, size_t value_count);

/* A statement without columns, and the number of rows that it changed. */
void testhost_pg_affected(struct testhost *host, const char *statement, int64_t affected);

/* A failure of a statement; constraint (may be NULL) is what last_error then tells. "COMMIT" and
 * "BEGIN" are statements too, and need no answer to succeed. outcome: what a write reports. */
void testhost_pg_fail(struct testhost *host, const char *statement, atlas_status_t status,
                      const char *constraint, enum atlas_outcome outcome);

/* The reply to a command, by its first word ("EVALSHA"). Copied with all that it points to. */
void testhost_redis_reply(struct testhost *host, const char *command,
                          const struct atlas_redis_reply *reply);
void testhost_redis_string(struct testhost *host, const char *command, const char *text);
void testhost_redis_integer(struct testhost *host, const char *command, int64_t integer);
void testhost_redis_error(struct testhost *host, const char *command, const char *text);

/* The next pipeline fails as a whole. */
void testhost_redis_fail(struct testhost *host, atlas_status_t status);

/* The next publish to a topic fails. */
void testhost_kafka_fail(struct testhost *host, const char *topic, atlas_status_t status,
                         enum atlas_outcome outcome);

/* The reply of another service, one that the plugin does not serve itself. For a stream: one answer
 * for each message, then the end. Copied. */
void testhost_client_reply(struct testhost *host, const char *path, struct atlas_bytes reply);
void testhost_client_fail(struct testhost *host, const char *path, atlas_status_t status,
                          const char *message);

/* --- The journal: what the plugin did -----------------------------------------------------------
 */

/*
 * One line for each thing asked of a server, in order, bytes that do not print as ".":
 *     pg <statement> <parameters>          pg BEGIN, pg COMMIT, pg ROLLBACK
 *     redis <words>
 *     kafka <topic> <key>
 *     client <path>
 *     log <level> <message>
 */
const char *testhost_journal(struct testhost *host);

/* True if a line of the journal starts with that text. */
bool testhost_did(struct testhost *host, const char *line_start);

/* The parameters of the last query of a statement, NULL if there was none. */
const struct atlas_pg_value *testhost_pg_params(struct testhost *host, const char *statement,
                                                size_t *ret_count);

/* The n-th record that was published, NULL if there were not that many. */
struct testhost_published {
    const char *topic;
    struct atlas_bytes key;
    struct atlas_bytes value;
    const struct atlas_kafka_header *headers;
    size_t header_count;
};
const struct testhost_published *testhost_published(struct testhost *host, size_t n);

/* The last request sent to a path of another service; no data if there was none. */
struct atlas_bytes testhost_client_request(struct testhost *host, const char *path);

/* The time limit and the metadata that it was sent with, NULL if there was none. */
const struct atlas_call_options *testhost_client_options(struct testhost *host, const char *path);

/* --- Faults -------------------------------------------------------------------------------------
 */

/*
 * Runs an operation once without faults, counting what it asks of the host: memory, waits, servers,
 * tasks. Then runs it again for each of them, and fails that one: UNAVAILABLE (outcome NOT_DONE),
 * or no memory. Before each run the script is reset; operation writes its script and runs the
 * plugin. verify is told which one failed (0: none) and the operation's status, and returns false
 * if that is wrong. Returns the number of runs whose verify returned false, and says on stderr
 * which.
 */
struct testhost_operation {
    atlas_status_t (*run)(struct testhost *host, void *arg);
    bool (*verify)(struct testhost *host, unsigned int failed, atlas_status_t status, void *arg);
    void *arg;
};
unsigned int testhost_enumerate_faults(struct testhost *host,
                                       const struct testhost_operation *operation);

/* A verify for operations that need all they ask for: OK without a fault, else UNAVAILABLE or
 * RESOURCE_EXHAUSTED with a message. */
bool testhost_verify_all_or_nothing(struct testhost *host, unsigned int failed,
                                    atlas_status_t status, void *arg);

ATLAS_EXTERN_C_END

#endif
