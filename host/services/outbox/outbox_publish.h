/* Publishing one page of an outbox: many records in flight, but of one key one after the other. */
#ifndef SERVICES_OUTBOX_PUBLISH_H
#define SERVICES_OUTBOX_PUBLISH_H

#include "services/outbox/outbox_publisher.h"
#include "services/outbox/outbox_store.h"

enum outbox_row_state {
    OUTBOX_ROW_WAITING = 0,   /* not tried; behind a row of its key that failed, it stays so */
    OUTBOX_ROW_PUBLISHED = 1, /* the broker has it */
    OUTBOX_ROW_FAILED = 2,    /* to be tried again */
    OUTBOX_ROW_REFUSED = 3,   /* will never be taken as it is */
    OUTBOX_ROW_SUSPECT = 4,   /* refused together with others; on the way only, never a result */
};

struct outbox_row_result {
    enum outbox_row_state state;
    atlas_status_t status;
    char reason[128];
};

/* Publishes the rows on tasks of the call; one result per row. Returns OK when every row was
 * published or refused, else the status of the first that failed, in words in error. results is in
 * the caller's memory. [waits] */
atlas_status_t outbox_publish_page(struct call *call, outbox_publish_fn *publish,
                                   const struct outbox_page *page,
                                   struct outbox_row_result *results, struct error *error);

#endif
