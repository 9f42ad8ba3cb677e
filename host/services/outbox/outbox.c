#include "services/outbox/outbox.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "runtime/wait.h"
#include "services/outbox/outbox_publish.h"
#include "services/postgres/pg_fiber.h"
#include "services/postgres/pg_metrics.h"
#include "services/postgres/pg_plugin.h"

/* Pause of a relay that does not lead before it tries again. */
#define FOLLOWER_PAUSE_MS 1000
#define SETTLE_BUDGET_MS  1000
#define BACKOFF_MIN_MS    100
#define BACKOFF_MAX_MS    1000
/* A backlog is counted at most this often, and only up to a limit. */
#define COUNT_PAUSE_NS (5 * NS_PER_S)
#define COUNT_LIMIT    100000
#define WARN_PAUSE_NS  (60 * NS_PER_S)

struct outbox_wake {
    struct loop_task task;
    struct loop *home;
    _Atomic bool is_posted;
    bool is_rung;          /* on the home loop: since the relay last looked */
    struct wait *sleeping; /* of the relay; on the home loop */
};

struct outbox_relay {
    struct pg_fiber fiber;
    struct pg_plugin *plugin;
    outbox_publish_fn *publish;
    struct outbox_wake *wake;
    struct outbox_window window;
    unsigned page_limit; /* halved while pages do not fit into the memory */
    int64_t backoff_ms;
    int64_t counted_ns;
    struct outbox_row_result *results; /* outbox_batch of them */
    int64_t *ids;
    int64_t oldest_us; /* wall clock of the oldest row that waits; 0: none does */
    int64_t warned_ns; /* when a failure was logged; 0: the last attempt succeeded */
    struct outbox_metrics metrics;
};

/* --- Being woken -------------------------------------------------------------------------------
 */

static void run_wake(struct loop_task *task)
{
    struct outbox_wake *wake = CONTAINER_OF(task, struct outbox_wake, task);
    atomic_store(&wake->is_posted, false);
    wake->is_rung = true;
    if (wake->sleeping != NULL) {
        wait_complete(wake->sleeping);
    }
}

struct outbox_wake *outbox_wake_create(struct loop *home)
{
    struct outbox_wake *wake = calloc(1, sizeof *wake);
    if (wake != NULL) {
        wake->home = home;
        wake->task.run = run_wake;
    }
    return wake;
}

void outbox_wake_free(struct outbox_wake *wake)
{
    free(wake);
}

void outbox_wake_post(struct outbox_wake *wake)
{
    if (!atomic_exchange(&wake->is_posted, true)) {
        loop_post(wake->home, &wake->task);
    }
}

/* Until something was written here, or the poll is due for what others wrote. */
static bool sleep_until_rung(struct outbox_relay *relay, struct call *call)
{
    struct outbox_wake *wake = relay->wake;
    if (!wake->is_rung) {
        struct wait wait;
        wait_init(&wait, call);
        wake->sleeping = &wait;
        wait_for_at_most(&wait, relay->plugin->settings.outbox_poll_ms * NS_PER_MS);
        wake->sleeping = NULL;
    }
    wake->is_rung = false;
    return call_check(call) == ATLAS_OK;
}

/* --- One page ----------------------------------------------------------------------------------
 */

static void tell_age(struct outbox_relay *relay)
{
    int64_t age_us = relay->oldest_us != 0 ? clock_wall_us() - relay->oldest_us : 0;
    metrics_set(relay->metrics.age, age_us / 1000000);
}

static void note_age(struct outbox_relay *relay, int64_t age_us)
{
    relay->oldest_us = age_us > 0 ? clock_wall_us() - age_us : 0;
    tell_age(relay);
}

static atlas_status_t note_backlog(struct outbox_relay *relay, struct pg_session *session,
                                   const struct outbox_page *page, struct error *error)
{
    int64_t count = (int64_t)page->count;
    int64_t now_ns = clock_monotonic_ns();
    note_age(relay, page->count > 0 ? page->rows[0].age_us + 1 : 0);
    if (!page->reading.is_drained) {
        if (now_ns - relay->counted_ns < COUNT_PAUSE_NS) {
            return ATLAS_OK;
        }
        relay->counted_ns = now_ns;
        atlas_status_t status =
            outbox_store_count(session, relay->window.floor, COUNT_LIMIT, &count, error);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    metrics_set(relay->metrics.backlog, count);
    return ATLAS_OK;
}

static atlas_status_t bury(struct outbox_relay *relay, struct pg_session *session,
                           const struct outbox_page *page, size_t index, struct error *error)
{
    const struct outbox_row_result *result = &relay->results[index];
    log_error("event can never be published, moved to outbox_dead",
              LOG_TEXT("schema", relay->plugin->settings.schema),
              LOG_INT("id", page->rows[index].id), LOG_TEXT("topic", page->rows[index].topic),
              LOG_TEXT("why", result->reason));
    metrics_add(relay->metrics.refused, 1);
    return outbox_store_bury(session, page->rows[index].id, result->reason, error);
}

/* Rows that the broker has leave the table; rows that it will never take leave it another way. */
static atlas_status_t settle(struct outbox_relay *relay, struct pg_session *session,
                             const struct outbox_page *page, struct error *error)
{
    size_t count = 0;
    atlas_status_t status = ATLAS_OK;
    for (size_t i = 0; i < page->count && status == ATLAS_OK; i++) {
        if (relay->results[i].state == OUTBOX_ROW_PUBLISHED) {
            relay->ids[count++] = page->rows[i].id;
        } else if (relay->results[i].state == OUTBOX_ROW_REFUSED) {
            status = bury(relay, session, page, i, error);
        }
    }
    if (status == ATLAS_OK && count > 0) {
        status = outbox_store_delete(session, relay->ids, count, relay->window.floor, error);
    }
    if (status == ATLAS_OK) {
        metrics_add(relay->metrics.published, (int64_t)count);
    }
    return status;
}

/* When the relay is stopped meanwhile, what was published is still taken out of the table: the time
 * for that is short, and spares the next relay to send it again. */
static atlas_status_t settle_in_any_case(struct outbox_relay *relay, struct pg_session *session,
                                         struct call *call, const struct outbox_page *page,
                                         struct error *error)
{
    bool is_ending = call_check(call) != ATLAS_OK;
    if (is_ending) {
        call_interface.cleanup_begin(&call->public, SETTLE_BUDGET_MS);
    }
    atlas_status_t status = settle(relay, session, page, error);
    if (is_ending) {
        call_interface.cleanup_end(&call->public);
    }
    return status;
}

static atlas_status_t relay_rows(struct outbox_relay *relay, struct pg_session *session,
                                 struct call *call, const struct outbox_page *page,
                                 struct error *error)
{
    struct error publishing;
    crash_point("outbox.before_publish");
    atlas_status_t published =
        outbox_publish_page(call, relay->publish, page, relay->results, &publishing);
    crash_point("outbox.after_publish");
    atlas_status_t settled = settle_in_any_case(relay, session, call, page, error);
    if (published == ATLAS_OK || settled != ATLAS_OK) {
        return settled;
    }
    return error_set(error, published, "%s", publishing.text);
}

/* Reads, publishes and deletes one page. ret_is_drained: nothing waits any more. */
static atlas_status_t relay_page(struct outbox_relay *relay, struct pg_session *session,
                                 struct call *call, bool *ret_is_drained, struct error *error)
{
    struct outbox_page page;
    atlas_status_t status =
        outbox_store_read_page(session, &relay->window, relay->page_limit, &page, error);
    if (status == ATLAS_RESOURCE_EXHAUSTED && relay->page_limit > 1) {
        relay->page_limit /= 2;
        *ret_is_drained = false;
        return ATLAS_OK;
    }
    if (status == ATLAS_OK) {
        status = note_backlog(relay, session, &page, error);
    }
    if (status == ATLAS_OK && page.count > 0) {
        status = relay_rows(relay, session, call, &page, error);
    }
    if (status != ATLAS_OK) {
        return status;
    }
    if (page.reading.is_drained) {
        note_age(relay, 0);
        metrics_set(relay->metrics.backlog, 0);
        relay->page_limit = relay->plugin->settings.outbox_batch;
    }
    outbox_window_note(&relay->window, &page.reading);
    *ret_is_drained = page.reading.is_drained;
    return ATLAS_OK;
}

/* --- Leading -----------------------------------------------------------------------------------
 */

/* The first failure is a line, and then one in a while: an outage is told by metrics. */
static void warn(struct outbox_relay *relay, const struct error *error)
{
    int64_t now_ns = clock_monotonic_ns();
    metrics_add(relay->metrics.failures, 1);
    if (relay->warned_ns == 0 || now_ns - relay->warned_ns > WARN_PAUSE_NS) {
        relay->warned_ns = now_ns;
        log_warn(
            "outbox relay failed, continuing", LOG_TEXT("schema", relay->plugin->settings.schema),
            LOG_TEXT("status", atlas_status_name(error->status)), LOG_TEXT("why", error->text));
    }
}

static void note_success(struct outbox_relay *relay)
{
    relay->backoff_ms = BACKOFF_MIN_MS;
    if (relay->warned_ns != 0) {
        log_info("outbox relay goes on", LOG_TEXT("schema", relay->plugin->settings.schema));
        relay->warned_ns = 0;
    }
}

static bool pause_after_failure(struct outbox_relay *relay, struct call *call,
                                const struct error *error)
{
    if (call_check(call) != ATLAS_OK) {
        return false;
    }
    warn(relay, error);
    bool is_running = pg_fiber_sleep(call, relay->backoff_ms);
    tell_age(relay);
    relay->backoff_ms *= 2;
    if (relay->backoff_ms > BACKOFF_MAX_MS) {
        relay->backoff_ms = BACKOFF_MAX_MS;
    }
    return is_running;
}

/* Relays until the connection is lost or the relay is stopped. */
static atlas_status_t lead(struct outbox_relay *relay, struct pg_session *session,
                           struct call *call, struct error *error)
{
    atlas_status_t status = outbox_store_read_floor(session, &relay->window.floor, error);
    relay->window.candidate = 0;
    relay->window.barrier = 0;
    while (status == ATLAS_OK && call_check(call) == ATLAS_OK) {
        bool is_drained = true;
        status = relay_page(relay, session, call, &is_drained, error);
        arena_finish(&call->arena); /* nothing of a page outlives it */
        if (status != ATLAS_OK && pg_session_is_alive(session)) {
            /* Kafka is away, most likely: the rows wait where they are. */
            if (!pause_after_failure(relay, call, error)) {
                break;
            }
            status = ATLAS_OK;
            continue;
        }
        if (status == ATLAS_OK) {
            note_success(relay);
            if (is_drained && !sleep_until_rung(relay, call)) {
                break;
            }
        }
    }
    return status;
}

/* Waits behind the leader on an open connection; takes over when it goes. */
static atlas_status_t follow(struct outbox_relay *relay, struct pg_session *session,
                             struct call *call, struct error *error)
{
    bool is_leader = false;
    atlas_status_t status = outbox_store_try_lead(session, &is_leader, error);
    while (status == ATLAS_OK && !is_leader && pg_fiber_sleep(call, FOLLOWER_PAUSE_MS)) {
        arena_finish(&call->arena);
        status = outbox_store_try_lead(session, &is_leader, error);
    }
    if (status != ATLAS_OK || !is_leader) {
        return status;
    }
    log_info("outbox relay leads", LOG_TEXT("plugin", relay->plugin->id),
             LOG_TEXT("schema", relay->plugin->settings.schema));
    metrics_set(relay->metrics.leads, 1);
    status = lead(relay, session, call, error);
    metrics_set(relay->metrics.leads, 0);
    return status;
}

static void run_relay(struct call *call, void *arg)
{
    struct outbox_relay *relay = arg;
    struct pg_settings settings = relay->plugin->settings;
    settings.migration_ms = settings.statement_ms; /* what a session's statements may take */
    settings.row_limit = UINT32_MAX;               /* pages are bounded by their LIMIT */
    bool is_running = true;
    while (is_running && call_check(call) == ATLAS_OK) {
        struct error error;
        struct pg_session *session = NULL;
        atlas_status_t status = pg_session_open(call, &settings, &session, &error);
        if (status == ATLAS_OK) {
            status = follow(relay, session, call, &error);
        }
        pg_session_close(session);
        arena_finish(&call->arena);
        if (status != ATLAS_OK) {
            is_running = pause_after_failure(relay, call, &error);
        }
    }
}

static void free_relay(struct outbox_relay *relay)
{
    outbox_metrics_finish(&relay->metrics);
    free(relay->results);
    free(relay->ids);
    free(relay);
}

atlas_status_t outbox_relay_start(struct call *call, struct pg_plugin *plugin,
                                  outbox_publish_fn *publish, struct outbox_relay **ret_relay)
{
    struct outbox_relay *relay = calloc(1, sizeof *relay);
    if (relay == NULL) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    relay->plugin = plugin;
    relay->publish = publish;
    relay->wake = plugin->wake;
    relay->backoff_ms = BACKOFF_MIN_MS;
    relay->page_limit = plugin->settings.outbox_batch;
    outbox_metrics_init(&relay->metrics, plugin->id);
    relay->results = calloc(relay->page_limit, sizeof *relay->results);
    relay->ids = calloc(relay->page_limit, sizeof *relay->ids);
    atlas_status_t status =
        relay->results == NULL || relay->ids == NULL
            ? call_fail(call, ATLAS_RESOURCE_EXHAUSTED, "out of memory")
            : pg_fiber_start(&relay->fiber, call, "outbox relay", run_relay, relay);
    if (status != ATLAS_OK) {
        free_relay(relay);
        return status;
    }
    *ret_relay = relay;
    return ATLAS_OK;
}

void outbox_relay_stop(struct outbox_relay *relay, struct call *call)
{
    if (relay != NULL) {
        pg_fiber_stop(&relay->fiber, call);
        free_relay(relay);
    }
}
