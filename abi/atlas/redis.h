/*
 * "atlas.redis/1": Redis through connections that the host owns, one per loop, pipelined. Keys are
 * shared by all plugins of one server: start yours with "<plugin id>:".
 */
#ifndef ATLAS_REDIS_H
#define ATLAS_REDIS_H

#include "atlas/call.h"

#define ATLAS_REDIS "atlas.redis/1"

enum atlas_redis_type {
    ATLAS_REDIS_NIL = 0,
    ATLAS_REDIS_STRING = 1, /* string */
    ATLAS_REDIS_INTEGER = 2,
    ATLAS_REDIS_ARRAY = 3,
    ATLAS_REDIS_STATUS = 4, /* string: "OK" */
    ATLAS_REDIS_ERROR = 5,  /* string: the server's words */
};

/* A reply, in the arena of the call. Strings end with a NUL behind their length. Frozen. */
struct atlas_redis_reply {
    enum atlas_redis_type type;
    int64_t integer;
    struct atlas_bytes string;
    const struct atlas_redis_reply *items;
    size_t count;
};

/* One command: its words. Frozen. */
struct atlas_redis_command {
    const struct atlas_bytes *words;
    size_t word_count;
};

struct atlas_redis_interface {
    uint32_t size;

    /* Sends the commands in one write and waits for all replies, in order; replies has room for
     * count. The words are borrowed until it returns; the replies lie in the arena. A reply of type
     * ERROR is a reply: the function returns OK. UNAVAILABLE when not connected or the connection
     * was lost (commands may have been carried out), DEADLINE_EXCEEDED after redis.command_timeout.
     * RESOURCE_EXHAUSTED for more than redis.pipeline commands, a reply over redis.reply_limit, or
     * when redis.queue commands wait. INVALID_ARGUMENT for a command that would block, or change,
     * the connection that all calls of a loop share (BLPOP, SUBSCRIBE, SELECT, ...).
     * [call] [waits] */
    atlas_status_t (*pipeline)(struct atlas_call *call, const struct atlas_redis_command *commands,
                               size_t count, struct atlas_redis_reply *ret_replies);
};

#endif
