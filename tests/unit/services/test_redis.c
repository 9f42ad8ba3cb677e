/* atlas.redis/1 against a redis-server: replies, bounds, and a server that goes and comes. */
#include "services/redis/redis.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "atlas/redis.h"
#include "base/clock.h"
#include "base/config/config.h"
#include "module_fixture.h"
#include "redis_server.h"
#include "support/free_port.h"
#include "support/names.h"
#include "support/unit.h"

#define CALL_MS      5000
#define COMMANDS_MAX 8
#define WORDS_MAX    8

static int port;
static const char *server_name = "localhost";
static struct redis *redis;
static struct generation *plugin;

static void start_module(const char *settings)
{
    char groups[300];
    struct error error;
    snprintf(groups, sizeof groups,
             "redis = { host = \"%s\"; port = %d; "
             "connect_timeout = \"500ms\"; reconnect_max = \"100ms\"; %s };",
             server_name, port, settings);
    fixture_create(groups);
    CU_ASSERT_EQUAL_FATAL(redis_create(&fixture_config()->redis, FIXTURE_LOOPS, &redis, &error),
                          ATLAS_OK);
    fixture_start(redis_module(redis));
    plugin = fixture_load(&(struct fixture_plugin){.id = "test"}, false, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(plugin);
}

static void stop_module(void)
{
    fixture_unload(plugin);
    redis_close(redis);
    fixture_destroy();
    redis_destroy(redis);
}

static void start(const char *settings)
{
    port = free_port();
    redis_server_start(port, NULL);
    start_module(settings);
}

static void stop(void)
{
    stop_module();
    redis_server_kill();
}

/* Commands as a person types them, separated by ";", and what came of them. */
struct exchange {
    const char *text;
    atlas_status_t (*check)(const struct atlas_redis_reply *replies);
    bool is_right;
};

static size_t parse(char *text, struct atlas_bytes words[][WORDS_MAX],
                    struct atlas_redis_command *commands)
{
    size_t count = 0;
    char *rest_of_commands;
    char *command = strtok_r(text, ";", &rest_of_commands);
    for (; command != NULL; command = strtok_r(NULL, ";", &rest_of_commands)) {
        char *rest;
        size_t n = 0;
        for (char *word = strtok_r(command, " ", &rest); word != NULL;
             word = strtok_r(NULL, " ", &rest)) {
            words[count][n++] = (struct atlas_bytes){word, strlen(word)};
        }
        commands[count] = (struct atlas_redis_command){words[count], n};
        count++;
    }
    return count;
}

static atlas_status_t run_exchange(struct call *call, void *arg)
{
    struct exchange *exchange = arg;
    char text[512];
    struct atlas_bytes words[COMMANDS_MAX][WORDS_MAX];
    struct atlas_redis_command commands[COMMANDS_MAX];
    struct atlas_redis_reply replies[COMMANDS_MAX];
    snprintf(text, sizeof text, "%s", exchange->text);
    size_t count = parse(text, words, commands);
    atlas_status_t status =
        call->generation->interfaces.redis->pipeline(&call->public, commands, count, replies);
    if (status == ATLAS_OK && exchange->check != NULL) {
        exchange->is_right = exchange->check(replies);
    }
    return status;
}

static atlas_status_t say_within(const char *text, int64_t timeout_ms, struct error *error)
{
    struct exchange exchange = {.text = text};
    return fixture_call(plugin, 0, timeout_ms, run_exchange, &exchange, error);
}

static atlas_status_t say(const char *text)
{
    return say_within(text, CALL_MS, NULL);
}

static bool is_answered(void *arg)
{
    (void)arg;
    return say("PING") == ATLAS_OK;
}

static bool is_refused_at_once(void *arg)
{
    (void)arg;
    return say("PING") == ATLAS_UNAVAILABLE;
}

/* --- the tests --- */

static atlas_status_t check_types(const struct atlas_redis_reply *replies)
{
    return replies[0].type == ATLAS_REDIS_STATUS && replies[1].type == ATLAS_REDIS_STRING &&
           strcmp(replies[1].string.data, "v") == 0 && replies[2].type == ATLAS_REDIS_INTEGER &&
           replies[2].integer == 3 && replies[3].type == ATLAS_REDIS_ARRAY &&
           replies[3].count == 3 && strcmp(replies[3].items[2].string.data, "c") == 0 &&
           replies[4].type == ATLAS_REDIS_NIL && replies[5].type == ATLAS_REDIS_ERROR &&
           strncmp(replies[5].string.data, "NOSCRIPT", 8) == 0;
}

static void test_pipeline_returns_all_replies_in_order(void)
{
    struct exchange exchange = {
        .text = "SET k v;GET k;RPUSH l a b c;LRANGE l 0 -1;GET nothing;"
                "EVALSHA ffffffffffffffffffffffffffffffffffffffff 0",
        .check = check_types,
    };
    start("");
    for (unsigned loop = 0; loop < FIXTURE_LOOPS; loop++) {
        exchange.is_right = false;
        CU_ASSERT_EQUAL(fixture_call(plugin, loop, CALL_MS, run_exchange, &exchange, NULL),
                        ATLAS_OK);
        CU_ASSERT_TRUE(exchange.is_right);
        say("DEL l");
    }
    stop();
}

static void test_refused_commands_name_the_reason(void)
{
    struct error error;
    start("pipeline = 3;");
    CU_ASSERT_EQUAL(say_within("GET a;SUBSCRIBE b", CALL_MS, &error), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "SUBSCRIBE"));
    CU_ASSERT_EQUAL(say_within("PING;PING;PING;PING", CALL_MS, &error), ATLAS_RESOURCE_EXHAUSTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "redis.pipeline"));
    CU_ASSERT_EQUAL(say("PING"), ATLAS_OK);
    stop();
}

static atlas_status_t check_second(const struct atlas_redis_reply *replies)
{
    return strcmp(replies[0].string.data, "second") == 0;
}

/* Replies of a call that gave up must not be taken for those of the next. */
static void test_abandoned_replies_are_dropped(void)
{
    struct exchange exchange = {.text = "ECHO second", .check = check_second};
    start("command_timeout = \"2s\";");
    CU_ASSERT_EQUAL(say_within("DEBUG SLEEP 0.2;ECHO first", 50, NULL), ATLAS_DEADLINE_EXCEEDED);
    CU_ASSERT_EQUAL(fixture_call(plugin, 0, CALL_MS, run_exchange, &exchange, NULL), ATLAS_OK);
    CU_ASSERT_TRUE(exchange.is_right);
    stop();
}

static void test_silent_server_ends_the_wait_and_then_the_connection(void)
{
    struct error error;
    start("command_timeout = \"300ms\";");
    redis_server_freeze();
    int64_t start_ns = clock_monotonic_ns();
    CU_ASSERT_EQUAL(say_within("PING", CALL_MS, &error), ATLAS_DEADLINE_EXCEEDED);
    CU_ASSERT_TRUE(clock_monotonic_ns() - start_ns < 2 * NS_PER_S);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "redis.command_timeout"));
    CU_ASSERT_TRUE(fixture_eventually(is_refused_at_once, NULL));
    redis_server_thaw();
    CU_ASSERT_TRUE(fixture_eventually(is_answered, NULL));
    stop();
}

static void test_lost_connection_is_unavailable_and_comes_back(void)
{
    struct error error;
    start("command_timeout = \"5s\";");
    say_within("DEBUG SLEEP 1", 20, NULL); /* keeps the server busy */
    redis_server_kill();
    CU_ASSERT_EQUAL(say_within("PING", CALL_MS, &error), ATLAS_UNAVAILABLE);
    CU_ASSERT_TRUE(fixture_eventually(is_refused_at_once, NULL));
    CU_ASSERT_EQUAL(say_within("PING", CALL_MS, &error), ATLAS_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "localhost"));
    redis_server_start(port, NULL);
    CU_ASSERT_TRUE(fixture_eventually(is_answered, NULL));
    stop();
}

static atlas_status_t run_pings(struct call *call, void *arg)
{
    unsigned *answered = arg;
    struct exchange exchange = {.text = "PING;PING"};
    for (int64_t end_ns = clock_monotonic_ns() + NS_PER_S; clock_monotonic_ns() < end_ns;) {
        if (run_exchange(call, &exchange) == ATLAS_OK) {
            (*answered)++;
        } else {
            call->public.interfaces->call->sleep(&call->public, 5 * NS_PER_MS);
        }
    }
    return ATLAS_OK;
}

struct traffic {
    struct atlas_task tasks[16];
    unsigned answered[16];
};

static atlas_status_t run_task(struct atlas_call *public, void *arg)
{
    return run_pings(call_of(public), arg);
}

static atlas_status_t run_traffic(struct call *call, void *arg)
{
    struct traffic *traffic = arg;
    for (size_t i = 0; i < 16; i++) {
        traffic->tasks[i] = (struct atlas_task){.run = run_task, .arg = &traffic->answered[i]};
        call->public.interfaces->call->spawn(&call->public, &traffic->tasks[i]);
    }
    return call->public.interfaces->call->join(&call->public);
}

static void *restart_server(void *arg)
{
    (void)arg;
    for (int n = 0; n < 3; n++) {
        nanosleep(&(struct timespec){0, 150000000}, NULL);
        redis_server_kill();
        redis_server_start(port, NULL);
    }
    return NULL;
}

static void test_restarts_under_traffic(void)
{
    struct traffic traffic = {.answered = {0}};
    pthread_t thread;
    start("");
    pthread_create(&thread, NULL, restart_server, NULL);
    CU_ASSERT_EQUAL(fixture_call(plugin, 1, 20000, run_traffic, &traffic, NULL), ATLAS_OK);
    pthread_join(thread, NULL);
    for (size_t i = 0; i < 16; i++) {
        CU_ASSERT_TRUE(traffic.answered[i] > 10);
    }
    CU_ASSERT_TRUE(fixture_eventually(is_answered, NULL));
    stop();
}

static void test_reload_without_a_server_is_refused(void)
{
    struct error error;
    start("");
    redis_server_kill();
    CU_ASSERT_TRUE(fixture_eventually(is_refused_at_once, NULL));
    CU_ASSERT_PTR_NULL(fixture_load(&(struct fixture_plugin){.id = "test"}, true, &error));
    CU_ASSERT_EQUAL(error.status, ATLAS_UNAVAILABLE);
    stop_module();
}

static void test_start_without_a_server_is_not(void)
{
    port = free_port();
    start_module("");
    CU_ASSERT_EQUAL(say("PING"), ATLAS_UNAVAILABLE);
    redis_server_start(port, NULL);
    CU_ASSERT_TRUE(fixture_eventually(is_answered, NULL));
    stop();
}

static atlas_status_t check_database(const struct atlas_redis_reply *replies)
{
    return replies[1].type == ATLAS_REDIS_STRING &&
           strstr(replies[1].string.data, "db2:keys=1") != NULL;
}

static void test_password_and_database_are_used(void)
{
    struct exchange exchange = {.text = "SET a 1;INFO keyspace", .check = check_database};
    port = free_port();
    redis_server_start(port, "secret");
    start_module("password = \"secret\"; database = 2;");
    CU_ASSERT_EQUAL(fixture_call(plugin, 0, CALL_MS, run_exchange, &exchange, NULL), ATLAS_OK);
    CU_ASSERT_TRUE(exchange.is_right);
    stop();
}

static void test_wrong_password_is_said(void)
{
    struct error error;
    port = free_port();
    redis_server_start(port, "secret");
    start_module("password = \"wrong\";");
    CU_ASSERT_EQUAL(say_within("PING", CALL_MS, &error), ATLAS_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "WRONGPASS"));
    stop();
}

static void test_large_replies_keep_to_the_arena(void)
{
    struct error error;
    start("command_timeout = \"5s\";");
    CU_ASSERT_EQUAL(say("SETRANGE big 20000000 x"), ATLAS_OK);
    atlas_status_t status = say_within("GET big", CALL_MS, &error);
    CU_ASSERT_TRUE(status == ATLAS_RESOURCE_EXHAUSTED || status == ATLAS_UNAVAILABLE);
    CU_ASSERT_TRUE(fixture_eventually(is_answered, NULL));
    stop();
}

static void test_all_addresses_of_a_name_are_tried(void)
{
    server_name = "two.test";
    names_set("two.test", "::1,127.0.0.2,127.0.0.1"); /* the server is at the last */
    start("");
    CU_ASSERT_TRUE(fixture_eventually(is_answered, NULL));
    CU_ASSERT_TRUE(names_lookups("two.test") <= FIXTURE_LOOPS); /* once per connection */
    stop();
    server_name = "localhost";
}

static void test_a_name_that_comes_and_moves_is_followed(void)
{
    struct error error;
    server_name = "moving.test";
    names_set("moving.test", "");
    start("");
    CU_ASSERT_EQUAL(say_within("PING", CALL_MS, &error), ATLAS_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "moving.test: "));
    names_set("moving.test", "127.0.0.2");
    CU_ASSERT_EQUAL(say("PING"), ATLAS_UNAVAILABLE);
    names_set("moving.test", "127.0.0.1");
    CU_ASSERT_TRUE(fixture_eventually(is_answered, NULL));
    stop();
    server_name = "localhost";
}

static void test_a_silent_name_server_ends_the_attempt(void)
{
    server_name = "held.test";
    names_set("held.test", "127.0.0.1");
    names_hold("held.test", true);
    start("");
    CU_ASSERT_EQUAL(say("PING"), ATLAS_UNAVAILABLE);
    names_hold("held.test", false);
    CU_ASSERT_TRUE(fixture_eventually(is_answered, NULL));
    stop();
    server_name = "localhost";
}

UNIT_MAIN("redis", UNIT_TEST(test_pipeline_returns_all_replies_in_order),
          UNIT_TEST(test_refused_commands_name_the_reason),
          UNIT_TEST(test_abandoned_replies_are_dropped),
          UNIT_TEST(test_silent_server_ends_the_wait_and_then_the_connection),
          UNIT_TEST(test_lost_connection_is_unavailable_and_comes_back),
          UNIT_TEST(test_restarts_under_traffic),
          UNIT_TEST(test_reload_without_a_server_is_refused),
          UNIT_TEST(test_start_without_a_server_is_not),
          UNIT_TEST(test_password_and_database_are_used), UNIT_TEST(test_wrong_password_is_said),
          UNIT_TEST(test_large_replies_keep_to_the_arena),
          UNIT_TEST(test_all_addresses_of_a_name_are_tried),
          UNIT_TEST(test_a_name_that_comes_and_moves_is_followed),
          UNIT_TEST(test_a_silent_name_server_ends_the_attempt))
