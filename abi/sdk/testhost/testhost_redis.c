/* Redis of the test host: one answer for each command, by its first word. */
#include "testhost_private.h"

struct atlas_redis_reply redis_reply_copy(struct arena *arena,
                                          const struct atlas_redis_reply *reply)
{
    struct atlas_redis_reply copy = *reply;
    struct atlas_redis_reply *items = arena_alloc(arena, reply->count * sizeof *items);

    copy.string = arena_bytes(arena, reply->string);
    for (size_t i = 0; i < reply->count; i++) {
        items[i] = redis_reply_copy(arena, &reply->items[i]);
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
    *ret_reply = redis_reply_copy(call_arena(call), &answer->redis);
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
