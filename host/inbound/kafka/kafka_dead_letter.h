/* Records that failed for good go to "<topic>.dead" with what is needed to understand and replay
 * them. */
#ifndef INBOUND_KAFKA_DEAD_LETTER_H
#define INBOUND_KAFKA_DEAD_LETTER_H

#include "runtime/call.h"

struct kafka_batch;

/*
 * Publishes those of the first settled records of the batch whose status is not OK: key, value and
 * headers as they were, and the headers dead-reason, dead-status, dead-topic, dead-partition and
 * dead-offset. ret_done is how many records from the first are finished with, ret_dead how many of
 * these were published; settled and OK if the broker has all of them. On the call's fiber, in a
 * cleanup section: a deadline that the handler used up does not count. [waits]
 */
atlas_status_t kafka_dead_letter_publish(struct call *call, const struct kafka_batch *batch,
                                         size_t settled, size_t *ret_done, size_t *ret_dead);

#endif
