/* Being a member of a consumer group: how it is set up, joined and left. */
#ifndef INBOUND_KAFKA_GROUP_H
#define INBOUND_KAFKA_GROUP_H

#include <librdkafka/rdkafka.h>

#include "base/error.h"

struct config_kafka;

/* Options of a member: offsets are stored by hand and committed by librdkafka every second. The
 * caller owns the result until rd_kafka_new takes it. Any thread. */
atlas_status_t kafka_group_conf(const struct config_kafka *settings, const char *group,
                                size_t batch_limit, rd_kafka_conf_t **ret_conf,
                                struct error *error);

/* Refuses what librdkafka would refuse. Any thread. */
atlas_status_t kafka_group_check(const struct config_kafka *settings, const char *group,
                                 size_t batch_limit, struct error *error);

/* Joins the group for one topic; assignments come as events. Does not wait. */
rd_kafka_resp_err_t kafka_group_subscribe(rd_kafka_t *rk, const char *topic);

/* Commits what is stored, leaves the group, and frees both. No partition may be in use. Waits about
 * limit_ms for the brokers, then goes without a word. Blocks: on a thread of its own. */
void kafka_group_leave(rd_kafka_t *rk, rd_kafka_queue_t *queue, int64_t limit_ms);

#endif
