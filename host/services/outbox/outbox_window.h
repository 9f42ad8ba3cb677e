/*
 * How far the outbox has been relayed for good: the floor, below which no row can appear any more.
 *
 * The relay reads the rows that are visible, in the order of their ids, and deletes exactly those
 * that it published. So a row that commits late is never skipped, and of one key the lower id is
 * always visible first: the aggregate's row lock, held while the id is drawn, is given up after the
 * commit can be seen. The floor only spares the scan the index entries of deleted rows.
 *
 * An id below the floor could still come from a transaction that drew it and has not ended. So:
 * note the last id drawn; later take a transaction number; when every transaction below that has
 * ended and all visible rows are relayed, no id up to the noted one is to come. The number must be
 * taken: the end of a snapshot (xmax) is only one above the last transaction that has ended, and
 * younger ones that run already may lie above it.
 */
#ifndef SERVICES_OUTBOX_WINDOW_H
#define SERVICES_OUTBOX_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialise, set floor. */
struct outbox_window {
    int64_t floor;     /* rows with an id below it have all been relayed */
    int64_t candidate; /* the last id drawn when it was noted; 0: none is noted */
    int64_t barrier;   /* all transactions that may have drawn up to it are below; 0: unknown yet */
};

/* What one reading of the outbox says of the database. last_id is read after the snapshot. */
struct outbox_reading {
    int64_t oldest_running; /* the lowest transaction that has not ended (xmin) */
    int64_t taken_xact;     /* a transaction number taken for this reading; 0: none was */
    int64_t last_id;        /* drawn from the sequence; 0: none */
    bool is_drained;        /* every row visible in the snapshot has been relayed */
};

/* True if the next reading should take a transaction number: only while the floor may rise, so that
 * a quiet outbox uses none up. */
bool outbox_window_wants_xact(const struct outbox_window *window);

/* Takes in a reading, once its rows are relayed. True if the floor has risen. */
bool outbox_window_note(struct outbox_window *window, const struct outbox_reading *reading);

#endif
