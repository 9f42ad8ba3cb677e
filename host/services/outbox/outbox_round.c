#include "services/outbox/outbox_round.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "runtime/call.h"
#include "services/postgres/pg_plugin.h"

#define SETTLE_BUDGET_MS 1000
/* A backlog is counted at most this often, and only up to a limit. */
#define COUNT_PAUSE_NS (5 * NS_PER_S)
#define COUNT_LIMIT    100000

void outbox_round_tell_age(struct outbox_round *round)
{
    int64_t age_us = round->oldest_us != 0 ? clock_wall_us() - round->oldest_us : 0;
    metrics_set(round->metrics.age, age_us / 1000000);
}

static void note_age(struct outbox_round *round, int64_t age_us)
{
    round->oldest_us = age_us > 0 ? clock_wall_us() - age_us : 0;
    outbox_round_tell_age(round);
}

static atlas_status_t note_backlog(struct outbox_round *round, struct pg_session *session,
                                   const struct outbox_page *page, struct error *error)
{
    int64_t count = (int64_t)page->count;
    int64_t now_ns = clock_monotonic_ns();
    note_age(round, page->count > 0 ? page->rows[0].age_us + 1 : 0);
    if (!page->reading.is_drained) {
        if (now_ns - round->counted_ns < COUNT_PAUSE_NS) {
            return ATLAS_OK;
        }
        round->counted_ns = now_ns;
        atlas_status_t status =
            outbox_store_count(session, round->window.floor, COUNT_LIMIT, &count, error);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    metrics_set(round->metrics.backlog, count);
    return ATLAS_OK;
}

static atlas_status_t bury(struct outbox_round *round, struct pg_session *session,
                           const struct outbox_page *page, size_t index, struct error *error)
{
    const struct outbox_row_result *result = &round->results[index];
    log_error("event can never be published, moved to outbox_dead",
              LOG_TEXT("schema", round->plugin->settings.schema),
              LOG_INT("id", page->rows[index].id), LOG_TEXT("topic", page->rows[index].topic),
              LOG_TEXT("reason", result->reason));
    metrics_add(round->metrics.refused, 1);
    return outbox_store_bury(session, page->rows[index].id, result->reason, error);
}

/* Rows that the broker has leave the table; rows that it will never take leave it another way. */
static atlas_status_t settle(struct outbox_round *round, struct pg_session *session,
                             const struct outbox_page *page, struct error *error)
{
    size_t count = 0;
    atlas_status_t status = ATLAS_OK;
    for (size_t i = 0; i < page->count && status == ATLAS_OK; i++) {
        if (round->results[i].state == OUTBOX_ROW_PUBLISHED) {
            round->ids[count++] = page->rows[i].id;
        } else if (round->results[i].state == OUTBOX_ROW_REFUSED) {
            status = bury(round, session, page, i, error);
            round->has_progressed = true;
        }
    }
    if (status == ATLAS_OK && count > 0) {
        status = outbox_store_delete(session, round->ids, count, round->window.floor, error);
    }
    if (status == ATLAS_OK) {
        metrics_add(round->metrics.published, (int64_t)count);
        round->has_progressed = round->has_progressed || count > 0;
    }
    return status;
}

/* When the relay is stopped meanwhile, what was published is still taken out of the table: the time
 * for that is short, and spares the next relay to send it again. */
static atlas_status_t settle_in_any_case(struct outbox_round *round, struct pg_session *session,
                                         struct call *call, const struct outbox_page *page,
                                         struct error *error)
{
    bool is_ending = call_check(call) != ATLAS_OK;
    if (is_ending) {
        call_interface.cleanup_begin(&call->public, SETTLE_BUDGET_MS);
    }
    atlas_status_t status = settle(round, session, page, error);
    if (is_ending) {
        call_interface.cleanup_end(&call->public);
    }
    return status;
}

static atlas_status_t relay_rows(struct outbox_round *round, struct pg_session *session,
                                 struct call *call, const struct outbox_page *page,
                                 struct error *error)
{
    struct error publishing;
    crash_point("outbox.before_publish");
    atlas_status_t published =
        outbox_publish_page(call, round->publish, page, round->results, &publishing);
    crash_point("outbox.after_publish");
    atlas_status_t settled = settle_in_any_case(round, session, call, page, error);
    if (published == ATLAS_OK || settled != ATLAS_OK) {
        return settled;
    }
    return error_set(error, published, "%s", publishing.text);
}

atlas_status_t outbox_round_run(struct outbox_round *round, struct pg_session *session,
                                struct call *call, bool *ret_is_drained, struct error *error)
{
    struct outbox_page page;
    round->has_progressed = false;
    atlas_status_t status =
        outbox_store_read_page(session, &round->window, round->page_limit, &page, error);
    if (status == ATLAS_RESOURCE_EXHAUSTED && round->page_limit > 1) {
        round->page_limit /= 2;
        *ret_is_drained = false;
        return ATLAS_OK;
    }
    if (status == ATLAS_OK) {
        status = note_backlog(round, session, &page, error);
    }
    if (status == ATLAS_OK && page.count > 0) {
        status = relay_rows(round, session, call, &page, error);
    }
    if (status != ATLAS_OK) {
        return status;
    }
    if (page.reading.is_drained) {
        note_age(round, 0);
        metrics_set(round->metrics.backlog, 0);
        round->page_limit = round->plugin->settings.outbox_batch;
    }
    outbox_window_note(&round->window, &page.reading);
    *ret_is_drained = page.reading.is_drained;
    return ATLAS_OK;
}

atlas_status_t outbox_round_begin(struct outbox_round *round, struct pg_session *session,
                                  struct error *error)
{
    round->window.candidate = 0;
    round->window.barrier = 0;
    return outbox_store_read_floor(session, &round->window.floor, error);
}

/* --- life --- */

atlas_status_t outbox_round_init(struct outbox_round *round, struct pg_plugin *plugin,
                                 outbox_publish_fn *publish)
{
    unsigned limit = plugin->settings.outbox_batch;
    *round = (struct outbox_round){.plugin = plugin, .publish = publish, .page_limit = limit};
    outbox_metrics_init(&round->metrics, plugin->id);
    round->results = calloc(limit, sizeof *round->results);
    round->ids = calloc(limit, sizeof *round->ids);
    return round->results != NULL && round->ids != NULL ? ATLAS_OK : ATLAS_RESOURCE_EXHAUSTED;
}

void outbox_round_finish(struct outbox_round *round)
{
    outbox_metrics_finish(&round->metrics);
    free(round->results);
    free(round->ids);
}
