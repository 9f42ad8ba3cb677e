/* The SQL of the relay: reading pages of an outbox, deleting what was published. */
#ifndef SERVICES_OUTBOX_STORE_H
#define SERVICES_OUTBOX_STORE_H

#include "services/outbox/outbox_window.h"
#include "services/postgres/pg_session.h"

/* One event; in the arena of the session's call. */
struct outbox_row {
    int64_t id;
    struct atlas_bytes event_id;
    const char *topic;
    struct atlas_bytes key;
    struct atlas_bytes type;
    struct atlas_bytes traceparent; /* len 0: none */
    struct atlas_bytes payload;
    bool is_huge; /* too large for a page: it came without key, type and payload */
    int64_t age_us;
};

struct outbox_page {
    struct outbox_row *rows;
    size_t count;
    struct outbox_reading reading; /* is_drained: the page holds every visible row */
};

/* Leads the relay of this schema from now on, until the session ends: false if another one does.
 * [waits] */
atlas_status_t outbox_store_try_lead(struct pg_session *session, bool *ret_is_leader,
                                     struct error *error);

/* The floor that an earlier relay left. [waits] */
atlas_status_t outbox_store_read_floor(struct pg_session *session, int64_t *ret_floor,
                                       struct error *error);

/* Rows from the window's floor on, in order, at most limit. [waits] */
atlas_status_t outbox_store_read_page(struct pg_session *session,
                                      const struct outbox_window *window, unsigned limit,
                                      struct outbox_page *ret_page, struct error *error);

/* Deletes rows by id and keeps the floor. [waits] */
atlas_status_t outbox_store_delete(struct pg_session *session, const int64_t *ids, size_t count,
                                   int64_t floor, struct error *error);

/* Moves a row that can never be published to outbox_dead. [waits] */
atlas_status_t outbox_store_bury(struct pg_session *session, int64_t id, const char *reason,
                                 struct error *error);

/* Rows that wait, counted up to limit. [waits] */
atlas_status_t outbox_store_count(struct pg_session *session, int64_t floor, int64_t limit,
                                  int64_t *ret_count, struct error *error);

#endif
