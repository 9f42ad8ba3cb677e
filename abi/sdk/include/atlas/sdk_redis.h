/* Redis: one command or a pipeline of them. */
#ifndef ATLAS_SDK_REDIS_H
#define ATLAS_SDK_REDIS_H

#include "atlas/redis.h"
#include "atlas/sdk_call.h"

/* Two arguments, the words and their number:
 *     atlas_redis_command(call, ATLAS_REDIS_WORDS(atlas_str("GET"), atlas_str(key)), &reply) */
#define ATLAS_REDIS_WORDS(...)                                                                     \
    ((const struct atlas_bytes[]){__VA_ARGS__}),                                                   \
        (sizeof((const struct atlas_bytes[]){__VA_ARGS__}) / sizeof(struct atlas_bytes))

/* Sends the commands in one write and waits for all replies; replies has room for count. A reply of
 * type ERROR is a reply. [waits] */
static inline atlas_status_t atlas_redis_pipeline(struct atlas_call *call,
                                                  const struct atlas_redis_command *commands,
                                                  size_t count,
                                                  struct atlas_redis_reply *ret_replies)
{
    const struct atlas_redis_interface *redis = call->interfaces->redis;

    return redis != NULL ? redis->pipeline(call, commands, count, ret_replies)
                         : atlas_not_granted(call, ATLAS_REDIS);
}

/* One command. [waits] */
static inline atlas_status_t atlas_redis_command(struct atlas_call *call,
                                                 const struct atlas_bytes *words, size_t word_count,
                                                 struct atlas_redis_reply *ret_reply)
{
    struct atlas_redis_command command;

    command.words = words;
    command.word_count = word_count;
    return atlas_redis_pipeline(call, &command, 1, ret_reply);
}

/* A reply of type ERROR that starts with that word: "NOSCRIPT". */
static inline bool atlas_redis_is_error(const struct atlas_redis_reply *reply, const char *word)
{
    size_t len = strlen(word);

    return reply->type == ATLAS_REDIS_ERROR && reply->string.len >= len &&
           memcmp(reply->string.data, word, len) == 0;
}

#endif
