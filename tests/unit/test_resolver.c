/* Names become addresses on the loop that asked, and no name waits for another. */
#include "base/resolver.h"

#include "base/clock.h"
#include "base/loop.h"
#include "support/names.h"
#include "support/unit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct loop *loop;

/* A query from the loop, and what became of it. */
struct lookup {
    struct loop_task task;
    const char *host;
    struct resolver_query *query;
    bool is_cancelled; /* right after it was asked */
    bool is_on_loop;   /* where the answer came */
    bool was_returned; /* resolver_start had returned before */
    atomic_bool is_asked;
    atomic_bool is_answered;
    struct resolver_answer answer;
};

static void lookup_on_done(void *arg, const struct resolver_answer *answer)
{
    struct lookup *lookup = arg;
    lookup->answer = *answer;
    lookup->is_on_loop = loop_current() == loop;
    lookup->was_returned = lookup->query != NULL;
    atomic_store(&lookup->is_answered, true);
}

static void ask_on_loop(struct loop_task *task)
{
    struct lookup *lookup = CONTAINER_OF(task, struct lookup, task);
    lookup->query = resolver_start(loop, lookup->host, 5432, lookup_on_done, lookup);
    if (lookup->is_cancelled) {
        resolver_cancel(lookup->query);
    }
    atomic_store(&lookup->is_asked, true);
}

static bool wait_for(const atomic_bool *flag)
{
    int64_t end_ns = clock_monotonic_ns() + 10 * NS_PER_S;
    while (!atomic_load(flag) && clock_monotonic_ns() < end_ns) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return atomic_load(flag);
}

static void ask(struct lookup *lookup)
{
    lookup->task.run = ask_on_loop;
    loop_post(loop, &lookup->task);
    CU_ASSERT_TRUE_FATAL(wait_for(&lookup->is_asked));
}

static void expect_addresses(const struct lookup *lookup, const char *expected)
{
    char text[512] = "";
    char one[RESOLVER_TEXT_SIZE];
    for (unsigned i = 0; i < lookup->answer.count; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%s", i > 0 ? "," : "",
                 resolver_address_text(&lookup->answer.addresses[i], one));
    }
    CU_ASSERT_STRING_EQUAL(text, expected);
}

static void test_numeric_addresses_need_no_lookup(void)
{
    struct lookup v4 = {.host = "127.0.0.1"};
    struct lookup v6 = {.host = "::1"};
    ask(&v4);
    ask(&v6);
    CU_ASSERT_TRUE_FATAL(wait_for(&v4.is_answered) && wait_for(&v6.is_answered));
    expect_addresses(&v4, "127.0.0.1");
    expect_addresses(&v6, "::1");
    CU_ASSERT_TRUE(v4.is_on_loop && v4.was_returned);
    const struct sockaddr_in *address = (const void *)&v4.answer.addresses[0].address;
    CU_ASSERT_EQUAL(ntohs(address->sin_port), 5432);
}

static void test_names_keep_the_order_of_their_addresses(void)
{
    struct lookup lookup = {.host = "two.test"};
    names_set("two.test", "::1,127.0.0.1,127.0.0.2");
    ask(&lookup);
    CU_ASSERT_TRUE_FATAL(wait_for(&lookup.is_answered));
    expect_addresses(&lookup, "::1,127.0.0.1,127.0.0.2");
    CU_ASSERT_TRUE(lookup.is_on_loop);
    const struct sockaddr_in6 *address = (const void *)&lookup.answer.addresses[0].address;
    CU_ASSERT_EQUAL(ntohs(address->sin6_port), 5432);
}

static void test_unknown_names_say_so(void)
{
    struct lookup lookup = {.host = "none.test"};
    names_set("none.test", "");
    ask(&lookup);
    CU_ASSERT_TRUE_FATAL(wait_for(&lookup.is_answered));
    CU_ASSERT_EQUAL(lookup.answer.count, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(lookup.answer.failure, "none.test: "));
}

static void test_too_long_names_say_so(void)
{
    static char name[400];
    struct lookup lookup = {.host = name};
    memset(name, 'a', sizeof name - 1);
    ask(&lookup);
    CU_ASSERT_TRUE_FATAL(wait_for(&lookup.is_answered));
    CU_ASSERT_EQUAL(lookup.answer.count, 0);
}

static void test_queries_for_one_name_share_a_lookup(void)
{
    static struct lookup lookups[20];
    names_set("shared.test", "127.0.0.1");
    names_hold("shared.test", true);
    for (size_t i = 0; i < 20; i++) {
        lookups[i].host = "shared.test";
        ask(&lookups[i]);
    }
    names_hold("shared.test", false);
    for (size_t i = 0; i < 20; i++) {
        CU_ASSERT_TRUE_FATAL(wait_for(&lookups[i].is_answered));
    }
    CU_ASSERT_EQUAL(names_lookups("shared.test"), 1);
}

static void test_a_silent_name_server_holds_up_no_other_name(void)
{
    struct lookup slow = {.host = "slow.test"};
    struct lookup quick = {.host = "quick.test"};
    names_set("slow.test", "127.0.0.1");
    names_set("quick.test", "127.0.0.1");
    names_hold("slow.test", true);
    ask(&slow);
    ask(&quick);
    CU_ASSERT_TRUE(wait_for(&quick.is_answered));
    CU_ASSERT_FALSE(atomic_load(&slow.is_answered));
    names_hold("slow.test", false);
    CU_ASSERT_TRUE(wait_for(&slow.is_answered));
}

static void test_a_cancelled_query_is_not_answered(void)
{
    struct lookup held = {.host = "slow.test", .is_cancelled = true};
    struct lookup numeric = {.host = "127.0.0.1", .is_cancelled = true};
    struct lookup after = {.host = "slow.test"};
    names_hold("slow.test", true);
    ask(&held);
    ask(&numeric);
    ask(&after);
    names_hold("slow.test", false);
    CU_ASSERT_TRUE(wait_for(&after.is_answered));
    CU_ASSERT_FALSE(atomic_load(&held.is_answered));
    CU_ASSERT_FALSE(atomic_load(&numeric.is_answered));
    resolver_cancel(NULL);
}

static void test_loop_starts(void)
{
    struct error error;
    CU_ASSERT_EQUAL_FATAL(loop_create(0, &loop, &error), ATLAS_OK);
    CU_ASSERT_EQUAL_FATAL(loop_start(loop, "test", &error), ATLAS_OK);
}

static void test_loop_ends(void)
{
    loop_stop(loop);
    loop_destroy(loop);
}

UNIT_MAIN("resolver", UNIT_TEST(test_loop_starts), UNIT_TEST(test_numeric_addresses_need_no_lookup),
          UNIT_TEST(test_names_keep_the_order_of_their_addresses),
          UNIT_TEST(test_unknown_names_say_so), UNIT_TEST(test_too_long_names_say_so),
          UNIT_TEST(test_queries_for_one_name_share_a_lookup),
          UNIT_TEST(test_a_silent_name_server_holds_up_no_other_name),
          UNIT_TEST(test_a_cancelled_query_is_not_answered), UNIT_TEST(test_loop_ends))
