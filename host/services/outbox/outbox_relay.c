#include "services/outbox/outbox_relay.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "services/outbox/outbox_round.h"
#include "services/outbox/outbox_wake.h"
#include "services/postgres/pg_fiber.h"
#include "services/postgres/pg_plugin.h"

/* Pause of a relay that does not lead before it tries again. */
#define FOLLOWER_PAUSE_MS 1000
#define BACKOFF_MIN_MS    100
#define BACKOFF_MAX_MS    1000
#define WARN_PAUSE_NS     (60 * NS_PER_S)

struct outbox_relay {
    struct pg_fiber fiber;
    struct outbox_wake *wake;
    struct outbox_round round;
    int64_t backoff_ms;
    int64_t warned_ns; /* when a failure was logged; 0: the last attempt succeeded */
};

/* The first failure is a line, and then one in a while: an outage is told by metrics. */
static void warn(struct outbox_relay *relay, const struct error *error)
{
    int64_t now_ns = clock_monotonic_ns();
    metrics_add(relay->round.metrics.failures, 1);
    if (relay->warned_ns == 0 || now_ns - relay->warned_ns > WARN_PAUSE_NS) {
        relay->warned_ns = now_ns;
        log_warn("outbox relay failed, continuing",
                 LOG_TEXT("schema", relay->round.plugin->settings.schema),
                 LOG_TEXT("status", atlas_status_name(error->status)),
                 LOG_TEXT("reason", error->text));
    }
}

static void note_success(struct outbox_relay *relay)
{
    relay->backoff_ms = BACKOFF_MIN_MS;
    if (relay->warned_ns != 0) {
        log_info("outbox relay goes on", LOG_TEXT("schema", relay->round.plugin->settings.schema));
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
    outbox_round_tell_age(&relay->round);
    relay->backoff_ms *= 2;
    if (relay->backoff_ms > BACKOFF_MAX_MS) {
        relay->backoff_ms = BACKOFF_MAX_MS;
    }
    return is_running;
}

/* Either Kafka is away, and all rows wait where they are; or some are not taken for now, for their
 * topic is missing: then the others do not wait for them. */
static bool go_on_after_failure(struct outbox_relay *relay, struct call *call,
                                const struct error *error)
{
    if (!relay->round.has_progressed) {
        return pause_after_failure(relay, call, error);
    }
    relay->backoff_ms = BACKOFF_MIN_MS;
    warn(relay, error);
    return true;
}

/* Relays until the connection is lost or the relay is stopped. */
static atlas_status_t lead(struct outbox_relay *relay, struct pg_session *session,
                           struct call *call, struct error *error)
{
    atlas_status_t status = outbox_round_begin(&relay->round, session, error);
    while (status == ATLAS_OK && call_check(call) == ATLAS_OK) {
        bool is_drained = true;
        status = outbox_round_run(&relay->round, session, call, &is_drained, error);
        arena_finish(&call->arena); /* nothing of a page outlives it */
        if (status != ATLAS_OK && pg_session_is_alive(session)) {
            if (!go_on_after_failure(relay, call, error)) {
                break;
            }
            status = ATLAS_OK;
            continue;
        }
        if (status == ATLAS_OK) {
            note_success(relay);
            if (is_drained) { /* until something is written here, or the poll is due for what
                                 others wrote */
                outbox_wake_sleep(relay->wake, call, relay->round.plugin->settings.outbox_poll_ms);
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
    log_info("outbox relay leads", LOG_TEXT("plugin", relay->round.plugin->id),
             LOG_TEXT("schema", relay->round.plugin->settings.schema));
    metrics_set(relay->round.metrics.leads, 1);
    status = lead(relay, session, call, error);
    metrics_set(relay->round.metrics.leads, 0);
    return status;
}

static void run_relay(struct call *call, void *arg)
{
    struct outbox_relay *relay = arg;
    struct pg_settings settings = relay->round.plugin->settings;
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
    outbox_round_finish(&relay->round);
    free(relay);
}

atlas_status_t outbox_relay_start(struct call *call, struct pg_plugin *plugin,
                                  struct outbox_wake *wake, outbox_publish_fn *publish,
                                  struct outbox_relay **ret_relay)
{
    struct outbox_relay *relay = calloc(1, sizeof *relay);
    if (relay == NULL) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    relay->wake = wake;
    relay->backoff_ms = BACKOFF_MIN_MS;
    atlas_status_t status =
        outbox_round_init(&relay->round, plugin, publish) != ATLAS_OK
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
