/*
 * A client of librdkafka as a member of a consumer group, and what wakes its poller: librdkafka
 * writes to an eventfd when records or events have come, and a tick comes once a second.
 */
#ifndef INBOUND_KAFKA_MEMBER_H
#define INBOUND_KAFKA_MEMBER_H

#include <librdkafka/rdkafka.h>

#include "base/error.h"
#include "base/loop.h"

struct config_kafka;
struct event;

/* Owned by the consumer. */
struct kafka_member {
    rd_kafka_t *rk;          /* NULL until joined */
    rd_kafka_queue_t *queue; /* everything but records */
    int wake_fd;
    struct event *wake_event;
    struct event *tick;
    void (*on_wake)(void *self);
    void (*on_tick)(void *self);
    void *self;
};

/* Makes the events; the functions are called on the poller's loop. RESOURCE_EXHAUSTED when files or
 * memory are used up. Any thread. */
atlas_status_t kafka_member_init(struct kafka_member *member, struct loop *poller,
                                 void (*on_wake)(void *self), void (*on_tick)(void *self),
                                 void *self);

/* Makes the client and joins the group for one topic; assignments come as events of the queue. On
 * the poller's loop. Does not wait. */
atlas_status_t kafka_member_join(struct kafka_member *member, const struct config_kafka *settings,
                                 const char *group, const char *topic, size_t batch_limit,
                                 struct error *error);

/* Nothing is called any more. On the poller's loop. */
void kafka_member_silence(struct kafka_member *member);

/* Leaves the group, waiting about limit_ms for the brokers, and frees everything. After
 * kafka_member_silence. Blocks if it had joined: on a thread of its own. */
void kafka_member_finish(struct kafka_member *member, int64_t limit_ms);

#endif
