#include "services/postgres/pg_pool_wait.h"

#include "base/clock.h"
#include "runtime/wait.h"

/* A fiber that waits; on its stack. */
struct pg_waiter {
    struct wait wait;
    struct pg_waiter *next;
    struct pg_waiter **link;
};

static void remove_waiter(struct pg_role_pool *role, struct pg_waiter *waiter)
{
    if (waiter->link == NULL) {
        return;
    }
    *waiter->link = waiter->next;
    if (waiter->next != NULL) {
        waiter->next->link = waiter->link;
    } else {
        role->last = waiter->link;
    }
    waiter->link = NULL;
    role->waiting--;
}

void pg_pool_wake_first(struct pg_role_pool *role)
{
    struct pg_waiter *waiter = role->first;
    if (waiter != NULL) {
        remove_waiter(role, waiter);
        wait_complete(&waiter->wait);
    }
}

void pg_pool_wake_all(struct pg_role_pool *role)
{
    while (role->first != NULL) {
        pg_pool_wake_first(role);
    }
}

static const char *down_reason(const struct pg_role_pool *role)
{
    const char *reason = "not connected yet";
    for (unsigned i = 0; i < role->count; i++) {
        if (pg_connection_has_failed(role->slots[i].connection)) {
            reason = pg_connection_error(role->slots[i].connection);
        }
    }
    return reason;
}

/* What a fiber is told that waited as long as it should. */
static atlas_status_t fail_impatient(struct pg_role_pool *role, struct call *call)
{
    const struct pg_settings *settings = &role->pool->settings;
    if (role->down_since_ns != 0) {
        return call_fail(call, ATLAS_UNAVAILABLE,
                         "PostgreSQL at %s:%u (schema %s) is away: %s; it is tried again by itself",
                         settings->host, settings->port, settings->schema, down_reason(role));
    }
    return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                     "no connection of schema %s became free in time; raise the number of "
                     "connections in the group postgres, or make transactions shorter",
                     settings->schema);
}

/* Until when a fiber waits: for a reconnection since the loss, so that an outage answers at once
 * after its first moments; else for room, since it came. */
static int64_t patience_end_ns(const struct pg_role_pool *role, int64_t start_ns)
{
    const struct pg_settings *settings = &role->pool->settings;
    if (role->down_since_ns != 0) {
        return role->down_since_ns + settings->reconnect_min_ms * 2 * NS_PER_MS;
    }
    int64_t patience_ms =
        role->role == PG_ROLE_LEASE ? settings->lease_wait_ms : settings->statement_ms;
    return start_ns + patience_ms * NS_PER_MS;
}

static atlas_status_t wait_in_line(struct pg_role_pool *role, struct call *call, int64_t left_ns)
{
    if (role->waiting >= role->pool->settings.queue) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                         "%u calls wait for a connection of schema %s already; raise "
                         "postgres.queue or the number of connections",
                         role->waiting, role->pool->settings.schema);
    }
    struct pg_waiter waiter = {.next = NULL, .link = role->last};
    wait_init(&waiter.wait, call);
    *role->last = &waiter;
    role->last = &waiter.next;
    role->waiting++;
    atlas_status_t status = wait_for_at_most(&waiter.wait, left_ns);
    remove_waiter(role, &waiter);
    return status;
}

atlas_status_t pg_pool_find_or_wait(struct pg_role_pool *role, struct call *call,
                                    struct pg_connection *(*find)(struct pg_role_pool *role),
                                    struct pg_connection **ret_connection)
{
    int64_t start_ns = clock_monotonic_ns();
    while ((*ret_connection = find(role)) == NULL) {
        int64_t left_ns = patience_end_ns(role, start_ns) - clock_monotonic_ns();
        if (left_ns <= 0) {
            return fail_impatient(role, call);
        }
        atlas_status_t status = wait_in_line(role, call, left_ns);
        if (status == ATLAS_DEADLINE_EXCEEDED && call_check(call) == ATLAS_OK) {
            continue; /* our own patience ended, not the call */
        }
        if (status != ATLAS_OK) {
            return status;
        }
    }
    return ATLAS_OK;
}
