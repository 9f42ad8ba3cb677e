/* Publishing, against librdkafka's mock cluster with its errors. */
#include "inbound/kafka/kafka_module.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "kafka_cluster.h"
#include "module_fixture.h"
#include "services/kafka/kafka_producer.h"
#include "support/free_port.h"
#include "support/unit.h"

#define PRODUCE 0 /* ApiKeys of Kafka */
#define CALL_MS 5000

static struct kafka_module *kafka;
static struct generation *plugin;

static void start_module(const char *brokers, const char *settings)
{
    char groups[300];
    struct error error;
    snprintf(groups, sizeof groups, "kafka = { brokers = \"%s\"; message_limit = \"64KiB\"; %s };",
             brokers, settings);
    fixture_create(groups);
    CU_ASSERT_EQUAL_FATAL(kafka_module_create(&fixture_config()->kafka, &kafka, &error), ATLAS_OK);
    fixture_start(kafka_module_module(kafka));
    plugin = fixture_load(&(struct fixture_plugin){.id = "test"}, false, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(plugin);
}

static void stop_module(void)
{
    fixture_unload(plugin);
    kafka_module_close(kafka);
    fixture_destroy();
    kafka_module_destroy(kafka);
}

struct publication {
    const char *topic;
    const char *key;
    struct atlas_bytes value;
    const struct atlas_kafka_header *headers;
    size_t header_count;
    enum atlas_outcome outcome;
};

static atlas_status_t run_publish(struct call *call, void *arg)
{
    struct publication *publication = arg;
    struct atlas_bytes key = {publication->key, strlen(publication->key)};
    return call->generation->interfaces.kafka->publish(
        &call->public, publication->topic, key, publication->value, publication->headers,
        publication->header_count, &publication->outcome);
}

static atlas_status_t publish_within(const char *topic, int64_t timeout_ms,
                                     enum atlas_outcome *ret_outcome, struct error *error)
{
    struct publication publication = {topic, "k", {"v", 1}, NULL, 0, ATLAS_OUTCOME_NOT_DONE};
    atlas_status_t status = fixture_call(plugin, 1, timeout_ms, run_publish, &publication, error);
    *ret_outcome = publication.outcome;
    return status;
}

static bool is_published(void *arg)
{
    enum atlas_outcome outcome;
    return publish_within(arg, CALL_MS, &outcome, NULL) == ATLAS_OK &&
           outcome == ATLAS_OUTCOME_DONE;
}

/* --- the tests --- */

static void test_publish_returns_when_the_broker_has_it(void)
{
    const struct atlas_kafka_header headers[] = {{"event-id", {"e1", 2}}, {"empty", {"", 0}}};
    struct publication publication = {"orders", "key", {"value", 5}, headers, 2, 0};
    start_module(kafka_cluster_start(), "");
    CU_ASSERT_TRUE_FATAL(fixture_eventually(is_published, "warm"));
    CU_ASSERT_EQUAL(fixture_call(plugin, 0, CALL_MS, run_publish, &publication, NULL), ATLAS_OK);
    CU_ASSERT_EQUAL(publication.outcome, ATLAS_OUTCOME_DONE);
    CU_ASSERT_EQUAL(kafka_cluster_count("orders", -1), 1);
    int partition = 0;
    while (partition < 3 && kafka_cluster_count("orders", partition) == 0) {
        partition++;
    }
    rd_kafka_message_t *message = kafka_cluster_read("orders", partition, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(message);
    rd_kafka_headers_t *found;
    const void *value;
    size_t len;
    CU_ASSERT_EQUAL(memcmp(message->key, "key", 3), 0);
    CU_ASSERT_EQUAL(memcmp(message->payload, "value", 5), 0);
    CU_ASSERT_EQUAL_FATAL(rd_kafka_message_headers(message, &found), RD_KAFKA_RESP_ERR_NO_ERROR);
    CU_ASSERT_EQUAL(rd_kafka_header_get_last(found, "event-id", &value, &len),
                    RD_KAFKA_RESP_ERR_NO_ERROR);
    CU_ASSERT_TRUE(len == 2 && memcmp(value, "e1", 2) == 0);
    rd_kafka_message_destroy(message);
    stop_module();
    kafka_cluster_stop();
}

static void test_passing_errors_of_the_broker_are_not_seen(void)
{
    if (kafka_cluster_is_real()) {
        return;
    }
    enum atlas_outcome outcome;
    start_module(kafka_cluster_start(), "");
    CU_ASSERT_TRUE_FATAL(fixture_eventually(is_published, "orders"));
    rd_kafka_mock_push_request_errors(kafka_cluster(), PRODUCE, 2,
                                      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
                                      RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
    int64_t before = kafka_cluster_count("orders", -1);
    CU_ASSERT_EQUAL(publish_within("orders", CALL_MS, &outcome, NULL), ATLAS_OK);
    CU_ASSERT_EQUAL(outcome, ATLAS_OUTCOME_DONE);
    CU_ASSERT_EQUAL(kafka_cluster_count("orders", -1), before + 1);
    stop_module();
    kafka_cluster_stop();
}

static bool has_arrived(void *arg)
{
    return kafka_cluster_count("orders", -1) == *(int64_t *)arg;
}

/* The caller gave up, the record did not: that is what "unknown" means. */
static void test_outcome_is_unknown_after_the_deadline(void)
{
    if (kafka_cluster_is_real()) {
        return;
    }
    enum atlas_outcome outcome;
    start_module(kafka_cluster_start(), "");
    CU_ASSERT_TRUE_FATAL(fixture_eventually(is_published, "orders"));
    int64_t expected = kafka_cluster_count("orders", -1) + 1;
    rd_kafka_mock_broker_push_request_error_rtts(kafka_cluster(), 1, PRODUCE, 1, 0, 800);
    int64_t start_ns = clock_monotonic_ns();
    atlas_status_t status = publish_within("orders", 300, &outcome, NULL);
    CU_ASSERT_TRUE(status == ATLAS_UNAVAILABLE || status == ATLAS_DEADLINE_EXCEEDED);
    CU_ASSERT_EQUAL(outcome, ATLAS_OUTCOME_UNKNOWN);
    CU_ASSERT_TRUE(clock_monotonic_ns() - start_ns < 600 * NS_PER_MS);
    CU_ASSERT_TRUE(fixture_eventually(has_arrived, &expected));
    stop_module();
    kafka_cluster_stop();
}

static void test_record_too_large_is_refused(void)
{
    static char large[100000];
    struct publication publication = {"orders", "k", {large, sizeof large}, NULL, 0, 0};
    struct error error;
    start_module(kafka_cluster_start(), "");
    CU_ASSERT_TRUE_FATAL(fixture_eventually(is_published, "orders"));
    CU_ASSERT_EQUAL(fixture_call(plugin, 0, CALL_MS, run_publish, &publication, &error),
                    ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(publication.outcome, ATLAS_OUTCOME_NOT_DONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "kafka.message_limit"));
    stop_module();
    kafka_cluster_stop();
}

struct many {
    atlas_status_t statuses[40];
    enum atlas_outcome outcomes[40];
    struct atlas_task tasks[40];
};

struct one_of_many {
    struct many *many;
    size_t index;
};

static atlas_status_t run_one(struct atlas_call *public, void *arg)
{
    struct one_of_many *one = arg;
    struct publication publication = {"orders", "k", {"v", 1}, NULL, 0, 0};
    one->many->statuses[one->index] = run_publish(call_of(public), &publication);
    one->many->outcomes[one->index] = publication.outcome;
    return ATLAS_OK;
}

static atlas_status_t run_many(struct call *call, void *arg)
{
    struct many *many = arg;
    struct one_of_many ones[40];
    for (size_t i = 0; i < 40; i++) {
        ones[i] = (struct one_of_many){many, i};
        many->tasks[i] = (struct atlas_task){.run = run_one, .arg = &ones[i]};
        call->public.interfaces->call->spawn(&call->public, &many->tasks[i]);
    }
    return call->public.interfaces->call->join(&call->public);
}

static void test_full_queue_is_said_and_nothing_is_lost(void)
{
    if (kafka_cluster_is_real()) {
        return;
    }
    static struct many many;
    size_t done = 0;
    size_t refused = 0;
    start_module(kafka_cluster_start(), "queue_messages = 10;");
    CU_ASSERT_TRUE_FATAL(fixture_eventually(is_published, "orders"));
    int64_t before = kafka_cluster_count("orders", -1);
    rd_kafka_mock_broker_push_request_error_rtts(kafka_cluster(), 1, PRODUCE, 1, 0, 300);
    CU_ASSERT_EQUAL(fixture_call(plugin, 0, CALL_MS, run_many, &many, NULL), ATLAS_OK);
    for (size_t i = 0; i < 40; i++) {
        done += many.statuses[i] == ATLAS_OK && many.outcomes[i] == ATLAS_OUTCOME_DONE;
        refused += many.statuses[i] == ATLAS_RESOURCE_EXHAUSTED &&
                   many.outcomes[i] == ATLAS_OUTCOME_NOT_DONE;
    }
    CU_ASSERT_TRUE(refused > 0);
    CU_ASSERT_EQUAL(done + refused, 40);
    CU_ASSERT_EQUAL(kafka_cluster_count("orders", -1), before + (int64_t)done);
    stop_module();
    kafka_cluster_stop();
}

static bool is_away(void *arg)
{
    enum atlas_outcome outcome;
    (void)arg;
    return publish_within("orders", CALL_MS, &outcome, NULL) == ATLAS_UNAVAILABLE &&
           outcome == ATLAS_OUTCOME_NOT_DONE;
}

static void test_broker_that_is_away_answers_at_once_and_comes_back(void)
{
    if (kafka_cluster_is_real()) {
        return;
    }
    struct error error;
    enum atlas_outcome outcome;
    start_module(kafka_cluster_start(), "");
    CU_ASSERT_TRUE_FATAL(fixture_eventually(is_published, "orders"));
    rd_kafka_mock_broker_set_down(kafka_cluster(), 1);
    CU_ASSERT_TRUE(fixture_eventually(is_away, NULL));
    int64_t start_ns = clock_monotonic_ns();
    CU_ASSERT_EQUAL(publish_within("orders", CALL_MS, &outcome, &error), ATLAS_UNAVAILABLE);
    CU_ASSERT_TRUE(clock_monotonic_ns() - start_ns < 200 * NS_PER_MS);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "cannot be reached"));
    rd_kafka_mock_broker_set_up(kafka_cluster(), 1);
    CU_ASSERT_TRUE(fixture_eventually(is_published, "orders"));
    stop_module();
    kafka_cluster_stop();
}

static void test_start_without_a_broker_says_so_within_the_deadline(void)
{
    char brokers[32];
    enum atlas_outcome outcome;
    struct error error;
    snprintf(brokers, sizeof brokers, "127.0.0.1:%d", free_port());
    start_module(brokers, "");
    int64_t start_ns = clock_monotonic_ns();
    CU_ASSERT_EQUAL(publish_within("orders", 1000, &outcome, NULL), ATLAS_UNAVAILABLE);
    CU_ASSERT_TRUE(clock_monotonic_ns() - start_ns < NS_PER_S);
    CU_ASSERT_TRUE(fixture_eventually(is_away, NULL));
    CU_ASSERT_PTR_NULL(fixture_load(&(struct fixture_plugin){.id = "test"}, true, &error));
    CU_ASSERT_EQUAL(error.status, ATLAS_UNAVAILABLE);
    stop_module();
}

struct page {
    struct kafka_publication records[100];
    enum atlas_outcome outcomes[100];
    char values[100][8];
};

static struct kafka_producer *tested_producer;

static atlas_status_t run_page(struct call *call, void *arg)
{
    struct page *page = arg;
    return kafka_publish_batch(tested_producer, call, page->records, 100, page->outcomes);
}

static bool is_producer_ready(void *arg)
{
    return kafka_producer_is_ready(arg);
}

static void test_batch_keeps_the_order_of_a_key(void)
{
    if (kafka_cluster_is_real()) {
        return;
    }
    static struct page page;
    struct error error;
    start_module(kafka_cluster_start(), "");
    CU_ASSERT_EQUAL_FATAL(kafka_producer_create(&fixture_config()->kafka, &tested_producer, &error),
                          ATLAS_OK);
    CU_ASSERT_TRUE_FATAL(fixture_eventually(is_producer_ready, tested_producer));
    for (size_t i = 0; i < 100; i++) {
        int len = snprintf(page.values[i], sizeof page.values[i], "%zu", i);
        page.records[i] = (struct kafka_publication){
            .topic = "pages", .key = {"same", 4}, .value = {page.values[i], (size_t)len}};
    }
    rd_kafka_mock_push_request_errors(kafka_cluster(), PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    CU_ASSERT_EQUAL(fixture_call(plugin, 0, CALL_MS, run_page, &page, NULL), ATLAS_OK);
    for (size_t i = 0; i < 100; i++) {
        CU_ASSERT_EQUAL(page.outcomes[i], ATLAS_OUTCOME_DONE);
    }
    CU_ASSERT_EQUAL(kafka_cluster_count("pages", -1), 100);
    kafka_producer_close(tested_producer);
    kafka_producer_destroy(tested_producer);
    stop_module();
    kafka_cluster_stop();
}

UNIT_MAIN("kafka_producer", UNIT_TEST(test_publish_returns_when_the_broker_has_it),
          UNIT_TEST(test_passing_errors_of_the_broker_are_not_seen),
          UNIT_TEST(test_outcome_is_unknown_after_the_deadline),
          UNIT_TEST(test_record_too_large_is_refused),
          UNIT_TEST(test_full_queue_is_said_and_nothing_is_lost),
          UNIT_TEST(test_broker_that_is_away_answers_at_once_and_comes_back),
          UNIT_TEST(test_start_without_a_broker_says_so_within_the_deadline),
          UNIT_TEST(test_batch_keeps_the_order_of_a_key))
