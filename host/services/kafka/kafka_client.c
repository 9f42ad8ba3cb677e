#include "services/kafka/kafka_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/config/config.h"
#include "base/log.h"
#include "services/kafka/kafka_tsan.h"

/* Every attempt to reach a broker that is away says FAIL; the host says it once, in its own words.
 */
static void write_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    const char *client = rk != NULL ? rd_kafka_name(rk) : "";
    enum atlas_log_level ours = ATLAS_LOG_DEBUG;
    if (level <= LOG_CRIT) {
        ours = ATLAS_LOG_ERROR;
    } else if (level <= LOG_WARNING && strcmp(facility, "FAIL") != 0) {
        ours = ATLAS_LOG_WARN;
    }
    if (log_is_enabled(ours)) {
        log_write(ours, "kafka client", LOG_TEXT("client", client), LOG_TEXT("facility", facility),
                  LOG_TEXT("text", text), LOG_END);
    }
}

static atlas_status_t set_options(rd_kafka_conf_t *conf, const struct kafka_client_option *options,
                                  size_t count, struct error *error)
{
    char reason[256];
    char number[24];
    for (size_t i = 0; i < count; i++) {
        const char *text = options[i].text;
        if (text == NULL) {
            snprintf(number, sizeof number, "%" PRId64, options[i].number);
            text = number;
        }
        if (rd_kafka_conf_set(conf, options[i].name, text, reason, sizeof reason) !=
            RD_KAFKA_CONF_OK) {
            return error_set(error, ATLAS_INVALID_ARGUMENT, "kafka: %s = \"%s\": %s",
                             options[i].name, text, reason);
        }
    }
    return ATLAS_OK;
}

atlas_status_t kafka_client_conf(const struct config_kafka *settings,
                                 const struct kafka_client_option *options, size_t count,
                                 rd_kafka_conf_t **ret_conf, struct error *error)
{
    const struct kafka_client_option common[] = {
        KAFKA_TEXT("bootstrap.servers", settings->brokers),
        KAFKA_TEXT("client.id", "atlas"),
        KAFKA_NUMBER("reconnect.backoff.ms", settings->reconnect_min_ms),
        KAFKA_NUMBER("reconnect.backoff.max.ms", settings->reconnect_max_ms),
        KAFKA_TEXT("socket.nagle.disable", "true"),
        KAFKA_TEXT("socket.keepalive.enable", "true"),
        KAFKA_TEXT("log.connection.close", "false"),
        /* A topic that is created later is found soon. */
        KAFKA_NUMBER("topic.metadata.refresh.fast.interval.ms", 100),
        KAFKA_NUMBER("topic.metadata.refresh.interval.ms", 30000),
    };
    kafka_tsan_keep();
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    atlas_status_t status = set_options(conf, common, sizeof common / sizeof common[0], error);
    if (status == ATLAS_OK) {
        status = set_options(conf, options, count, error);
    }
    if (status != ATLAS_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    rd_kafka_conf_set_log_cb(conf, write_log);
    *ret_conf = conf;
    return ATLAS_OK;
}

atlas_status_t kafka_client_status(rd_kafka_resp_err_t failure)
{
    switch (failure) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return ATLAS_OK;
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        return ATLAS_RESOURCE_EXHAUSTED;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
        return ATLAS_INVALID_ARGUMENT;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        return ATLAS_PERMISSION_DENIED;
    default:
        return ATLAS_UNAVAILABLE;
    }
}
