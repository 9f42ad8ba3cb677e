/*
 * One connection to Redis on one loop. It connects by itself, asks for AUTH and SELECT, and comes
 * back after a loss; in between it takes no commands.
 *
 *   AWAY --timer--> RESOLVING --address--> CONNECTING --connected--> GREETING --PONG--> READY
 *    ^                  |          ^           |                        |                |
 *    |                  |          +-----------+------ next address ----+                |
 *    +---- backoff -----+----------------------+------------------------+----------------+
 *
 * hiredis frees a context by itself on any failure, after it has told all pending commands.
 * Everything that ends a connection therefore goes through one place, the cleanup hook of the
 * context.
 */
#ifndef SERVICES_REDIS_CONNECTION_H
#define SERVICES_REDIS_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "atlas/redis.h"
#include "base/loop.h"

struct config_redis;
struct redis_connection;
struct redisReply;

/* Where to connect to; the same for all loops. */
struct redis_target {
    const struct config_redis *settings;
    char address[300]; /* "host:port", for messages */
};

/*
 * Commands that were sent together. The owner embeds it in memory of its own that lives until
 * is_finished: on_reply comes once per command, in order, with NULL when the connection was lost
 * before the reply; after the last one on_finished, which may free it. On the loop; neither may
 * call into the connection.
 */
struct redis_batch {
    void (*on_reply)(struct redis_batch *batch, const struct redisReply *reply);
    void (*on_finished)(struct redis_batch *batch);
    size_t pending;
};

/* Starts to connect. target is borrowed for the life of the connection. watch is told on this loop
 * after the first attempt and after every change between ready and not. On the loop. NULL when
 * memory is used up. */
struct redis_connection *redis_connection_open(struct loop *loop, const struct redis_target *target,
                                               void (*watch)(void *arg, bool is_ready), void *arg);

/* Ends the connection; pending commands get their NULL. On the loop, not from its callbacks. NULL
 * is allowed. */
void redis_connection_close(struct redis_connection *connection);

/* True while commands are taken. On the loop. */
bool redis_connection_is_ready(const struct redis_connection *connection);

/* Why it is not ready, in words. Borrowed until the next event of the loop. On the loop. */
const char *redis_connection_reason(const struct redis_connection *connection);

/*
 * Sends the commands in one write at the end of this pass of the loop. UNAVAILABLE when not ready,
 * RESOURCE_EXHAUSTED when redis.queue commands wait for replies already; nothing was sent then and
 * the batch is not called. argv and lengths: room for the words of the longest command. On the
 * loop.
 */
atlas_status_t redis_connection_send(struct redis_connection *connection,
                                     const struct atlas_redis_command *commands, size_t count,
                                     const char **argv, size_t *lengths, struct redis_batch *batch);

#endif
