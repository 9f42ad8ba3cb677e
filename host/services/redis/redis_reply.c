#include "services/redis/redis_reply.h"

#include <hiredis/hiredis.h>
#include <string.h>
#include <strings.h>

/* hiredis refuses replies deeper than 7. */
#define DEPTH_LIMIT 8

struct refusal {
    const char *command;
    const char *reason;
};

static const char waits[] = "would block every other call of its loop";
static const char changes[] = "would change the connection that all calls of a loop share";
static const char subscribes[] =
    "needs a connection of its own, which atlas.redis/1 does not offer";

static const struct refusal refusals[] = {
    {"BLPOP", waits},           {"BRPOP", waits},          {"BRPOPLPUSH", waits},
    {"BLMOVE", waits},          {"BLMPOP", waits},         {"BZPOPMIN", waits},
    {"BZPOPMAX", waits},        {"BZMPOP", waits},         {"WAIT", waits},
    {"WAITAOF", waits},         {"SUBSCRIBE", subscribes}, {"PSUBSCRIBE", subscribes},
    {"SSUBSCRIBE", subscribes}, {"UNSUBSCRIBE", changes},  {"PUNSUBSCRIBE", changes},
    {"SUNSUBSCRIBE", changes},  {"MONITOR", subscribes},   {"SYNC", subscribes},
    {"PSYNC", subscribes},      {"AUTH", changes},         {"SELECT", changes},
    {"HELLO", changes},         {"QUIT", changes},         {"RESET", changes},
    {"CLIENT", changes},        {"WATCH", changes},        {"READONLY", changes},
    {"ASKING", changes},
};

const char *redis_command_refusal(const struct atlas_redis_command *command)
{
    if (command->word_count == 0 || command->words[0].len == 0) {
        return "has no name: the first word of a command says what it does";
    }
    const struct atlas_bytes name = command->words[0];
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (strlen(refusals[i].command) == name.len &&
            strncasecmp(refusals[i].command, name.data, name.len) == 0) {
            return refusals[i].reason;
        }
    }
    return NULL;
}

static atlas_status_t copy_text(struct arena *arena, const redisReply *reply,
                                struct atlas_redis_reply *ret_reply)
{
    char *text = arena_copy(arena, reply->str, reply->len);
    if (text == NULL) {
        return ATLAS_RESOURCE_EXHAUSTED;
    }
    ret_reply->string = (struct atlas_bytes){text, reply->len};
    return ATLAS_OK;
}

static atlas_status_t copy(struct arena *arena, const redisReply *reply, unsigned depth,
                           struct atlas_redis_reply *ret_reply);

static atlas_status_t copy_items(struct arena *arena, const redisReply *reply, unsigned depth,
                                 struct atlas_redis_reply *ret_reply)
{
    struct atlas_redis_reply *items = arena_alloc(arena, reply->elements * sizeof *items + 1);
    if (items == NULL || depth >= DEPTH_LIMIT) {
        return ATLAS_RESOURCE_EXHAUSTED;
    }
    for (size_t i = 0; i < reply->elements; i++) {
        atlas_status_t status = copy(arena, reply->element[i], depth + 1, &items[i]);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    ret_reply->items = items;
    ret_reply->count = reply->elements;
    return ATLAS_OK;
}

static atlas_status_t copy_body(struct arena *arena, const redisReply *reply, unsigned depth,
                                struct atlas_redis_reply *ret_reply)
{
    switch (reply->type) {
    case REDIS_REPLY_STRING:
        ret_reply->type = ATLAS_REDIS_STRING;
        return copy_text(arena, reply, ret_reply);
    case REDIS_REPLY_STATUS:
        ret_reply->type = ATLAS_REDIS_STATUS;
        return copy_text(arena, reply, ret_reply);
    case REDIS_REPLY_ERROR:
        ret_reply->type = ATLAS_REDIS_ERROR;
        return copy_text(arena, reply, ret_reply);
    case REDIS_REPLY_INTEGER:
        ret_reply->type = ATLAS_REDIS_INTEGER;
        ret_reply->integer = reply->integer;
        return ATLAS_OK;
    case REDIS_REPLY_ARRAY:
        ret_reply->type = ATLAS_REDIS_ARRAY;
        return copy_items(arena, reply, depth, ret_reply);
    default:
        return ATLAS_OK;
    }
}

static atlas_status_t copy(struct arena *arena, const redisReply *reply, unsigned depth,
                           struct atlas_redis_reply *ret_reply)
{
    *ret_reply = (struct atlas_redis_reply){.type = ATLAS_REDIS_NIL};
    atlas_status_t status = copy_body(arena, reply, depth, ret_reply);
    if (status != ATLAS_OK) {
        *ret_reply = (struct atlas_redis_reply){.type = ATLAS_REDIS_NIL};
    }
    return status;
}

atlas_status_t redis_reply_copy(struct arena *arena, const struct redisReply *reply,
                                struct atlas_redis_reply *ret_reply)
{
    return copy(arena, reply, 0, ret_reply);
}
