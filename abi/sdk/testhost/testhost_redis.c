#include "testhost_redis.h"

#include "testhost_call.h"
#include "testhost_script.h"

static struct atlas_redis_reply reply_copy(struct arena *arena,
                                           const struct atlas_redis_reply *reply)
{
    struct atlas_redis_reply copy = *reply;
    struct atlas_redis_reply *items = arena_alloc(arena, reply->count * sizeof *items);

    copy.string = arena_bytes(arena, reply->string);
    for (size_t i = 0; i < reply->count; i++) {
        items[i] = reply_copy(arena, &reply->items[i]);
    }
    copy.items = items;
    return copy;
}

static void record_command(struct testhost *host, const struct atlas_redis_command *command)
{
    journal_add(host, "redis");
    for (size_t i = 0; i < command->word_count; i++) {
        journal_add(host, " ");
        journal_add_bytes(host, command->words[i]);
    }
    journal_add(host, "\n");
}

static atlas_status_t answer_command(struct atlas_call *call,
                                     const struct atlas_redis_command *command,
                                     struct atlas_redis_reply *ret_reply)
{
    struct testhost *host = host_of(call);
    char word[64];
    struct answer *answer;

    snprintf(word, sizeof word, "%.*s", ATLAS_BYTES_ARG(command->words[0]));
    record_command(host, command);
    answer = script_take(host, ANSWER_REDIS, word);
    if (answer == NULL) {
        return atlas_fail(call, ATLAS_INTERNAL, "the test gives no answer to Redis %s", word);
    }
    *ret_reply = reply_copy(call_arena(call), &answer->redis);
    return ATLAS_OK;
}

static atlas_status_t pipeline(struct atlas_call *call, const struct atlas_redis_command *commands,
                               size_t count, struct atlas_redis_reply *ret_replies)
{
    struct answer *failure;

    atlas_status_t status = call_wait(call, "redis");
    failure = status == ATLAS_OK ? script_take(host_of(call), ANSWER_REDIS_PIPELINE, "") : NULL;
    if (failure != NULL) {
        status = atlas_fail(call, failure->status, "redis: scripted failure");
    }
    for (size_t i = 0; i < count && status == ATLAS_OK; i++) {
        status = answer_command(call, &commands[i], &ret_replies[i]);
    }
    return status;
}

struct atlas_redis_interface const *redis_interface(void)
{
    static const struct atlas_redis_interface table = {sizeof table, pipeline};

    return &table;
}

/* --- For the test -------------------------------------------------------------------------------
 */

void testhost_redis_reply(struct testhost *host, const char *command,
                          const struct atlas_redis_reply *reply)
{
    script_add(host, ANSWER_REDIS, command)->redis = reply_copy(&host->script, reply);
}

static void redis_text(struct testhost *host, const char *command, enum atlas_redis_type type,
                       const char *text)
{
    struct atlas_redis_reply reply = {.type = type, .string = atlas_str(text)};

    testhost_redis_reply(host, command, &reply);
}

void testhost_redis_string(struct testhost *host, const char *command, const char *text)
{
    redis_text(host, command, ATLAS_REDIS_STRING, text);
}

void testhost_redis_error(struct testhost *host, const char *command, const char *text)
{
    redis_text(host, command, ATLAS_REDIS_ERROR, text);
}

void testhost_redis_integer(struct testhost *host, const char *command, int64_t integer)
{
    struct atlas_redis_reply reply = {.type = ATLAS_REDIS_INTEGER, .integer = integer};

    testhost_redis_reply(host, command, &reply);
}

void testhost_redis_fail(struct testhost *host, atlas_status_t status)
{
    script_add(host, ANSWER_REDIS_PIPELINE, "")->status = status;
}
