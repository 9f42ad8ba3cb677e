/* One round of a relay: a page of rows is read, published, and taken out of the outbox. */
#ifndef SERVICES_OUTBOX_ROUND_H
#define SERVICES_OUTBOX_ROUND_H

#include "services/outbox/outbox_metrics.h"
#include "services/outbox/outbox_publish.h"

struct pg_plugin;

/* Owned by the relay. */
struct outbox_round {
    struct pg_plugin *plugin;
    outbox_publish_fn *publish;
    struct outbox_window window;
    bool has_progressed; /* rows left the outbox in the last round, whatever its status */
    unsigned page_limit; /* halved while pages do not fit into the memory */
    int64_t counted_ns;  /* when the backlog was counted */
    int64_t oldest_us;   /* wall clock of the oldest row that waits; 0: none does */
    struct outbox_row_result *results; /* outbox_batch of them */
    int64_t *ids;
    struct outbox_metrics metrics;
};

/* RESOURCE_EXHAUSTED without memory; finish it in any case. plugin and publish are borrowed. */
atlas_status_t outbox_round_init(struct outbox_round *round, struct pg_plugin *plugin,
                                 outbox_publish_fn *publish);
void outbox_round_finish(struct outbox_round *round);

/* Reads how far earlier relays came; first of all on a session that leads. [waits] */
atlas_status_t outbox_round_begin(struct outbox_round *round, struct pg_session *session,
                                  struct error *error);

/* One round. ret_is_drained: nothing waits any more. What it allocates is in the call's arena.
 * [waits] */
atlas_status_t outbox_round_run(struct outbox_round *round, struct pg_session *session,
                                struct call *call, bool *ret_is_drained, struct error *error);

/* Tells how old the oldest row has become that waits. */
void outbox_round_tell_age(struct outbox_round *round);

#endif
