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

/* A Lua script and its name in Redis; made from a file by REDIS_SCRIPTS of atlas_add_plugin. */
struct atlas_redis_script {
    const char *text;
    const char *sha1; /* of the text, 40 hex digits */
};

/* Runs a script by its hash, and by its text where Redis does not know it yet (after its start).
 * keys and arguments as the script reads them; written so that running it twice is harmless.
 * [waits] */
static inline atlas_status_t atlas_redis_eval(struct atlas_call *call,
                                              const struct atlas_redis_script *script,
                                              const struct atlas_bytes *keys, size_t key_count,
                                              const struct atlas_bytes *arguments,
                                              size_t argument_count,
                                              struct atlas_redis_reply *ret_reply)
{
    size_t word_count = 3 + key_count + argument_count;
    struct atlas_bytes *words = ATLAS_NEW(call, struct atlas_bytes, word_count);
    char count[24];
    atlas_status_t status;

    if (words == NULL) {
        return atlas_no_memory(call);
    }
    snprintf(count, sizeof count, "%zu", key_count);
    words[0] = atlas_str("EVALSHA");
    words[1] = atlas_str(script->sha1);
    words[2] = atlas_str(count);
    memcpy(words + 3, keys, key_count * sizeof *words);
    if (argument_count > 0) {
        memcpy(words + 3 + key_count, arguments, argument_count * sizeof *words);
    }
    status = atlas_redis_command(call, words, word_count, ret_reply);
    if (status == ATLAS_OK && atlas_redis_is_error(ret_reply, "NOSCRIPT")) {
        words[0] = atlas_str("EVAL");
        words[1] = atlas_str(script->text);
        status = atlas_redis_command(call, words, word_count, ret_reply);
    }
    return status;
}

/* A reply that the plugin cannot work with, as a status: what the server refuses now, it may take
 * later, so UNAVAILABLE. what: "tracker positions". */
static inline atlas_status_t atlas_redis_unexpected(struct atlas_call *call, const char *what,
                                                    const struct atlas_redis_reply *reply)
{
    if (reply->type == ATLAS_REDIS_ERROR) {
        return atlas_fail(call, ATLAS_UNAVAILABLE, "%s: Redis refuses: %.*s", what,
                          ATLAS_BYTES_ARG(reply->string));
    }
    return atlas_fail(call, ATLAS_INTERNAL, "%s: Redis answered with a reply of type %d", what,
                      (int)reply->type);
}

#endif
