/* Which commands may be sent, and copies of replies. */
#include "services/redis/redis_reply.h"

#include <hiredis/hiredis.h>
#include <string.h>

#include "support/text.h"
#include "support/unit.h"

static struct atlas_bytes word(const char *text)
{
    return (struct atlas_bytes){text, strlen(text)};
}

static const char *refusal_of(const char *name)
{
    struct atlas_bytes words[] = {word(name)};
    return redis_command_refusal(&(struct atlas_redis_command){words, 1});
}

static void test_commands_that_wait_or_change_the_connection_are_refused(void)
{
    const char *const refused[] = {"SUBSCRIBE", "subscribe", "BLPOP",  "MONITOR",
                                   "Select",    "AUTH",      "CLIENT", "HELLO"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        CU_ASSERT_PTR_NOT_NULL(refusal_of(refused[i]));
    }
    CU_ASSERT_PTR_NULL(refusal_of("GEOADD"));
    CU_ASSERT_PTR_NULL(refusal_of("SUB"));
    CU_ASSERT_PTR_NULL(refusal_of("SELECTED"));
}

static void test_command_without_a_name_is_refused(void)
{
    CU_ASSERT_PTR_NOT_NULL(redis_command_refusal(&(struct atlas_redis_command){NULL, 0}));
    CU_ASSERT_PTR_NOT_NULL(refusal_of(""));
}

/* The reply that hiredis makes of bytes from the wire. */
static redisReply *parse(const char *bytes)
{
    void *reply = NULL;
    redisReader *reader = redisReaderCreate();
    redisReaderFeed(reader, bytes, strlen(bytes));
    CU_ASSERT_EQUAL(redisReaderGetReply(reader, &reply), REDIS_OK);
    redisReaderFree(reader);
    CU_ASSERT_PTR_NOT_NULL_FATAL(reply);
    return reply;
}

static void test_copy_holds_every_type(void)
{
    struct arena arena;
    struct atlas_redis_reply copy;
    arena_init(&arena, NULL, SIZE_MAX);
    redisReply *reply = parse("*5\r\n$3\r\nabc\r\n:-7\r\n$-1\r\n*1\r\n+OK\r\n-NOSCRIPT no\r\n");
    CU_ASSERT_EQUAL(redis_reply_copy(&arena, reply, &copy), ATLAS_OK);
    freeReplyObject(reply); /* the copy holds on to nothing of it */
    CU_ASSERT_EQUAL_FATAL(copy.type, ATLAS_REDIS_ARRAY);
    CU_ASSERT_EQUAL_FATAL(copy.count, 5);
    CU_ASSERT_EQUAL(copy.items[0].type, ATLAS_REDIS_STRING);
    CU_ASSERT_EQUAL(copy.items[0].string.len, 3);
    CU_ASSERT_STRING_EQUAL(copy.items[0].string.data, "abc");
    CU_ASSERT_EQUAL(copy.items[1].type, ATLAS_REDIS_INTEGER);
    CU_ASSERT_EQUAL(copy.items[1].integer, -7);
    CU_ASSERT_EQUAL(copy.items[2].type, ATLAS_REDIS_NIL);
    CU_ASSERT_EQUAL(copy.items[3].type, ATLAS_REDIS_ARRAY);
    CU_ASSERT_EQUAL(copy.items[3].items[0].type, ATLAS_REDIS_STATUS);
    CU_ASSERT_EQUAL(copy.items[4].type, ATLAS_REDIS_ERROR);
    CU_ASSERT_STRING_EQUAL(copy.items[4].string.data, "NOSCRIPT no");
    arena_finish(&arena);
}

static void test_copy_keeps_to_the_budget(void)
{
    struct arena arena;
    struct atlas_redis_reply copy;
    arena_init(&arena, NULL, 64);
    struct text bytes = {0};
    text_add(&bytes, "*1\r\n$200\r\n", 1);
    text_add(&bytes, "x", 200);
    text_add(&bytes, "\r\n", 1);
    redisReply *reply = parse(bytes.data);
    CU_ASSERT_EQUAL(redis_reply_copy(&arena, reply, &copy), ATLAS_RESOURCE_EXHAUSTED);
    CU_ASSERT_EQUAL(copy.type, ATLAS_REDIS_NIL);
    freeReplyObject(reply);
    arena_finish(&arena);
}

static void test_copy_keeps_to_the_depth(void)
{
    struct arena arena;
    struct atlas_redis_reply copy;
    redisReply leaf = {.type = REDIS_REPLY_INTEGER};
    redisReply levels[20];
    redisReply *below = &leaf;
    redisReply *elements[20];
    arena_init(&arena, NULL, SIZE_MAX);
    for (size_t i = 0; i < 20; i++) {
        elements[i] = below;
        levels[i] = (redisReply){.type = REDIS_REPLY_ARRAY, .elements = 1, .element = &elements[i]};
        below = &levels[i];
    }
    CU_ASSERT_EQUAL(redis_reply_copy(&arena, below, &copy), ATLAS_RESOURCE_EXHAUSTED);
    CU_ASSERT_EQUAL(redis_reply_copy(&arena, &levels[5], &copy), ATLAS_OK);
    arena_finish(&arena);
}

UNIT_MAIN("redis_reply", UNIT_TEST(test_commands_that_wait_or_change_the_connection_are_refused),
          UNIT_TEST(test_command_without_a_name_is_refused), UNIT_TEST(test_copy_holds_every_type),
          UNIT_TEST(test_copy_keeps_to_the_budget), UNIT_TEST(test_copy_keeps_to_the_depth))
