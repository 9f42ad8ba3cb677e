#include "services/postgres/pg_pool.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/readiness.h"
#include "services/postgres/pg_pool_wait.h"

/* Reads in flight on each connection before another one is opened. */
#define READ_LOAD_TO_GROW 8

/* What a slow query in front counts, in requests. */
#define SLOW_LOAD 32

/* Tells how the pool stands; the sums are small. Returns the connections that are ready. */
static unsigned publish_state(struct pg_pool *pool)
{
    unsigned ready = 0;
    unsigned leased = 0;
    unsigned waiting = 0;
    unsigned in_flight = 0;
    for (unsigned r = 0; r < PG_POOL_ROLES; r++) {
        const struct pg_role_pool *role = &pool->roles[r];
        waiting += role->waiting;
        for (unsigned i = 0; i < role->count; i++) {
            ready += pg_connection_is_ready(role->slots[i].connection);
            in_flight += pg_connection_load(role->slots[i].connection);
            leased += role->slots[i].lease != PG_LEASE_FREE;
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

static struct pg_slot *slot_of(struct pg_role_pool *role, const struct pg_connection *connection)
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
        struct pg_role_pool *role = &pool->roles[r];
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
    struct pg_role_pool *role = owner;
    role->down_since_ns = 0;
    if (role->pool->is_down) {
        hurry_others(role->pool);
    }
    if (role->role == PG_ROLE_LEASE) {
        pg_pool_wake_first(role);
    } else {
        pg_pool_wake_all(role);
    }
    note_outage(role->pool, "");
}

static bool has_ready(const struct pg_role_pool *role)
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
    struct pg_role_pool *role = owner;
    struct pg_slot *slot = slot_of(role, connection);
    if (slot != NULL && slot->lease == PG_LEASE_ROLLING_BACK) {
        slot->lease = PG_LEASE_FREE; /* the server rolls back what has lost its client */
    }
    if (role->down_since_ns == 0 && !has_ready(role)) {
        role->down_since_ns = clock_monotonic_ns();
    }
    pg_pool_wake_all(role);
    note_outage(role->pool, pg_connection_error(connection));
}

static void pg_pool_on_room(void *owner, struct pg_connection *connection)
{
    struct pg_role_pool *role = owner;
    struct pg_slot *slot = slot_of(role, connection);
    if (slot != NULL && slot->lease == PG_LEASE_ROLLING_BACK &&
        pg_connection_load(connection) == 0) {
        slot->lease = PG_LEASE_FREE;
    }
    pg_pool_wake_first(role);
    publish_state(role->pool);
}

/* Opens one more connection if the role has not got all of them. */
static void grow(struct pg_role_pool *role)
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
        role->slots[role->count++] = (struct pg_slot){connection, PG_LEASE_FREE};
        pg_connection_open(connection);
    }
}

static bool init_role(struct pg_pool *pool, enum pg_role which, unsigned limit)
{
    struct pg_role_pool *role = &pool->roles[which];
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
        struct pg_role_pool *role = &pool->roles[r];
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
static struct pg_connection *find_shared(struct pg_role_pool *role)
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

static struct pg_connection *find_free(struct pg_role_pool *role)
{
    for (unsigned i = 0; i < role->count; i++) {
        struct pg_slot *slot = &role->slots[i];
        if (slot->lease == PG_LEASE_FREE && pg_connection_is_ready(slot->connection)) {
            slot->lease = PG_LEASE_HELD;
            return slot->connection;
        }
    }
    grow(role);
    return NULL;
}

atlas_status_t pg_pool_pick(struct pg_pool *pool, struct call *call, enum pg_role role,
                            struct pg_connection **ret_connection)
{
    return pg_pool_find_or_wait(&pool->roles[role], call, find_shared, ret_connection);
}

atlas_status_t pg_pool_lease(struct pg_pool *pool, struct call *call,
                             struct pg_connection **ret_connection)
{
    atlas_status_t status =
        pg_pool_find_or_wait(&pool->roles[PG_ROLE_LEASE], call, find_free, ret_connection);
    publish_state(pool);
    return status;
}

void pg_pool_return(struct pg_pool *pool, struct pg_connection *connection)
{
    struct pg_role_pool *role = &pool->roles[PG_ROLE_LEASE];
    struct pg_slot *slot = slot_of(role, connection);
    slot->lease = PG_LEASE_FREE;
    pg_pool_wake_first(role);
    publish_state(pool);
}

void pg_pool_return_after_rollback(struct pg_pool *pool, struct pg_connection *connection)
{
    static const struct pg_command rollback = {.sql = "ROLLBACK", .hash = 0};
    struct pg_slot *slot = slot_of(&pool->roles[PG_ROLE_LEASE], connection);
    struct pg_request *request = pg_connection_send(connection, NULL, &rollback, 1, 0);
    if (request == NULL) {
        pg_pool_return(pool, connection); /* lost: the server rolls back by itself */
        return;
    }
    slot->lease = PG_LEASE_ROLLING_BACK;
    pg_request_release(request);
}
