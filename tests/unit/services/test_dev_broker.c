/* The development broker: its port, its topics, its end. */
#include "services/kafka/dev_broker.h"

#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "module_fixture.h"
#include "support/free_port.h"
#include "support/unit.h"

static const char *const topics[] = {"gps"};
static struct dev_broker_options options = {.partitions = 6, .topics = topics, .topic_count = 1};
static pid_t broker;

/* Forked before anything here has threads. */
static void start(void)
{
    options.port = free_port();
    broker = fork();
    if (broker == 0) {
        struct error error = {.text = ""};
        atlas_status_t status = dev_broker_run(&options, &error);
        _exit(status == ATLAS_OK ? 0 : 1);
    }
}

static void test_broker_is_where_it_was_asked_to_be(void)
{
    char reason[256];
    char address[32];
    const struct rd_kafka_metadata *metadata = NULL;
    struct error error;
    start();
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)options.port);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", address, reason, sizeof reason);
    rd_kafka_conf_set(conf, "log_level", "0", reason, sizeof reason);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    CU_ASSERT_PTR_NOT_NULL_FATAL(client);
    CU_ASSERT_EQUAL_FATAL(rd_kafka_metadata(client, 1, NULL, &metadata, 20000),
                          RD_KAFKA_RESP_ERR_NO_ERROR);
    CU_ASSERT_EQUAL(metadata->broker_cnt, 1);
    CU_ASSERT_EQUAL(metadata->brokers[0].port, options.port); /* where clients go on to */
    CU_ASSERT_EQUAL_FATAL(metadata->topic_cnt, 1);
    CU_ASSERT_STRING_EQUAL(metadata->topics[0].topic, "gps");
    CU_ASSERT_EQUAL(metadata->topics[0].partition_cnt, 6);
    rd_kafka_metadata_destroy(metadata);
    CU_ASSERT_EQUAL(dev_broker_run(&options, &error), ATLAS_RESOURCE_EXHAUSTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "--port"));
    rd_kafka_destroy(client);
}

static void test_sigterm_ends_it(void)
{
    int status = -1;
    kill(broker, SIGTERM);
    CU_ASSERT_EQUAL(waitpid(broker, &status, 0), broker);
    CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

UNIT_MAIN("dev_broker", UNIT_TEST(test_broker_is_where_it_was_asked_to_be),
          UNIT_TEST(test_sigterm_ends_it))
