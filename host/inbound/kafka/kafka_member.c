#include "inbound/kafka/kafka_member.h"

#include <event2/event.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/config/config.h"
#include "inbound/kafka/kafka_group.h"

#define TICK_S 1 /* an idle one is polled this often, which max.poll.interval.ms asks for */

static const uint64_t wake_payload = 1;

static void member_on_wake(evutil_socket_t fd, short events, void *arg)
{
    (void)events;
    struct kafka_member *member = arg;
    uint64_t count;
    ssize_t ignored = read(fd, &count, sizeof count);
    (void)ignored;
    member->on_wake(member->self);
}

static void member_on_tick(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct kafka_member *member = arg;
    member->on_tick(member->self);
}

atlas_status_t kafka_member_init(struct kafka_member *member, struct loop *poller,
                                 void (*on_wake)(void *self), void (*on_tick)(void *self),
                                 void *self)
{
    struct event_base *base = loop_base(poller);
    *member = (struct kafka_member){.on_wake = on_wake, .on_tick = on_tick, .self = self};
    member->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (member->wake_fd >= 0) {
        member->wake_event =
            event_new(base, member->wake_fd, EV_READ | EV_PERSIST, member_on_wake, member);
        member->tick = event_new(base, -1, EV_PERSIST, member_on_tick, member);
    }
    if (member->wake_event == NULL || member->tick == NULL) {
        kafka_member_silence(member);
        kafka_member_finish(member, 0);
        return ATLAS_RESOURCE_EXHAUSTED;
    }
    return ATLAS_OK;
}

static atlas_status_t make_client(struct kafka_member *member, const struct config_kafka *settings,
                                  const char *group, size_t batch_limit, struct error *error)
{
    char reason[256];
    rd_kafka_conf_t *conf;
    atlas_status_t status = kafka_group_conf(settings, group, batch_limit, &conf, error);
    if (status != ATLAS_OK) {
        return status;
    }
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    if (rk == NULL) {
        rd_kafka_conf_destroy(conf);
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "kafka: no consumer: %s", reason);
    }
    rd_kafka_poll_set_consumer(rk);
    member->rk = rk;
    member->queue = rd_kafka_queue_get_consumer(rk);
    rd_kafka_queue_io_event_enable(member->queue, member->wake_fd, &wake_payload,
                                   sizeof wake_payload);
    return ATLAS_OK;
}

atlas_status_t kafka_member_join(struct kafka_member *member, const struct config_kafka *settings,
                                 const char *group, const char *topic, size_t batch_limit,
                                 struct error *error)
{
    atlas_status_t status = make_client(member, settings, group, batch_limit, error);
    if (status != ATLAS_OK) {
        return status;
    }
    event_add(member->tick, &(struct timeval){TICK_S, 0});
    event_add(member->wake_event, NULL);
    rd_kafka_resp_err_t failure = kafka_group_subscribe(member->rk, topic);
    return failure == RD_KAFKA_RESP_ERR_NO_ERROR
               ? ATLAS_OK
               : error_set(error, ATLAS_UNAVAILABLE, "kafka: not subscribed: %s",
                           rd_kafka_err2str(failure));
}

void kafka_member_silence(struct kafka_member *member)
{
    struct event **events[] = {&member->wake_event, &member->tick};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (*events[i] != NULL) {
            event_free(*events[i]);
            *events[i] = NULL;
        }
    }
    if (member->queue != NULL) {
        rd_kafka_queue_io_event_enable(member->queue, -1, NULL, 0);
    }
}

void kafka_member_finish(struct kafka_member *member, int64_t limit_ms)
{
    if (member->rk != NULL) {
        kafka_group_leave(member->rk, member->queue, limit_ms);
        member->rk = NULL;
        member->queue = NULL;
    }
    if (member->wake_fd >= 0) {
        close(member->wake_fd);
        member->wake_fd = -1;
    }
}
