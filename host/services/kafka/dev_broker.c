#include "services/kafka/dev_broker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "services/kafka/dev_broker_drops.h"
#include "services/kafka/dev_broker_port.h"
#include "services/kafka/kafka_tsan.h"

#define DEFAULT_PARTITIONS 4
#define LOOK_SECONDS       2

/* The mock does not survive a port that is taken, so this asks first. */
static atlas_status_t check_port(uint16_t port, struct error *error)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_free = fd >= 0 &&
                   setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) == 0 &&
                   bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1) == 0;
    int failure = errno;
    if (fd >= 0) {
        close(fd);
    }
    if (!is_free) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED,
                         "dev broker: cannot listen on 127.0.0.1:%u: %s; choose another --port",
                         (unsigned)port, strerror(failure));
    }
    return ATLAS_OK;
}

static void write_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    (void)level;
    log_debug("dev broker", LOG_TEXT("facility", facility), LOG_TEXT("text", text));
}

static rd_kafka_t *make_client(const char *brokers, struct error *error)
{
    char reason[256];
    kafka_tsan_keep();
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, write_log);
    if (brokers != NULL && rd_kafka_conf_set(conf, "bootstrap.servers", brokers, reason,
                                             sizeof reason) != RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(conf);
        error_set(error, ATLAS_INTERNAL, "dev broker: %s", reason);
        return NULL;
    }
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (rk == NULL) {
        rd_kafka_conf_destroy(conf);
        error_set(error, ATLAS_RESOURCE_EXHAUSTED, "dev broker: %s", reason);
    }
    return rk;
}

static rd_kafka_mock_cluster_t *
make_cluster(rd_kafka_t *owner, const struct dev_broker_options *options, struct error *error)
{
    char expected[32];
    snprintf(expected, sizeof expected, "127.0.0.1:%u", (unsigned)options->port);
    dev_broker_port_set(options->port);
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(owner, 1);
    dev_broker_port_set(0);
    if (cluster == NULL) {
        error_set(error, ATLAS_RESOURCE_EXHAUSTED, "dev broker: no mock cluster on %s", expected);
        return NULL;
    }
    const char *address = rd_kafka_mock_cluster_bootstraps(cluster);
    if (options->port != 0 && strcmp(address, expected) != 0) {
        error_set(error, ATLAS_INTERNAL,
                  "dev broker: it listens on %s, not on %s: this librdkafka does not call the "
                  "program's bind()",
                  address, expected);
        rd_kafka_mock_cluster_destroy(cluster);
        return NULL;
    }
    int partitions = options->partitions > 0 ? options->partitions : DEFAULT_PARTITIONS;
    for (size_t i = 0; i < options->topic_count; i++) {
        rd_kafka_mock_topic_create(cluster, options->topics[i], partitions, 1);
    }
    return cluster;
}

/* Until a signal asks to end; looks for dropped records in between. */
static void serve(rd_kafka_t *observer, const sigset_t *ends)
{
    const struct timespec pause = {LOOK_SECONDS, 0};
    struct dev_broker_drops *drops = dev_broker_drops_create(observer);
    while (sigtimedwait(ends, NULL, &pause) < 0) {
        if (errno == EAGAIN) {
            dev_broker_drops_look(drops);
        }
    }
    dev_broker_drops_destroy(drops);
}

atlas_status_t dev_broker_run(const struct dev_broker_options *options, struct error *error)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);

    atlas_status_t status = check_port(options->port, error);
    rd_kafka_t *owner = status == ATLAS_OK ? make_client(NULL, error) : NULL;
    rd_kafka_mock_cluster_t *cluster = owner != NULL ? make_cluster(owner, options, error) : NULL;
    rd_kafka_t *observer =
        cluster != NULL ? make_client(rd_kafka_mock_cluster_bootstraps(cluster), error) : NULL;
    if (observer != NULL) {
        log_info("dev broker ready",
                 LOG_TEXT("address", rd_kafka_mock_cluster_bootstraps(cluster)));
        serve(observer, &ends);
        log_info("dev broker ends");
        rd_kafka_destroy(observer);
    }
    if (cluster != NULL) {
        rd_kafka_mock_cluster_destroy(cluster);
    }
    if (owner != NULL) {
        rd_kafka_destroy(owner);
    }
    return observer != NULL ? ATLAS_OK : error->status;
}
