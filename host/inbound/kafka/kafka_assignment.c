#include "inbound/kafka/kafka_assignment.h"

#include "base/log.h"
#include "inbound/kafka/kafka_batch_run.h"

void kafka_assignment_finish(struct kafka_assignment *assignment)
{
    while (assignment->partitions != NULL) {
        struct kafka_partition *partition = assignment->partitions;
        assignment->partitions = partition->next;
        kafka_partition_destroy(partition);
    }
}

void kafka_assignment_take(struct kafka_assignment *assignment,
                           const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        struct kafka_partition *partition =
            kafka_partition_create(&assignment->owner, list->elems[i].partition);
        if (partition == NULL) {
            log_error("kafka partition not consumed: out of memory",
                      LOG_TEXT("operation", assignment->operation),
                      LOG_INT("partition", list->elems[i].partition));
            continue;
        }
        partition->next = assignment->partitions;
        assignment->partitions = partition;
    }
    rd_kafka_resp_err_t failure = rd_kafka_assign(assignment->owner.rk, list);
    log_info("kafka partitions assigned", LOG_TEXT("operation", assignment->operation),
             LOG_TEXT("topic", assignment->owner.topic), LOG_INT("count", list->cnt),
             LOG_TEXT("result", rd_kafka_err2name(failure)));
}

void kafka_assignment_revoke(struct kafka_assignment *assignment)
{
    for (struct kafka_partition *p = assignment->partitions; p != NULL; p = p->next) {
        p->is_revoked = true;
    }
    assignment->is_revoking = true;
}

bool kafka_assignment_advance(struct kafka_assignment *assignment)
{
    if (!assignment->is_revoking || kafka_assignment_running(assignment) > 0) {
        return false;
    }
    assignment->is_revoking = false;
    log_info("kafka partitions given back", LOG_TEXT("operation", assignment->operation),
             LOG_TEXT("topic", assignment->owner.topic));
    rd_kafka_assign(assignment->owner.rk, NULL);
    kafka_assignment_finish(assignment);
    return true;
}

unsigned kafka_assignment_running(const struct kafka_assignment *assignment)
{
    unsigned running = 0;
    for (const struct kafka_partition *p = assignment->partitions; p != NULL; p = p->next) {
        running += p->state == KAFKA_PARTITION_RUNNING;
    }
    return running;
}

void kafka_assignment_serve(struct kafka_assignment *assignment)
{
    for (struct kafka_partition *p = assignment->partitions; p != NULL; p = p->next) {
        kafka_partition_serve(p);
    }
}

void kafka_assignment_retry_now(struct kafka_assignment *assignment)
{
    for (struct kafka_partition *p = assignment->partitions; p != NULL; p = p->next) {
        kafka_partition_retry_now(p);
    }
}

void kafka_assignment_cancel(struct kafka_assignment *assignment)
{
    for (struct kafka_partition *p = assignment->partitions; p != NULL; p = p->next) {
        if (p->state == KAFKA_PARTITION_RUNNING) {
            kafka_batch_cancel(&p->batch);
        }
    }
}

unsigned kafka_assignment_count(const struct kafka_assignment *assignment)
{
    unsigned count = 0;
    for (const struct kafka_partition *p = assignment->partitions; p != NULL; p = p->next) {
        count++;
    }
    return count;
}

int64_t kafka_assignment_lag(const struct kafka_assignment *assignment)
{
    int64_t lag = 0;
    for (const struct kafka_partition *p = assignment->partitions; p != NULL; p = p->next) {
        lag += kafka_partition_lag(p);
    }
    return lag;
}
