/*
 * A batch handled by a plugin on the partition's worker:
 *
 *   poller: fill -> kafka_batch_start      worker: handler, dead letters      poller: on_done
 *
 * Both functions are for the poller's loop.
 */
#ifndef INBOUND_KAFKA_BATCH_RUN_H
#define INBOUND_KAFKA_BATCH_RUN_H

#include "inbound/kafka/kafka_batch.h"

/* Hands the records to the route's handler on the worker; on_done comes once. */
void kafka_batch_start(struct kafka_batch *batch, struct worker *worker,
                       const struct kafka_batch_route *route);

/* Cancels the handler with UNAVAILABLE, if it still runs: its waits end at once, and what it did
 * not finish fails for now. on_done comes as ever, and not before this was heard of. */
void kafka_batch_cancel(struct kafka_batch *batch);

#endif
