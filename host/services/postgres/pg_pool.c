#include "services/postgres/pg_pool.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/readiness.h"
#include "runtime/wait.h"
#include "services/postgres/pg_metrics.h"

/* Reads in flight on each connection before another one is opened. */
#define READ_LOAD_TO_GROW 8

/* What a slow query in front counts, in requests. */
#define SLOW_LOAD 32

enum lease_state {
    LEASE_FREE = 0,
    LEASE_HELD = 1,
    LEASE_ROLLING_BACK = 2, /* free once the rollback has been answered */
};

struct slot {
    struct pg_connection *connection;
    enum lease_state lease;
};

/* A fiber that waits; on its stack. */
struct waiter {
    struct wait wait;
    struct waiter *next;
    struct waiter **link;
};

struct role_pool {
    struct pg_pool *pool;
    enum pg_role role;
    struct slot *slots;
    unsigned count;
    unsigned limit;
    struct waiter *first;
    struct waiter **last;
    unsigned waiting;
    int64_t down_since_ns; /* no connection is ready; 0: one is */
};

struct pg_pool {
    struct loop *loop;
    struct pg_settings settings;
    unsigned references;
    bool is_down; /* no connection at all is ready, and that was logged */
    struct role_pool roles[PG_POOL_ROLES];
    struct pg_pool_metrics metrics;
    struct readiness_check *readiness; /* of the first loop, which speaks for the others */
};

static void remove_waiter(struct role_pool *role, struct waiter *waiter)
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

static void wake_first(struct role_pool *role)
{
    struct waiter *waiter = role->first;
    if (waiter != NULL) {
        remove_waiter(role, waiter);
        wait_complete(&waiter->wait);
    }
}

static void wake_all(struct role_pool *role)
{
    while (role->first != NULL) {
        wake_first(role);
    }
}

/* Tells how the pool stands; the sums are small. Returns the connections that are ready. */
static unsigned publish_state(struct pg_pool *pool)
{
    unsigned ready = 0;
    unsigned leased = 0;
    unsigned waiting = 0;
    unsigned in_flight = 0;
    for (unsigned r = 0; r < PG_POOL_ROLES; r++) {
        const struct role_pool *role = &pool->roles[r];
        waiting += role->waiting;
        for (unsigned i = 0; i < role->count; i++) {
            ready += pg_connection_is_ready(role->slots[i].connection);
            in_flight += pg_connection_load(role->slots[i].connection);
            leased += role->slots[i].lease != LEASE_FREE;
        }
    }
    metrics_set(pool->metrics.ready, ready);
    metrics_set(pool->metrics.leased, leased);
    metrics_set(pool->metrics.waiting, waiting);
    metrics_set(pool->metrics.in_flight, in_flight);
    return ready;
}

/* An outage is two lines: one when the last connection goes, one when the first comes back. */
static void note_outage(struct pg_pool *pool, const char *reason)
{
    unsigned ready = publish_state(pool);
    if (ready == 0 && !pool->is_down) {
        log_warn("postgres is away, continuing", LOG_TEXT("schema", pool->settings.schema),
                 LOG_INT("loop", loop_index(pool->loop)), LOG_TEXT("reason", reason));
    } else if (ready > 0 && pool->is_down) {
        log_info("postgres is back", LOG_TEXT("schema", pool->settings.schema),
                 LOG_INT("loop", loop_index(pool->loop)));
    }
    pool->is_down = ready == 0;
    if (ready > 0) {
        readiness_set_ready(pool->readiness);
    } else {
        readiness_set_failed(pool->readiness, "%s", reason);
    }
}

static struct slot *slot_of(struct role_pool *role, const struct pg_connection *connection)
{
    for (unsigned i = 0; i < role->count; i++) {
        if (role->slots[i].connection == connection) {
            return &role->slots[i];
        }
    }
    return NULL;
}

/* The first connection that is back fetches the others out of their pauses, and calls may wait for
 * them again. */
static void hurry_others(struct pg_pool *pool)
{
    for (unsigned r = 0; r < PG_POOL_ROLES; r++) {
        struct role_pool *role = &pool->roles[r];
        if (role->down_since_ns != 0) {
            role->down_since_ns = clock_monotonic_ns();
        }
        for (unsigned i = 0; i < role->count; i++) {
            pg_connection_hurry(role->slots[i].connection);
        }
    }
}

static void pg_pool_on_ready(void *owner, struct pg_connection *connection)
{
    (void)connection;
    struct role_pool *role = owner;
    role->down_since_ns = 0;
    if (role->pool->is_down) {
        hurry_others(role->pool);
    }
    if (role->role == PG_ROLE_LEASE) {
        wake_first(role);
    } else {
        wake_all(role);
    }
    note_outage(role->pool, "");
}

static bool has_ready(const struct role_pool *role)
{
    for (unsigned i = 0; i < role->count; i++) {
        if (pg_connection_is_ready(role->slots[i].connection)) {
            return true;
        }
    }
    return false;
}

/* Those who wait look again: they may go on elsewhere, or give up. */
static void pg_pool_on_lost(void *owner, struct pg_connection *connection)
{
    struct role_pool *role = owner;
    struct slot *slot = slot_of(role, connection);
    if (slot != NULL && slot->lease == LEASE_ROLLING_BACK) {
        slot->lease = LEASE_FREE; /* the server rolls back what has lost its client */
    }
    if (role->down_since_ns == 0 && !has_ready(role)) {
        role->down_since_ns = clock_monotonic_ns();
    }
    wake_all(role);
    note_outage(role->pool, pg_connection_error(connection));
}

static void pg_pool_on_room(void *owner, struct pg_connection *connection)
{
    struct role_pool *role = owner;
    struct slot *slot = slot_of(role, connection);
    if (slot != NULL && slot->lease == LEASE_ROLLING_BACK && pg_connection_load(connection) == 0) {
        slot->lease = LEASE_FREE;
    }
    wake_first(role);
    publish_state(role->pool);
}

/* Opens one more connection if the role has not got all of them. */
static void grow(struct role_pool *role)
{
    struct pg_listener listener = {
        .on_ready = pg_pool_on_ready,
        .on_lost = pg_pool_on_lost,
        .on_room = pg_pool_on_room,
        .owner = role,
    };
    if (role->count >= role->limit) {
        return;
    }
    if (role->count == 0) {
        role->down_since_ns = clock_monotonic_ns();
    }
    struct pg_connection *connection =
        pg_connection_create(role->pool->loop, &role->pool->settings, role->role, &listener);
    if (connection != NULL) {
        role->slots[role->count++] = (struct slot){connection, LEASE_FREE};
        pg_connection_open(connection);
    }
}

static bool init_role(struct pg_pool *pool, enum pg_role which, unsigned limit)
{
    struct role_pool *role = &pool->roles[which];
    role->pool = pool;
    role->role = which;
    role->limit = limit;
    role->last = &role->first;
    role->slots = calloc(limit, sizeof *role->slots);
    return role->slots != NULL;
}

static void free_pool(struct pg_pool *pool)
{
    for (unsigned r = 0; r < PG_POOL_ROLES; r++) {
        struct role_pool *role = &pool->roles[r];
        for (unsigned i = 0; i < role->count; i++) {
            pg_connection_destroy(role->slots[i].connection);
        }
        free(role->slots);
    }
    readiness_remove(pool->readiness);
    pg_pool_metrics_finish(&pool->metrics);
    free(pool);
}

struct pg_pool *pg_pool_create(struct loop *loop, const struct pg_settings *settings)
{
    struct pg_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    pool->loop = loop;
    pool->settings = *settings;
    pool->references = 1;
    if (!init_role(pool, PG_ROLE_READ, settings->read_connections) ||
        !init_role(pool, PG_ROLE_WRITE, settings->write_connections) ||
        !init_role(pool, PG_ROLE_LEASE, settings->lease_connections)) {
        free_pool(pool);
        return NULL;
    }
    pg_pool_metrics_init(&pool->metrics, settings->schema);
    if (loop_index(loop) == 0) {
        char name[80];
        snprintf(name, sizeof name, "postgres %s", settings->schema);
        pool->readiness = readiness_add(name);
    }
    grow(&pool->roles[PG_ROLE_READ]);
    grow(&pool->roles[PG_ROLE_WRITE]);
    return pool;
}

struct pg_pool *pg_pool_acquire(struct pg_pool *pool)
{
    pool->references++;
    return pool;
}

bool pg_pool_release(struct pg_pool *pool)
{
    if (pool == NULL || --pool->references > 0) {
        return false;
    }
    free_pool(pool);
    return true;
}

const struct pg_settings *pg_pool_settings(const struct pg_pool *pool)
{
    return &pool->settings;
}

/* The least loaded connection that is ready and has room; one with a slow query in front, behind
 * which everything waits, only when the others have much more to do. */
static struct pg_connection *find_shared(struct role_pool *role)
{
    struct pg_connection *best = NULL;
    unsigned best_load = 0;
    for (unsigned i = 0; i < role->count; i++) {
        struct pg_connection *connection = role->slots[i].connection;
        unsigned load = pg_connection_load(connection);
        if (!pg_connection_is_ready(connection) || load >= role->pool->settings.queue) {
            continue;
        }
        load += pg_connection_is_slow(connection) ? SLOW_LOAD : 0;
        if (best == NULL || load < best_load) {
            best = connection;
            best_load = load;
        }
    }
    unsigned enough = role->role == PG_ROLE_READ ? READ_LOAD_TO_GROW : 1;
    if (best == NULL || best_load >= enough) {
        grow(role);
    }
    return best;
}

static struct pg_connection *find_free(struct role_pool *role)
{
    for (unsigned i = 0; i < role->count; i++) {
        struct slot *slot = &role->slots[i];
        if (slot->lease == LEASE_FREE && pg_connection_is_ready(slot->connection)) {
            slot->lease = LEASE_HELD;
            return slot->connection;
        }
    }
    grow(role);
    return NULL;
}

static const char *down_reason(const struct role_pool *role)
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
static atlas_status_t fail_impatient(struct role_pool *role, struct call *call)
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
static int64_t patience_end_ns(const struct role_pool *role, int64_t start_ns)
{
    const struct pg_settings *settings = &role->pool->settings;
    if (role->down_since_ns != 0) {
        return role->down_since_ns + settings->reconnect_min_ms * 2 * NS_PER_MS;
    }
    int64_t patience_ms =
        role->role == PG_ROLE_LEASE ? settings->lease_wait_ms : settings->statement_ms;
    return start_ns + patience_ms * NS_PER_MS;
}

static atlas_status_t wait_in_line(struct role_pool *role, struct call *call, int64_t left_ns)
{
    if (role->waiting >= role->pool->settings.queue) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                         "%u calls wait for a connection of schema %s already; raise "
                         "postgres.queue or the number of connections",
                         role->waiting, role->pool->settings.schema);
    }
    struct waiter waiter = {.next = NULL, .link = role->last};
    wait_init(&waiter.wait, call);
    *role->last = &waiter;
    role->last = &waiter.next;
    role->waiting++;
    atlas_status_t status = wait_for_at_most(&waiter.wait, left_ns);
    remove_waiter(role, &waiter);
    return status;
}

static atlas_status_t find_or_wait(struct role_pool *role, struct call *call,
                                   struct pg_connection *(*find)(struct role_pool *),
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

atlas_status_t pg_pool_pick(struct pg_pool *pool, struct call *call, enum pg_role role,
                            struct pg_connection **ret_connection)
{
    return find_or_wait(&pool->roles[role], call, find_shared, ret_connection);
}

atlas_status_t pg_pool_lease(struct pg_pool *pool, struct call *call,
                             struct pg_connection **ret_connection)
{
    atlas_status_t status =
        find_or_wait(&pool->roles[PG_ROLE_LEASE], call, find_free, ret_connection);
    publish_state(pool);
    return status;
}

void pg_pool_return(struct pg_pool *pool, struct pg_connection *connection)
{
    struct role_pool *role = &pool->roles[PG_ROLE_LEASE];
    struct slot *slot = slot_of(role, connection);
    slot->lease = LEASE_FREE;
    wake_first(role);
    publish_state(pool);
}

void pg_pool_return_after_rollback(struct pg_pool *pool, struct pg_connection *connection)
{
    static const struct pg_command rollback = {.sql = "ROLLBACK", .hash = 0};
    struct slot *slot = slot_of(&pool->roles[PG_ROLE_LEASE], connection);
    struct pg_request *request = pg_connection_send(connection, NULL, &rollback, 1, 0);
    if (request == NULL) {
        pg_pool_return(pool, connection); /* lost: the server rolls back by itself */
        return;
    }
    slot->lease = LEASE_ROLLING_BACK;
    pg_request_release(request);
}
